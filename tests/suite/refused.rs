//! What is refused is refused for what it is: with the bound it passes, at its place, and nothing vanishes without a word.

use std::collections::HashMap;

use sslrun::check::{self, Options};
use sslrun::driver::{Checked, loss_of};
use sslrun::exec::EngineKind;
use sslrun::exec::PlannedEvaluator;
use sslrun::lint::lint;
use sslrun::source::{Source, Sources};

/// Everything that is said of a recipe: `code: message`.
fn said(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let outcome = check::check(&mut sources, id, &Options::default());
    let all =
        outcome.diagnostics.into_iter().chain(outcome.recipe.iter().flat_map(|recipe| lint(recipe, &PlannedEvaluator)));
    all.map(|d| format!("{}: {}", d.code.name, d.message)).collect()
}

/// That one thing is said of a recipe, with these words in it.
fn says(text: &str, words: &[&str]) {
    let all = said(text);
    assert!(all.len() == 1 && words.iter().all(|word| all[0].contains(word)), "{text}\n{all:#?}\nwanted {words:?}");
}

const BODY: &str = "views { a, b: simclr_augment() }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
";

fn train(settings: &str) -> String {
    format!("{BODY}train {{ {settings} }}")
}

#[test]
fn a_number_that_passes_a_bound_is_told_the_bound() {
    let cases = [
        (train("batch: 1e9"), vec!["`batch`", "from 1 to 1048576", "1e9"]),
        (train("epochs: 1e12"), vec!["`epochs`", "1e12", "to"]),
        (train("seed: 9007199254740994"), vec!["9007199254740992"]),
        (BODY.replace("simclr_augment()", "jitter(hue: 0.6)"), vec!["`hue`", "from 0 to 0.5", "0.6"]),
        (BODY.replace("simclr_augment()", "solarize(threshold: 300)"), vec!["`threshold`", "to 256", "300"]),
        (BODY.replace("linear(8)", "linear(8) | dropout(1)"), vec!["`p`", "from 0 to 0.999"]),
        (BODY.replace("small_convnet(width: 4)", "vit(8, 1, 2, patch: 8, drop_path: 1)"), vec!["`drop_path`", "0.999"]),
        (format!("{BODY}evaluate {{ probes: [knn(temperature: 1e-9)] }}"), vec!["`temperature`", "0.0001", "1e-9"]),
        (BODY.replace("nt_xent(f(a), f(b))", "mean(sinkhorn(f(a), epsilon: 1e-8))"), vec!["`epsilon`", "1e-8"]),
        (BODY.replace("{ a, b:", "{ g[300]:"), vec!["a group of 300 views", "at most 256"]),
    ];
    for (text, words) in cases {
        let all = said(&text);
        assert!(words.iter().all(|word| all[0].contains(word)), "{text}\n{all:#?}\nwanted {words:?}");
    }
}

#[test]
fn long_chains_of_functions_and_pipelines_are_no_rings() {
    let chain: String = (1..65).map(|i| format!("let f{i}(x) = f{}(x) * 1.0\n", i - 1)).collect();
    let text = format!("{}let f0(x) = x\n{chain}", BODY.replace("nt_xent(f(a), f(b))", "nt_xent(f64(f(a)), f(b))"));
    assert_eq!(said(&text), Vec::<String>::new());
    let pipe = format!("{}linear(8)", "tanh | ".repeat(120));
    assert_eq!(said(&BODY.replace("linear(8)", &pipe)), Vec::<String>::new());
    let deep: String = (1..300).map(|i| format!("let f{i}(x) = f{}(x) * 1.0\n", i - 1)).collect();
    let text = format!("{}let f0(x) = x\n{deep}", BODY.replace("nt_xent(f(a), f(b))", "nt_xent(f299(f(a)), f(b))"));
    let all = said(&text);
    assert!(all[0].starts_with("too-large") && all[0].contains("256"), "{all:?}");
    let ring = format!("{}let f0(x) = f1(x)\nlet f1(x) = f0(x)\n", BODY.replace("nt_xent(f(a)", "nt_xent(f0(f(a))"));
    let all = said(&ring);
    assert!(all[0].starts_with("recursion"), "{all:?}");
}

#[test]
fn a_loop_goes_over_so_many_numbers_and_not_over_something_else() {
    let over = |range: &str| {
        BODY.replace("nt_xent(f(a), f(b))", &format!("nt_xent(f(a), f(b)) + 0 * sum(i for i in {range})"))
    };
    assert_eq!(said(&over("0..1000")), Vec::<String>::new());
    says(&over("0..70000"), &["too-large", "70000", "65536"]);
    says(&over("0..1e12"), &["too-large", "65536"]);
}

#[test]
fn what_a_recipe_makes_can_be_held_and_is_not_empty() {
    let with = |value: &str| BODY.replace("nt_xent(f(a), f(b))", &format!("nt_xent(f(a), f(b)) + {value}"));
    for value in [
        "mean(randn([1e9, 1e9]))",
        "mean(zeros([4294967296, 4294967296]))",
        "mean(cumsum(randn([274177, 67280421310721]), 1))",
        "mean(eye(1e9))",
        "mean(linspace(0, 1, 1e15))",
    ] {
        says(&with(value), &["too-large", "the most there can be are 2^40"]);
    }
    says(&with("sigreg(f(a), slices: 4, knots: 0)"), &["[0]", "has no element"]);
    says(&with("mean(f(a)[:, 0..0])").replace("[:, 0..0]", "[:, 8..8]"), &[]);
}

#[test]
fn the_whole_path_of_a_schedule_is_within_its_bounds() {
    let lr = |schedule: &str| train(&format!("epochs: 10; optimizer: sgd(lr: {schedule})"));
    says(&lr("cosine(0.1 -> 0, warmup: 1, warmup_from: -3)"), &["invalid-value", "-3"]);
    says(&lr("linear(0.1 -> -0.1)"), &["invalid-value", "-0.1"]);
    says(&lr("step(0.1, at: [1, 5], warmup: 2)"), &["before its warm-up of 2 epochs is over"]);
    let decay = |schedule: &str| {
        BODY.replace("loss {", &format!("branch m = ema(f, decay: {schedule})\nloss {{ m: mse(f(a), m(b));"))
    };
    says(&decay("step(0.9, at: [1], factor: 3)"), &["invalid-value", "from 0 to 1", "2.7"]);
    assert_eq!(said(&decay("step(0.9, at: [1], factor: 1.05)")), Vec::<String>::new());
    assert_eq!(said(&decay("cosine(0.9 -> 1)")), Vec::<String>::new());
    // A word for a ramp that does not say where it leads.
    says(&lr("cosine(0.1, 0)"), &["->"]);
    // A warm-up that the training does not outlast.
    says(&lr("cosine(0.1 -> 0, warmup: 20)"), &["warm-up", "20", "10"]);
    assert_eq!(said(&lr("cosine(0.1 -> 0, warmup: 2)")), Vec::<String>::new());
    says(&train("optimizer: adamw(lr: 1e-3, betas: [0.9, 1.5])"), &["betas"]);
}

#[test]
fn a_branch_where_a_number_belongs_is_said_and_drops_no_term() {
    let derived = |value: &str| BODY.replace("loss {", &format!("branch g = {value}\nloss {{ m: mse(f(a), g(b));"));
    for value in ["ema(f, decay: g)", "ema(f, decay: f)", "ema(f, decay: h)\nbranch h { e: linear(3) }"] {
        let all = said(&derived(value));
        assert!(all[0].contains("`decay` must be a number from 0 to 1"), "{value}: {all:?}");
    }
    says(&derived("ema(f, decay: g.encoder)"), &["`g` cannot be used here: the settings of branches"]);
    for value in ["ema(f, update: g)", "snapshot(f, every: g)", "snapshot(f, every: f(a))"] {
        let all = said(&derived(value));
        assert!(!all.is_empty() && !all[0].starts_with("unused"), "{value}: {all:?}");
    }
    for value in ["f", "f(a)", "f.encoder", "mean(f(a))"] {
        let settings = [
            format!("train {{ epochs: {value} }}"),
            format!("train {{ batch: {value} }}"),
            format!("train {{ seed: {value} }}"),
            format!("train {{ checkpoint: {value} }}"),
            format!("train {{ optimizer: sgd(lr: {value}) }}"),
            format!("train {{ optimizer: sgd(lr: cosine({value} -> 0)) }}"),
            format!("train {{ optimizer: sgd(lr: 0.1, momentum: {value}) }}"),
            format!("train {{ optimizer: adamw(lr: 0.1, betas: [{value}, {value}]) }}"),
            format!("train {{ clip: clip_norm({value}) }}"),
            format!("train {{ rules: rule(bias, weight_decay: {value}) }}"),
            format!("train {{ optimizer: {value} }}"),
            format!("evaluate {{ every: {value} }}"),
            format!("evaluate {{ probes: [knn(k: {value})] }}"),
            format!("evaluate {{ probes: [{value}] }}"),
        ];
        for setting in settings {
            let all = said(&format!("{BODY}{setting}"));
            assert!(!all.is_empty(), "{setting} is silent");
            assert!(all.iter().all(|d| !d.contains("fault of sslrun")), "{setting}: {all:?}");
        }
    }
    says(&format!("data shapes(train: f)\n{BODY}"), &["`train`", "found a branch"]);
}

#[test]
fn an_unknown_data_set_is_the_only_thing_said() {
    says(&format!("data nothing()\n{BODY}"), &["nothing"]);
}

#[test]
fn a_fault_in_a_loss_is_shown_in_the_loss() {
    let mut sources = Sources::default();
    let text = BODY.replace("nt_xent(f(a), f(b))", "nt_xent(f(a), f(b)) + mean(1 / f(a))");
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text.as_str()));
    let outcome = check::check(&mut sources, id, &Options::default());
    let recipe = outcome.recipe.expect("it is sound");
    for (_, node) in recipe.graph.nodes().filter(|(_, n)| n.kind.to_string() == "recip" || n.kind.to_string() == "div")
    {
        let span = node.span.expect("a place");
        if span.file == id && text[span.range()].contains('/') {
            return;
        }
    }
    panic!("no division is put down to the loss");
}

#[test]
fn a_term_that_another_one_names_is_the_same_value() {
    let text = "input x: [N]\nloss { a: mean(x * rand([N])); b: 2 * loss.a; c: loss.b + loss.a }";
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let recipe = check::check(&mut sources, id, &Options::default()).recipe.expect("it is sound");
    let checked = Checked { sources, recipe: Some(recipe), diagnostics: Vec::new() };
    let x = candle_core::Tensor::from_vec(vec![1f32, 2.0, 3.0], 3, &candle_core::Device::Cpu).expect("a tensor");
    let given = HashMap::from([("x".to_owned(), x)]);
    for kind in [EngineKind::Planned, EngineKind::Candle] {
        let computed = loss_of(&checked, &given, false, kind).expect("a loss");
        let [a, b, c] = [0, 1, 2].map(|i: usize| computed.terms[i].1);
        assert!(a != 0.0 && b == 2.0 * a && c == b + a, "{:?}", computed.terms);
    }
    says("input x: [N]\nloss { a: loss.b; b: loss.a }", &["recursion"]);
}
