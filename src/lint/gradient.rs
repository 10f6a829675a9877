//! Gradient flow: terms that train nothing, and branches, stages and weights that nothing trains.

use super::flow::{Flow, ancestors, weights};
use crate::check::{Branch, Recipe, Term};
use crate::diag::{Code, Diagnostic};
use crate::graph::{Input, InputKind, Leaf, NodeId, ParamKind, Parameter, ValueKind};
use std::collections::BTreeSet;

/// Every complaint about the flow of gradients.
pub(super) fn judge(recipe: &Recipe, flow: &Flow) -> Vec<Diagnostic> {
    // A recipe of inputs alone has nothing to train.
    if recipe.branches.is_empty() && recipe.graph.params.is_empty() {
        return Vec::new();
    }
    let idle = recipe.loss.terms.iter().zip(&flow.by_term).filter(|(_, trains)| trains.is_empty());
    let mut found: Vec<Diagnostic> = idle.map(|(term, _)| trains_nothing(recipe, term)).collect();
    if !flow.trained.is_empty() {
        found.extend(recipe.branches.iter().filter(|b| b.derived.is_none()).flat_map(|b| untrained(recipe, flow, b)));
        found.extend(untrained_weights(recipe, flow));
    }
    found
}

fn trains_nothing(recipe: &Recipe, term: &Term) -> Diagnostic {
    let graph = &recipe.graph;
    let behind: Vec<NodeId> = barriers(recipe, term);
    let message = format!("the loss term `{}` trains nothing: it depends only on {}", term.name, causes(recipe, term));
    let mut diagnostic = Diagnostic::error(Code::TERM_TRAINS_NOTHING, term.span, message);
    let mut seen = BTreeSet::from([term.span]);
    for id in &behind {
        let node = graph.node(*id);
        let text = match node.op().is_some_and(|op| op.values.kind == ValueKind::Moved) {
            true => "the gradient stops here".to_owned(),
            false => format!("`{}` passes no gradient on", node.kind),
        };
        diagnostic = match node.span.filter(|s| seen.insert(*s)) {
            Some(span) => diagnostic.also(span, text),
            None => diagnostic,
        };
    }
    diagnostic.help(if behind.is_empty() {
        "compute it from the output of a branch that is trained"
    } else {
        "let one side of the term pass its gradient: use the trained branch itself there"
    })
}

/// What a term is computed from, in words.
fn causes(recipe: &Recipe, term: &Term) -> String {
    let graph = &recipe.graph;
    let mut causes: Vec<String> = Vec::new();
    let mut add = |cause: String| {
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    };
    for id in ancestors(graph, term.node) {
        match graph.node(id).leaf() {
            Some(Leaf::Parameter(id)) => {
                let parameter = &graph.params[id.index()];
                let owner = owner(parameter);
                add(match parameter.ema {
                    Some(_) => format!("the averaged weights of `{owner}`"),
                    None => format!("weights of `{owner}` behind a stop-gradient"),
                });
            }
            Some(Leaf::State(id)) => add(format!("the state `{}`", graph.states[id.index()].name)),
            Some(Leaf::Input(id)) => add(given(&graph.inputs[id.index()])),
            Some(Leaf::Scalar(_) | Leaf::Constant { .. } | Leaf::Dimension { .. }) | None => {}
        }
    }
    // Weights explain more than the pictures they were applied to.
    if causes.iter().any(|c| c.contains("weights")) {
        causes.retain(|c| c != "the views");
    }
    list(&causes)
}

/// What an input is, in words.
fn given(input: &Input) -> String {
    match input.kind {
        InputKind::View(_) | InputKind::Mask(..) => "the views".to_owned(),
        InputKind::Label => "the labels".to_owned(),
        InputKind::Index | InputKind::Rows => "the samples' numbers".to_owned(),
        InputKind::Column { .. } => format!("the column `{}`", input.name),
        InputKind::Table(_) => "the whole data set".to_owned(),
        InputKind::Given => format!("the input `{}`", input.name),
    }
}

/// The nodes on the way from a term to trained weights that pass no gradient on, the first on each way.
fn barriers(recipe: &Recipe, term: &Term) -> Vec<NodeId> {
    let graph = &recipe.graph;
    let mut seen = BTreeSet::new();
    let mut open = vec![term.node];
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = graph.node(id);
        if node.passes_gradient() {
            open.extend(&node.inputs);
        } else if graph.parameter_read(id).is_none() && !weights(graph, id).is_empty() {
            found.insert(id);
        }
    }
    found.into_iter().collect()
}

/// A branch, or stages of it, whose weights stay as they were drawn.
fn untrained(recipe: &Recipe, flow: &Flow, branch: &Branch) -> Vec<Diagnostic> {
    let idle = |path: &str| {
        let of_path: Vec<usize> = belonging(recipe, path);
        !of_path.is_empty() && of_path.iter().all(|&i| flow.trained.iter().all(|t| t.index() != i))
    };
    if idle(&branch.name) {
        let message = format!("nothing trains the branch `{}`: its weights stay as they were drawn", branch.name);
        let help = match followers(recipe, branch) {
            followers if followers.is_empty() => {
                "use it in a loss term without a stop-gradient, or leave it if a fixed random network is meant"
                    .to_owned()
            }
            followers => format!("{} follows it, so train it: use it in a loss term", list(&followers)),
        };
        return vec![Diagnostic::warning(Code::BRANCH_NOT_TRAINED, branch.span, message).help(help)];
    }
    let paths = branch.stages.iter().map(|stage| format!("{}.{stage}", branch.name));
    let idle = paths.filter(|path| idle(path));
    idle.map(|path| {
        let message = format!("nothing trains the stage `{path}`: its weights stay as they were drawn");
        let help = "use its result in a loss term without a stop-gradient, or drop it";
        Diagnostic::warning(Code::BRANCH_NOT_TRAINED, branch.span, message).help(help)
    })
    .collect()
}

/// The branches that are moving averages of `branch`.
fn followers(recipe: &Recipe, branch: &Branch) -> Vec<String> {
    let follows = |b: &&Branch| b.derived.as_ref().is_some_and(|d| d.follows() == Some(branch.name.as_str()));
    recipe.branches.iter().filter(follows).map(|b| format!("`{}`", b.name)).collect()
}

/// The parameters below a path.
fn belonging(recipe: &Recipe, path: &str) -> Vec<usize> {
    let below = |p: &Parameter| p.name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let all = recipe.graph.params.iter().enumerate();
    all.filter(|(_, p)| p.kind != ParamKind::Free && below(p)).map(|(i, _)| i).collect()
}

fn untrained_weights(recipe: &Recipe, flow: &Flow) -> Vec<Diagnostic> {
    let free = recipe.graph.params.iter().enumerate().filter(|(_, p)| p.kind == ParamKind::Free);
    let idle = free.filter(|(i, _)| flow.trained.iter().all(|t| t.index() != *i));
    idle.filter_map(|(_, p)| {
        let message = format!("nothing trains the weight `{}`", p.name);
        let help = "use it in a loss term without a stop-gradient, or make it a `param`";
        Some(Diagnostic::warning(Code::BRANCH_NOT_TRAINED, p.span?, message).help(help))
    })
    .collect()
}

/// The branch or weight that a parameter belongs to.
fn owner(parameter: &Parameter) -> &str {
    parameter.name.split('.').next().unwrap_or(&parameter.name)
}

/// `a, b and c`; `constants` where there is nothing.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => "constants".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
