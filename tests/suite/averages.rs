//! An average of a branch, a copy of it and a frozen one read nothing that is being trained, whatever its stages are made of.

use sslrun::catalog::Schedule;
use sslrun::check::{self, Options, Recipe};
use sslrun::data::Batch;
use sslrun::diag;
use sslrun::exec::EngineKind;
use sslrun::graph::Graph;
use sslrun::source::{Source, Sources};
use sslrun::train::{Clock, Learner};

fn checked(text: &str) -> Result<Recipe, String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let outcome = check::check(&mut sources, id, &Options::default());
    match outcome.recipe {
        Some(recipe) if outcome.diagnostics.is_empty() => Ok(recipe),
        _ => Err(diag::render(&outcome.diagnostics, &sources)),
    }
}

fn recipe(text: &str) -> Recipe {
    checked(text).unwrap_or_else(|e| panic!("{e}"))
}

/// A branch whose stages use a weight of the recipe, a stage of another branch by name, and another branch in a function.
const ALL: &str = "data shapes(train: 32, test: 8, size: 16)
views { a, b: crop(0.5..1) }
weight gain: [6] = 1
let twisted(x) = g(x) * gain
branch g { e: linear(6) }
branch h { e: linear(6) | batchnorm }
branch f { encoder: global_avgpool | linear(6); own: twisted; shared: h.e; chained: linear(6) | h.e | tanh }
branch m = ema(f, decay: 0.75)
loss { l: mse(f(a), m(b)) + hinge_variance(f(a)); other: mean(g(f(b).encoder) ^ 2) }
train { batch: 8; optimizer: sgd(lr: 0.5) }";

/// The names of the parameters that a value of the graph reads behind a stop of gradients alone.
fn averaged(graph: &Graph) -> Vec<String> {
    graph.params.iter().filter(|p| p.ema.is_some()).map(|p| p.name.clone()).collect()
}

#[test]
fn everything_a_stage_reads_is_averaged() {
    let recipe = recipe(ALL);
    let graph = &recipe.graph;
    let mut names = averaged(graph);
    names.sort();
    let want = [
        "m.chained.0.bias",
        "m.chained.0.weight",
        "m.encoder.1.bias",
        "m.encoder.1.weight",
        "m/g.e.bias",
        "m/g.e.weight",
        "m/gain",
        "m/h.e.0.bias",
        "m/h.e.0.weight",
        "m/h.e.1.bias",
        "m/h.e.1.weight",
    ];
    assert_eq!(names, want);
    for name in &names {
        let param = graph.params.iter().find(|p| p.name == *name).expect("it was just found");
        let ema = param.ema.as_ref().expect("it is averaged");
        let followed = name.strip_prefix("m/").unwrap_or(name).replacen("m.", "f.", 1);
        assert_eq!(graph.params[ema.of.index()].name, followed);
        assert_eq!(ema.decay, Schedule::constant(0.75));
    }
    // Running statistics, too, are the average's own.
    assert!(graph.states.iter().any(|s| s.name == "m/h.e.1.running_mean"));
}

/// A batch of eight made-up pictures of each view.
fn batch() -> Batch {
    let pixels = |k: usize| (0..8 * 16 * 16 * 3).map(|i| ((i * k) as f32 * 0.11).sin()).collect::<Vec<f32>>();
    Batch { views: vec![pixels(3), pixels(7)], labels: vec![None; 8], index: (0..8).collect(), ..Batch::default() }
}

#[test]
fn an_average_reads_no_trained_parameter() {
    for derived in ["ema(f, decay: 0.75)", "snapshot(f, every: 1)"] {
        let text = ALL
            .replace("ema(f, decay: 0.75)", derived)
            .replace("other: ", "average: mean(m(b) ^ 2) + 0 * mean(f(a)); other: ");
        let recipe = recipe(&text);
        // The term of the average, with the trained weights as they start, and moved.
        let term = |moved: f32| {
            let clock = Clock { steps: 800, per_epoch: 100 };
            let mut learner = Learner::new(&recipe, EngineKind::Planned, clock).expect("a learner");
            // Past the first step, a copy is no longer taken.
            let live: Vec<&str> =
                recipe.graph.params.iter().filter(|p| p.ema.is_none()).map(|p| p.name.as_str()).collect();
            assert!(live.contains(&"gain") && live.contains(&"g.e.weight"));
            for name in live {
                learner.store.named_mut(name).expect("it is there").iter_mut().for_each(|x| *x += moved);
            }
            let at = if derived.starts_with("snapshot") { 2 } else { 0 };
            learner.step(at, &batch()).expect("a step")
        };
        let (first, other) = (term(0.0), term(0.5));
        assert_ne!(first.terms[0], other.terms[0]);
        assert_eq!(first.terms[1], other.terms[1], "{derived}");
    }
}

#[test]
fn averages_move_as_they_say() {
    let recipe = recipe(ALL);
    let clock = Clock { steps: 3, per_epoch: 3 };
    let mut learner = Learner::new(&recipe, EngineKind::Planned, clock).expect("a learner");
    let read =
        |learner: &Learner, name: &str| learner.store.named(name).unwrap_or_else(|| panic!("{name}")).values.to_vec();
    let pairs = [
        ("m/gain", "gain"),
        ("m/g.e.weight", "g.e.weight"),
        ("m/h.e.1.bias", "h.e.1.bias"),
        ("m.encoder.1.weight", "f.encoder.1.weight"),
    ];
    for (copy, source) in pairs {
        assert_eq!(read(&learner, copy), read(&learner, source), "{copy} starts as a copy");
    }
    for step in 0..2 {
        let before: Vec<Vec<f32>> = pairs.iter().map(|(copy, _)| read(&learner, copy)).collect();
        learner.step(step, &batch()).expect("a step");
        for ((copy, source), before) in pairs.iter().zip(before) {
            let (after, source) = (read(&learner, copy), read(&learner, source));
            assert_ne!(before, source, "{copy}: what it follows is trained");
            for ((after, before), source) in after.iter().zip(before).zip(source) {
                assert!((after - (0.75 * before + 0.25 * source)).abs() < 1e-6, "{copy}");
            }
        }
    }
}

#[test]
fn a_value_from_outside_of_the_stage_is_averaged_or_refused() {
    // A weight is averaged wherever it stands.
    let through = ALL.replace("let twisted(x) = g(x) * gain", "let scale = exp(gain)\nlet twisted(x) = g(x) * scale");
    assert!(averaged(&recipe(&through).graph).contains(&"m/gain".to_owned()));
    // What a branch was applied to elsewhere cannot be had with other weights.
    let outside =
        ALL.replace("let twisted(x) = g(x) * gain", "let seen = mean(g(f(a).encoder))\nlet twisted(x) = x * seen");
    let error = checked(&outside).expect_err("it is refused");
    assert!(error.contains("which is being trained") && error.contains("apply that branch inside"), "{error}");
}

#[test]
fn branches_that_nothing_trains_stay_as_they_are_in_an_average() {
    let text = ALL
        .replace("branch g { e: linear(6) }", "branch live { e: linear(6) }\nbranch g = ema(live, decay: 0.5)")
        .replace("other: mean(g(f(b).encoder) ^ 2)", "other: mean(live(f(b).encoder) ^ 2)");
    let recipe = recipe(&text);
    let names = averaged(&recipe.graph);
    assert!(names.contains(&"g.e.weight".to_owned()) && !names.iter().any(|n| n.starts_with("m/g.")), "{names:?}");
}
