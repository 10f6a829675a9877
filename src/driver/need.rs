//! How much memory a training needs, and whether there is enough.

use super::{Checked, Failure};
use crate::check::Recipe;
use crate::compile::{Plan, Program, bytes};
use crate::diag::{Code, Diagnostic};
use crate::exec;
use crate::optim;
use crate::source::{Sources, Span};
use crate::system;

/// Programs of more nodes than this are not planned for a judgement.
const MOST_NODES: usize = 50_000;
const FLOAT: usize = size_of::<f32>();

/// Bytes that a training holds at least.
pub(super) struct Need {
    /// Values of a step that are alive at once.
    step: usize,
    /// Parameters, states, and what the optimizer keeps for parameters.
    lasting: usize,
    /// The source of the largest value.
    largest: Option<Span>,
}

impl Need {
    /// Of a recipe; nothing where a size is not known before the data are.
    pub fn of(recipe: &Recipe) -> Option<Need> {
        let graph = &recipe.graph;
        let sizes = |symbol: &str| (symbol == "N").then_some(recipe.train.batch as i64);
        if graph.len() > MOST_NODES {
            return None;
        }
        let terms: Vec<_> = recipe.loss.terms.iter().map(|t| t.node).collect();
        let program =
            Program::training(graph.clone(), &terms, recipe.loss.total?, &[], recipe.train.wishes).ok()?.fused();
        let (step, largest) = Plan::least(&program, &sizes).ok()?;
        let count = |shape: &[usize]| shape.iter().copied().fold(1, usize::saturating_mul);
        let params = graph.params.iter().map(|p| count(&p.shape)).fold(0, usize::saturating_add);
        let states = graph.states.iter().map(|s| s.shape.concrete(&sizes).map(|shape| count(&shape)));
        let states = states.sum::<Option<usize>>()?;
        let trained = program.grads.iter().map(|(id, _)| count(&graph.params[id.index()].shape));
        let slots = recipe.train.optimizers.iter().filter_map(|config| optim::build::<f32>(config).ok());
        let slots = slots.map(|optimizer| optimizer.state_slots()).max().unwrap_or(0);
        let kept = trained.fold(0, usize::saturating_add).saturating_mul(slots);
        let lasting = params.saturating_add(states).saturating_add(kept).saturating_mul(FLOAT);
        let largest = largest.and_then(|node| program.graph.node(node).span);
        Some(Need { step: step.saturating_mul(FLOAT), lasting, largest })
    }

    /// In all.
    pub fn total(&self) -> usize {
        self.step.saturating_add(self.lasting)
    }

    /// What it is made of.
    fn words(&self) -> String {
        format!("{} for the values of a step, {} for weights and optimizer", bytes(self.step), bytes(self.lasting))
    }
}

/// A warning where a recipe needs more memory than this machine has: it may be meant for another one.
pub fn too_large_here(checked: &Checked) -> Option<Diagnostic> {
    let recipe = checked.recipe.as_ref()?;
    let (need, (most, whose)) = (Need::of(recipe)?, system::most()?);
    if need.total() as u64 <= most {
        return None;
    }
    let message = format!(
        "a training needs at least {}, and {whose} has {}",
        bytes(need.total()),
        bytes(usize::try_from(most).unwrap_or(usize::MAX))
    );
    let span = need.largest.or(recipe.loss.terms.first().map(|t| t.span))?;
    let diagnostic = Diagnostic::warning(Code::TOO_LARGE, span, message).label("the largest value is made here");
    Some(diagnostic.help(format!("it takes {}; {}", need.words(), advice(recipe))))
}

/// An error with both numbers where a training needs more memory than is free.
pub(super) fn fits(recipe: &Recipe) -> Result<(), Failure> {
    let Some(need) = Need::of(recipe) else { return Ok(()) };
    exec::claim("a training", need.total()).map_err(|error| {
        let told = Diagnostic::error(Code::TOO_LARGE, None, error.to_string()).note_also(need.words());
        Failure::of(told.help(advice(recipe)), &Sources::default())
    })
}

fn advice(recipe: &Recipe) -> &'static str {
    match !recipe.train.wishes.recompute && !recipe.graph.blocks.is_empty() {
        true => "a smaller `batch` needs less, and so does `train { recompute: blocks }`",
        false => "a smaller `batch` needs less",
    }
}
