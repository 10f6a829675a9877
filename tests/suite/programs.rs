//! Generated programs: value and gradients of both engines, in f64 and f32, against PyTorch in f64.

use super::fixtures::Fixture;
use sslrun::check::{self, Options};
use sslrun::compile::Program;
use sslrun::diag;
use sslrun::exec::{EngineKind, Feed, Real, Store, engine};
use sslrun::source::{Source, Sources};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

const ENGINES: [EngineKind; 2] = [EngineKind::Planned, EngineKind::Candle];

/// The sizes of a program's symbols, from its first line: `# N = 4, D = 3`.
fn sizes(text: &str) -> BTreeMap<&str, i64> {
    let line = text.lines().next().and_then(|line| line.strip_prefix('#')).expect("a line of sizes");
    let size = |part| str::split_once(part, " = ").map(|(name, n)| (name.trim(), n.parse().expect("a size")));
    line.split(',').filter_map(size).collect()
}

/// The loss of a recipe of inputs, each of its terms, and the gradient by each input in the order of their declarations.
fn compute<T: Real>(
    kind: EngineKind,
    text: &str,
    size: &dyn Fn(&str) -> Option<i64>,
    given: &[f32],
) -> Result<Vec<Vec<f64>>, String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("case.ssl", sslrun::source::Origin::File("case.ssl".into()), text));
    let outcome = check::check(&mut sources, id, &Options::default());
    let recipe = outcome.recipe.ok_or_else(|| diag::render(&outcome.diagnostics, &sources))?;
    let total = recipe.loss.total.expect("a recipe without errors has a loss");
    let mut rest = given.iter().copied().cycle();
    let mut inputs: Vec<(String, Vec<f32>)> = Vec::new();
    for input in &recipe.graph.inputs {
        let count = input.ty.shape.concrete(size).expect("sizes of all symbols").iter().product();
        inputs.push((input.name.clone(), rest.by_ref().take(count).collect()));
    }
    let nodes: Vec<_> = [total].into_iter().chain(recipe.loss.terms.iter().map(|t| t.node)).collect();
    let names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
    let program = Program::training(recipe.graph, &nodes, total, &names, recipe.train.wishes).map_err(|e| e.message)?;
    let mut memory = Store::<T>::new(&program.graph, size, 0).map_err(|e| e.to_string())?;
    let mut engine = engine::<T>(kind, &program, size).map_err(|e| e.to_string())?;
    let feed =
        Feed { inputs: inputs.iter().map(|(name, x)| (name.as_str(), x.as_slice())).collect(), ..Feed::default() };
    engine.run(&mut memory, &feed).map_err(|e| e.to_string())?;
    let wide = |x: &[T]| x.iter().map(|v| v.to_f64()).collect::<Vec<f64>>();
    let values = (0..nodes.len()).map(|i| wide(engine.output(i)));
    let grads = names.iter().map(|name| wide(engine.input_gradient(name).expect("a gradient by each input")));
    Ok(values.chain(grads).collect())
}

/// The same, a panic being an error like others.
fn caught<T: Real>(
    kind: EngineKind,
    text: &str,
    size: &dyn Fn(&str) -> Option<i64>,
    given: &[f32],
) -> Result<Vec<Vec<f64>>, String> {
    let run = || compute::<T>(kind, text, size, given);
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("a panic".into()))
}

/// The largest difference of two lists in parts of `scale`; infinite where one is infinite or no number and the other not the same.
fn off(got: &[f64], want: &[f64], scale: f64) -> f64 {
    let one = |(&g, &w): (&f64, &f64)| match () {
        () if g == w || (g.is_nan() && w.is_nan()) => 0.0,
        () if g.is_finite() && w.is_finite() => (g - w).abs() / scale,
        () => f64::INFINITY,
    };
    got.iter().zip(want).map(one).fold(0.0, f64::max)
}

/// How far a program's results are from PyTorch's, in what one rounding of each step amounts to in numbers of that precision.
fn error<T: Real>(kind: EngineKind, fixture: &Fixture, case: &str, precision: f64) -> Result<f64, String> {
    let key = |part: &str| format!("{case}/{part}");
    let (text, scales) = (&fixture.cases[case], &fixture.get(&key("scale")).values);
    let sizes = sizes(text);
    let got = caught::<T>(kind, text, &|s| sizes.get(s).copied(), &fixture.get(&key("given")).values)?;
    let mut want = fixture.doubles(&key("want"));
    assert_eq!((got.len(), got.iter().map(Vec::len).sum()), (scales.len(), want.len()), "{case}:\n{text}");
    let mut worst = 0.0f64;
    for (part, &scale) in got.iter().zip(scales) {
        let (own, others) = want.split_at(part.len());
        worst = worst.max(off(part, own, f64::from(scale).max(1e-30) * precision));
        want = others;
    }
    Ok(worst)
}

/// Holds every program of a file to PyTorch, on both engines and in both precisions, within `most` roundings.
fn every_program(fixture: &Fixture, most: f64) {
    let mut failed = Vec::new();
    let mut worst = [0.0f64; 4];
    for (case, text) in &fixture.cases {
        for (i, kind) in ENGINES.into_iter().enumerate() {
            let wide = error::<f64>(kind, fixture, case, f64::EPSILON / 2.0);
            let narrow = error::<f32>(kind, fixture, case, f64::from(f32::EPSILON) / 2.0);
            for (j, (result, name)) in [(wide, "f64"), (narrow, "f32")].into_iter().enumerate() {
                match result {
                    Ok(error) if error <= most => worst[2 * i + j] = worst[2 * i + j].max(error),
                    Ok(error) => failed.push(format!("{case} by {kind:?} in {name}: {error:.1} roundings\n{text}")),
                    Err(why) => failed.push(format!("{case} by {kind:?} in {name}: {why}\n{text}")),
                }
            }
        }
    }
    println!("at the most {worst:.1?} roundings");
    assert!(failed.is_empty(), "{} failures in {} programs:\n{}", failed.len(), fixture.cases.len(), failed.join("\n"));
}

/// How many roundings a result may be off. Its scale is what one rounding of every step amounts to, with the worst of twelve draws of
/// signs. Kernels of functions are within two units in the last place, which is four roundings, and the worst of all signs is some
/// times worse than that of a few.
const MOST: f64 = 16.0;

/// The same where tensors are large: candle adds up thousands of numbers one after the other.
const MOST_OF_LARGE: f64 = 256.0;

#[test]
fn generated_programs_agree_with_pytorch() {
    for name in ["programs_1", "programs_2"] {
        every_program(&Fixture::load(name), MOST);
    }
}

#[test]
fn infinities_are_those_of_pytorch() {
    every_program(&Fixture::load("infinite"), MOST);
}

#[test]
#[ignore = "reads the folder `PROGRAMS` of files made by tests/reference/programs.py"]
fn more_generated_programs_agree_with_pytorch() {
    let folder = PathBuf::from(std::env::var_os("PROGRAMS").expect("PROGRAMS names a folder"));
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().for_each(|file| every_program(&Fixture::read(file), MOST_OF_LARGE));
}

#[test]
fn no_size_makes_an_engine_panic() {
    let fixtures = ["programs_1", "programs_2"].map(Fixture::load);
    let mut failed = Vec::new();
    for (fixture, (case, text)) in fixtures.iter().flat_map(|f| f.cases.iter().map(move |case| (f, case))) {
        for (kind, n) in ENGINES.into_iter().flat_map(|kind| [0, 1, 7].map(|n| (kind, n))) {
            let result = caught::<f32>(kind, text, &|_| Some(n), &fixture.get(&format!("{case}/given")).values);
            if result == Err("a panic".into()) {
                failed.push(format!("{case} by {kind:?} with all sizes {n}:\n{text}"));
            }
        }
    }
    assert!(failed.is_empty(), "{} panics:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn what_is_no_index_is_an_error() {
    let expressions = [
        "index_select(x, i)",
        "gather(x.T, reshape(i, [1, 2]), dim: 1)",
        "take(reshape(x, [1, 3, 1]), reshape(i, [1, 2]))",
        "place(reshape(i, [1, 2, 1]), reshape(i, [1, 2]), 3)",
    ];
    for (kind, expression) in ENGINES.into_iter().flat_map(|kind| expressions.map(|e| (kind, e))) {
        let text = format!("#\ninput x: [3, 1]\ninput i: [2]\nloss {{ l: sum({expression}) }}\n");
        let result = |index: f32| caught::<f32>(kind, &text, &|_| None, &[1.0, 2.0, 4.0, 2.0, index]);
        assert!(result(1.0).is_ok(), "{kind:?}: {expression}: {:?}", result(1.0));
        for (bad, why) in [(-3.0, "index -3 "), (3.0, "index 3 "), (0.5, "index 0.5 "), (f32::NAN, "index NaN ")] {
            let error = result(bad).expect_err(expression);
            assert!(error.contains(why), "{kind:?}: {expression}: {error}");
        }
    }
}

#[test]
fn inputs_that_get_no_gradient_get_zeros() {
    for kind in ENGINES {
        let text = "# N = 2\ninput x: [N, 3]\ninput y: [N]\nloss { l: sum(x ^ 0) }\n";
        let got = caught::<f32>(kind, text, &|_| Some(2), &[1.0, -2.0, 0.0]).unwrap();
        assert_eq!(got, [vec![6.0], vec![6.0], vec![0.0; 6], vec![0.0; 2]], "{kind:?}");
    }
}

#[test]
fn a_range_of_one_number_is_its_first() {
    for kind in ENGINES {
        let text = "# T = 1\ninput x: [T]\nloss { l: sum(x * linspace(-1, 2, T)) }\n";
        let got = caught::<f32>(kind, text, &|_| Some(1), &[3.0]).unwrap();
        assert_eq!(got, [vec![-3.0], vec![-3.0], vec![-1.0]], "{kind:?}");
    }
}

#[test]
fn sizes_that_do_not_go_together_are_the_same_error_on_both_engines() {
    for (expression, why) in [
        ("sum(x[0..8])", "`slice`: cannot take 0..8 of dimension 0 of [N, D]: it has 4"),
        ("sum(x[-6])", "`slice`: dimension N - 6 of [N - 6] would be -2"),
        ("sum(x) + max(arange(N - 4))", "`reduce_max`: is computed of a tensor [N - 4] that has no element: [0]"),
    ] {
        for kind in ENGINES {
            let text = format!("#\ninput x: [N, D]\nloss {{ l: {expression} }}\n");
            let error = caught::<f32>(kind, &text, &|_| Some(4), &[1.0]).expect_err(expression);
            assert_eq!(error, why, "{kind:?}: {expression}");
        }
    }
}
