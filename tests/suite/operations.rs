//! Every operation and every loss of the corpus against PyTorch, written in the language and run as a recipe.

use super::fixtures::{Fixture, Tensor, assert_close};
use sslrun::check::{self, Options};
use sslrun::compile::Program;
use sslrun::diag;
use sslrun::exec::{EngineKind, Feed, Store, engine};
use sslrun::source::{Source, Sources};
use std::collections::BTreeMap;

/// What a recipe of inputs and loss terms computes.
pub struct Computed {
    pub terms: Vec<f32>,
    pub grads: BTreeMap<String, Vec<f32>>,
}

/// Runs a recipe of inputs and loss terms on the given tensors.
pub fn compute(kind: EngineKind, terms: &str, inputs: &[(&str, &Tensor)]) -> Result<Computed, String> {
    let shape = |t: &Tensor| t.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let declared: String = inputs.iter().map(|(n, t)| format!("input {n}: [{}]\n", shape(t))).collect();
    let text = format!("{declared}loss {{\n{terms}\n}}\n");
    let mut sources = Sources::default();
    let id = sources.add(Source::new("case.ssl", sslrun::source::Origin::File("case.ssl".into()), text.as_str()));
    let outcome = check::check(&mut sources, id, &Options::default());
    let recipe = outcome.recipe.ok_or_else(|| format!("{text}\n{}", diag::render(&outcome.diagnostics, &sources)))?;
    let names: Vec<&str> = inputs.iter().map(|(n, _)| *n).collect();
    let nodes: Vec<_> = recipe.loss.terms.iter().map(|t| t.node).collect();
    let total = recipe.loss.total.expect("a recipe without errors has a loss");
    let program =
        Program::training(recipe.graph, &nodes, total, &names, recipe.train.wishes).map_err(|e| e.to_string())?;
    let mut memory = Store::<f32>::new(&program.graph, &|_| None, 0).map_err(|e| e.to_string())?;
    let mut engine = engine::<f32>(kind, &program, &|_| None).map_err(|e| e.to_string())?;
    let feed = Feed { inputs: inputs.iter().map(|(n, t)| (*n, t.values.as_slice())).collect(), ..Feed::default() };
    engine.run(&mut memory, &feed).map_err(|e| e.to_string())?;
    let terms = (0..nodes.len()).map(|i| engine.output(i)[0]).collect();
    let grads = names.iter().filter_map(|n| Some(((*n).to_owned(), engine.input_gradient(n)?.to_vec()))).collect();
    Ok(Computed { terms, grads })
}

pub fn dot(a: &Tensor, b: &Tensor) -> f32 {
    a.values.iter().zip(&b.values).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>() as f32
}

/// One case of `ops.py`: the sum of the result times its cotangent, and the gradient of that by every input.
fn operation(kind: EngineKind, fixture: &Fixture, case: &str, expression: &str) -> Result<(), String> {
    let out = fixture.get(&format!("{case}/out"));
    // Where there is no gradient, any weights show the value.
    let weights =
        Tensor { shape: out.shape.clone(), values: (0..out.values.len()).map(|i| 0.5 + (i % 7) as f32).collect() };
    let cot = fixture.find(&format!("{case}/cot")).unwrap_or(&weights);
    let mut inputs: Vec<(&str, &Tensor)> = vec![("cot", cot)];
    for (i, name) in ["x", "y", "z"].into_iter().enumerate() {
        inputs.extend(fixture.find(&format!("{case}/in{i}")).map(|t| (name, t)));
    }
    let got = compute(kind, &format!("value: sum(({expression}) * cot)"), &inputs)?;
    let scale = out.values.iter().zip(&cot.values).map(|(o, c)| (o * c).abs()).sum::<f32>().max(1.0);
    let want = dot(out, cot);
    let error = (got.terms[0] - want).abs() / scale;
    if error.is_nan() || error > 1e-5 {
        return Err(format!("value {} instead of {want}", got.terms[0]));
    }
    for (i, name) in ["x", "y", "z"].into_iter().enumerate() {
        let Some(want) = fixture.find(&format!("{case}/grad{i}")) else { continue };
        let zero = vec![0.0; want.values.len()];
        let got = got.grads.get(name).unwrap_or(&zero);
        let error = super::fixtures::relative_error(got, &want.values);
        if error.is_nan() || error > 1e-4 {
            return Err(format!(
                "gradient by {name}: relative error {error:e}\n  got {got:?}\n want {:?}",
                want.values
            ));
        }
    }
    Ok(())
}

fn every_operation(kind: EngineKind, fixture: &str) {
    let fixture = Fixture::load(fixture);
    let results = fixture.cases.iter().map(|(case, e)| (case, e, operation(kind, &fixture, case, e)));
    let failed: Vec<String> = results.filter_map(|(case, e, r)| Some(format!("{case}: `{e}`: {}", r.err()?))).collect();
    assert!(failed.is_empty(), "{} of {} cases:\n{}", failed.len(), fixture.cases.len(), failed.join("\n"));
}

#[test]
fn operations_agree_with_pytorch() {
    every_operation(EngineKind::Planned, "ops");
}

#[test]
fn operations_on_tokens_agree_with_pytorch() {
    every_operation(EngineKind::Planned, "tokens");
}

fn every_loss(kind: EngineKind) {
    let fixture = Fixture::load("losses");
    for (method, terms) in &fixture.cases {
        let terms: BTreeMap<String, String> = serde_json::from_str(terms).expect("terms as JSON");
        let batch = fixture.under(&format!("{method}/in.")).map(|(_, x)| x.shape[0]).min().expect("an input");
        let text: Vec<String> =
            terms.iter().map(|(n, e)| format!("{n}: {}", e.replace("/ N)", &format!("/ {batch})")))).collect();
        let prefix = format!("{method}/in.");
        let inputs: Vec<(&str, &Tensor)> = fixture.under(&prefix).collect();
        let got = compute(kind, &text.join("\n"), &inputs).unwrap_or_else(|e| panic!("{method}: {e}"));
        for (i, name) in terms.keys().enumerate() {
            assert_close(
                &format!("{method}.{name}"),
                &got.terms[i..=i],
                &fixture.get(&format!("{method}/loss.{name}")).values,
                1e-5,
            );
        }
        for (name, want) in fixture.under(&format!("{method}/grad.")) {
            assert_close(&format!("{method} by {name}"), &got.grads[name], &want.values, 1e-4);
        }
    }
}

#[test]
fn losses_agree_with_the_official_formulas() {
    every_loss(EngineKind::Planned);
}
