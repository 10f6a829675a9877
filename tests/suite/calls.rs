//! Calls of every function with arguments of the right sort, made up by a seed: whatever they are, there is a recipe or a message, and a
//! recipe can be judged, differentiated and planned, or it is said why not. Nothing panics.

use sslrun::catalog::{Entry, Kind, Param, ParamType};
use sslrun::check::{self, Options, vocabulary};
use sslrun::compile::{Plan, Program, flops};
use sslrun::diag;
use sslrun::exec::PlannedEvaluator;
use sslrun::lint::lint;
use sslrun::random::Rng;
use sslrun::source::{Origin, Source, Sources};

/// Calls of each function. More of them run where this is started with `SSLRUN_CALLS` set to how many.
const CALLS: usize = 24;

const FRAME: &str = "views { a, b: crop(0.5..1, size: 8) }
branch f { encoder: conv2d(4) | global_avgpool; head: linear(8) }
branch t { blocks: conv2d(8, 3, stride: 2) | tokens }
weight w: [4, 8]
let tokens(x) = reshape(x, [N, 16, 8])
let z = f(a)
let y = f(b)
";

/// Tensors of many shapes, by expressions over the frame.
const TENSORS: [&str; 18] = [
    "z",
    "y",
    "stopgrad(y)",
    "a",
    "z @ y.T",
    "z.T @ y",
    "z @ z.T",
    "softmax(z)",
    "log_softmax(z)",
    "z ^ 2",
    "mean(z)",
    "w",
    "w @ w.T + 4 * eye(4)",
    "t(a)",
    "argmax(z, dim: 1)",
    "batch.label",
    "z > y",
    "concat(z, y)",
];

/// An argument of that sort, as it would be written.
fn argument(ty: &ParamType, rng: &mut Rng) -> Option<String> {
    let within = |min: f64, max: f64, rng: &mut Rng| {
        let (low, high) = (min.max(-3.0), max.min(5.0).max(min));
        [low, high, low + (high - low) * rng.uniform(), 0.5][rng.below(4)]
    };
    let one_of = |choices: &[&str], rng: &mut Rng| choices[rng.below(choices.len())].to_owned();
    Some(match ty {
        ParamType::Tensor => one_of(&TENSORS, rng),
        ParamType::Number { min, max } | ParamType::Scalar { min, max } => format!("{:.3}", within(*min, *max, rng)),
        ParamType::Int { min, max } => {
            let high = (*max).min(12);
            (min + rng.below((high - min).max(0) as usize + 1) as i64).to_string()
        }
        ParamType::Bool => one_of(&["true", "false"], rng),
        ParamType::Choice(words) => one_of(words, rng),
        ParamType::Dims => one_of(&["[N, 8]", "[8, N]", "[2, 4]", "8", "N", "[N, 2, 4]", "[1]", "[2 * N]"], rng),
        ParamType::Axis => one_of(&["0", "1", "-1", "2", "-3"], rng),
        ParamType::Axes => one_of(&["0", "1", "-1", "[0, 1]", "[0, 0]"], rng),
        ParamType::Numbers => one_of(&["[1, 2]", "[0.5]", "[-1, 0, 1]"], rng),
        ParamType::Range { .. } | ParamType::Amount { .. } => one_of(&["0..1", "0.5", "1..2"], rng),
        ParamType::Text
        | ParamType::Texts
        | ParamType::Path
        | ParamType::Ramp
        | ParamType::Module
        | ParamType::Pipeline
        | ParamType::Selector
        | ParamType::Word(_) => return None,
    })
}

/// A call with some of its arguments by name; `None` where a sort cannot be made up.
fn call(name: &str, params: &[Param], rng: &mut Rng) -> Option<String> {
    let mut args = Vec::new();
    for param in params {
        if param.default.is_some() && rng.below(2) == 0 {
            continue;
        }
        let value = argument(&param.ty, rng)?;
        args.push(if param.default.is_some() { format!("{}: {value}", param.name) } else { value });
    }
    Some(format!("{name}({})", args.join(", ")))
}

/// Checks a recipe whose loss is made of one expression, and all that follows of it; whether it has passed.
fn goes_through(expression: &str) -> bool {
    let text = format!("{FRAME}loss {{ l: mean({expression}) + mse(z, y) }}\ntrain {{ batch: 6 }}\n");
    let mut sources = Sources::default();
    let id = sources.add(Source::new("calls.ssl", Origin::Input, text.as_str()));
    let outcome = check::check(&mut sources, id, &Options::default());
    let Some(recipe) = outcome.recipe else {
        assert!(!outcome.diagnostics.is_empty(), "nothing is said of `{expression}`");
        let said = diag::render(&outcome.diagnostics, &sources);
        assert!(!said.is_empty());
        return false;
    };
    let said = lint(&recipe, &PlannedEvaluator);
    _ = diag::json(&said, &sources);
    let total = recipe.loss.total.expect("a recipe has a loss");
    let program = Program::training(recipe.graph.clone(), &[total], total, &[], recipe.train.wishes);
    let program = program.unwrap_or_else(|e| panic!("`{expression}` cannot be differentiated: {e}"));
    let sizes = |symbol: &str| (symbol == "N").then_some(6);
    program.live().into_iter().for_each(|id| _ = flops(&program.graph, id));
    if let Err(error) = Plan::new(&program.clone().fused(), &sizes) {
        assert!(!error.message.is_empty(), "nothing is said of the plan of `{expression}`");
    }
    true
}

#[test]
fn made_up_calls_are_recipes_or_get_a_message() {
    let calls = std::env::var("SSLRUN_CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(CALLS);
    let operations: Vec<&Entry> = vocabulary().into_iter().filter(|entry| entry.kind == Kind::Operation).collect();
    let mut never = Vec::new();
    for (number, entry) in operations.iter().enumerate() {
        let mut rng = Rng::new(&[number as u64, 77]);
        let passed =
            (0..calls).filter_map(|_| call(entry.name, entry.params, &mut rng)).filter(|c| goes_through(c)).count();
        if passed == 0 {
            never.push(entry.name);
        }
    }
    assert!(operations.len() > 60 && never.len() < operations.len() / 3, "too few of these are ever right: {never:?}");
}
