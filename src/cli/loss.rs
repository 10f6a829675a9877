//! `sslrun loss`: the loss of given tensors.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use super::args::{FindingFormat, LossArgs};
use super::findings::Findings;
use super::{Exit, output, recipe, run};
use crate::driver::{self, Computed, Failure};
use crate::exec::EngineKind;

/// Prints each term, the total and, if asked for, the size of each gradient; writes them all to a file.
pub fn loss(args: &LossArgs) -> Result<Exit, Failure> {
    let mut findings = Findings::new(args.format);
    let result = compute(args, &mut findings);
    findings.close(result)
}

fn compute(args: &LossArgs, findings: &mut Findings) -> Result<Exit, Failure> {
    if let Some(file) = &args.output {
        output::ending(file, &["safetensors"])?;
        output::apart(file, &[&args.recipe, &args.inputs])?;
    }
    run::start_threads(None)?;
    let checked = recipe::check(&args.recipe, &args.change)?;
    findings.tell(&checked.diagnostics, &checked.sources);
    if checked.recipe.is_none() {
        return Ok(Exit::RecipeErrors);
    }
    let unread = |e: String| if args.inputs.exists() { Failure::run(e) } else { Failure::usage(e) };
    let given = driver::read_tensors(&args.inputs).map_err(unread)?;
    let computed = driver::loss_of(&checked, &given, args.grad, EngineKind::from(args.engine))?;
    match args.format {
        FindingFormat::Text => output::result(&lines(&computed))?,
        FindingFormat::Json => output::message(lines(&computed).trim_end()),
    }
    if let Some(file) = &args.output {
        output::file(file, &tensors(&computed).map_err(|e| Failure::run(format!("cannot save the loss: {e}")))?)?;
    }
    computed.fault.map_or(Ok(Exit::Fine), |fault| Err(Failure::of(fault, &checked.sources)))
}

fn lines(computed: &Computed) -> String {
    let terms = computed.terms.iter().map(|(name, value)| (format!("loss.{name}"), *value));
    let norm = |t: &Tensor| t.sqr().and_then(|t| t.sum_all()).and_then(|t| t.sqrt()).and_then(|t| t.to_scalar::<f32>());
    let gradients = computed.gradients.iter().map(|(name, t)| (format!("|grad.{name}|"), norm(t).unwrap_or(f32::NAN)));
    let all: Vec<(String, f32)> =
        [("loss".to_owned(), computed.total)].into_iter().chain(terms).chain(gradients).collect();
    let width = all.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    all.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// `loss`, `loss.TERM` and `grad.INPUT` as a safetensors file.
fn tensors(computed: &Computed) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let scalar = |value: f32| Tensor::new(value, &Device::Cpu);
    let mut all = BTreeMap::from([("loss".to_owned(), scalar(computed.total)?)]);
    for (name, value) in &computed.terms {
        all.insert(format!("loss.{name}"), scalar(*value)?);
    }
    all.extend(computed.gradients.iter().map(|(name, t)| (format!("grad.{name}"), t.clone())));
    Ok(safetensors::serialize(&all, None)?)
}
