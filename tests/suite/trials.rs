//! Formulas that the judgement of collapse tries out: those that name rows, and those of odd shapes. None of them ends a check.

use sslrun::check::{self, Options};
use sslrun::diag::{Code, Diagnostic, Severity, render};
use sslrun::exec::PlannedEvaluator;
use sslrun::lint::{lint, mechanisms};
use sslrun::random::Rng;
use sslrun::source::{Source, Sources};

/// What is said of a recipe with this loss and batch; nothing where it does not check.
fn judged(loss: &str, batch: usize, width: usize) -> Option<(Vec<Diagnostic>, String)> {
    let text = format!(
        "views {{ a, b: simclr_augment() }}
         branch f {{ encoder: small_convnet(width: 4); projector: linear({width}) }}
         loss {{ l: {loss} }}
         train {{ batch: {batch}; optimizer: sgd(lr: 0.1) }}"
    );
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let recipe = check::check(&mut sources, id, &Options::default()).recipe?;
    let found = lint(&recipe, &PlannedEvaluator);
    let shown = render(&found, &sources);
    mechanisms(&recipe, &PlannedEvaluator);
    Some((found, shown))
}

#[test]
fn formulas_that_name_rows_are_tried_with_as_many() {
    let formulas = [
        "nt_xent(f(a), f(b)) + mean(f(a)[0..16] ^ 2)",
        "nt_xent(f(a), f(b)) + mean(topk(f(a) @ f(b).T, 20))",
        "nt_xent(f(a), f(b)) + mean(f(a)[20] ^ 2)",
        "nt_xent(f(a), f(b)) + mean((f(a) @ f(b).T)[0..N, 0..16])",
        "nt_xent(f(a), f(b)) + mean(f(a)[N - 60] ^ 2)",
        "info_nce(f(a)[0..48], f(b)[0..48])",
        "hinge_variance(f(a)[32..64]) + hinge_variance(f(b)[32..64])",
    ];
    for formula in formulas {
        let (found, shown) = judged(formula, 64, 8).unwrap_or_else(|| panic!("{formula} does not check"));
        assert!(found.is_empty(), "{formula}\n{shown}");
    }
}

#[test]
fn rows_do_not_hide_a_collapse() {
    let (found, shown) = judged("mse(f(a)[0..40], f(b)[0..40])", 64, 8).expect("a recipe");
    assert!(found.len() == 1 && found[0].code == Code::COLLAPSE, "{shown}");
}

#[test]
fn what_cannot_be_tried_is_not_judged_and_says_so() {
    for (formula, batch) in [
        ("nt_xent(f(a), f(b)) + mean(topk(f(a) @ f(b).T, 600))", 1024),
        ("nt_xent(f(a), f(b)) + mean(f(a)[700] ^ 2)", 1024),
        // More rows than the batch has; whoever trains it is told.
        ("nt_xent(f(a), f(b)) + mean(f(a)[0..100] ^ 2)", 64),
    ] {
        let (found, shown) = judged(formula, batch, 8).expect("a recipe");
        assert!(found.len() == 1 && found[0].code == Code::NOT_JUDGED, "{formula}\n{shown}");
        assert_eq!(found[0].severity, Severity::Note);
        assert!(found[0].message.contains("`l`"), "{shown}");
    }
    // Where another term is known to hold them apart, nothing hangs on it.
    let (found, shown) = judged("nt_xent(f(a), f(b)); m: mean(topk(f(a) @ f(b).T, 600))", 1024, 8).expect("a recipe");
    assert!(found.is_empty(), "{shown}");
}

/// A tensor made of embeddings by some operations at random; what does not go together is refused by the check.
fn tensor(rng: &mut Rng, depth: usize) -> String {
    const LEAVES: [&str; 5] = ["f(a)", "f(b)", "stopgrad(f(b))", "f(a)", "(f(a) @ f(b).T)"];
    if depth == 0 {
        return LEAVES[rng.below(LEAVES.len())].to_owned();
    }
    let x = tensor(rng, depth - 1);
    let n = [0, 1, 2, 5, 9, 20, 64][rng.below(7)];
    let dim = ["0", "1", "-1"][rng.below(3)];
    match rng.below(24) {
        0 => format!("{x}[0..{n}]"),
        1 => format!("{x}[{n}]"),
        2 => format!("{x}[0..N, 0..{n}]"),
        3 => format!("topk({x}, {n})"),
        4 => format!("sort({x}, dim: {dim})"),
        5 => format!("cumsum({x}, dim: {dim})"),
        6 => format!("softmax({x})"),
        7 => format!("log_softmax({x})"),
        8 => format!("({x} @ {}.T)", tensor(rng, depth - 1)),
        9 => format!("({x}.T @ {})", tensor(rng, depth - 1)),
        10 => format!("concat({x}, {}, dim: {dim})", tensor(rng, depth - 1)),
        11 => format!("stack({x}, {})", tensor(rng, depth - 1)),
        12 => format!("mean({x}, dim: {dim})"),
        13 => format!("max({x}, dim: {dim})"),
        14 => format!("logsumexp({x}, dim: {dim})"),
        15 => format!("({x} / sum({x}, dim: {dim}, keepdim: true))"),
        16 => format!("sinkhorn({x})"),
        17 => format!("reshape({x}, [{n}, -1])"),
        18 => format!("flatten({x})"),
        19 => format!("where({x} < {}, {x}, 0.5)", tensor(rng, depth - 1)),
        20 => format!("index_select({x}, argmax({x}, dim: {dim}))"),
        21 => format!("normalize({x})"),
        22 => format!("({x} - {})", tensor(rng, depth - 1)),
        _ => format!("one_hot(argmax({x}, dim: {dim}), {n})"),
    }
}

#[test]
fn no_formula_of_whatever_shape_ends_a_check() {
    let (mut rng, mut checked) = (Rng::new(&[26]), 0);
    for round in 0..700 {
        let depth = 1 + rng.below(4);
        let formula = format!("mean({}) + 0.01 * nt_xent(f(a), f(b))", tensor(&mut rng, depth));
        let (batch, width) = ([1, 2, 3, 7, 64, 100][rng.below(6)], [1, 2, 8, 20][round % 4]);
        checked += usize::from(judged(&formula, batch, width).is_some());
    }
    assert!(checked > 150, "{checked} of the formulas go together");
}
