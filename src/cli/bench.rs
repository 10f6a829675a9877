//! `sslrun bench`: how fast a recipe trains on this machine.

use std::time::Instant;

use super::args::{BenchArgs, FindingFormat, PartName};
use super::{Exit, output, recipe, run};
use crate::driver::{self, Failure, HeldUpBy, Measured, Part, Trial, median};
use crate::report::{Table, bytes, count, number, percent};

/// Times steps, the loop and the making of views, and shows what was found.
pub fn bench(args: &BenchArgs) -> Result<Exit, Failure> {
    let asked = Instant::now();
    run::start_threads(args.threads)?;
    let checked = recipe::check(&args.recipe, &args.change)?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    let Some(recipe) = &checked.recipe else { return Ok(Exit::RecipeErrors) };
    let parts = args.only.iter().copied().map(Part::from).collect();
    let trial = Trial {
        asked,
        steps: args.steps as usize,
        warm: args.warm as usize,
        parts: if args.only.is_empty() { Part::ALL.to_vec() } else { parts },
        engine: args.engine.into(),
        access: args.change.access(),
        threads: run::threads_used(args.threads),
    };
    let measured = driver::bench(&trial, &checked)?;
    let (batch, parameters) = (measured.batch, count(measured.parameters));
    output::message(&format!("{}: {parameters} parameters, steps of {batch} images", recipe.title));
    match args.format {
        FindingFormat::Text => {
            output::result(&table(&measured).render(100))?;
            measured.held_up_by.into_iter().for_each(|by| output::message(held_up(by)));
        }
        FindingFormat::Json => {
            let json = serde_json::to_string(&measured);
            output::result(&format!("{}\n", json.map_err(|e| Failure::run(format!("cannot print the times: {e}")))?))?
        }
    }
    Ok(Exit::Fine)
}

impl From<PartName> for Part {
    fn from(name: PartName) -> Self {
        match name {
            PartName::Step => Part::Step,
            PartName::Loop => Part::Loop,
            PartName::Data => Part::Data,
        }
    }
}

/// What was measured, in the order in which it is asked about.
fn table(measured: &Measured) -> Table {
    let batch = measured.batch as f64;
    let rate = |seconds: f64| format!("{} img/s", number((batch / seconds).round()));
    let times = |name: &str, times: &[f64]| {
        let (middle, least) = (median(times)?, times.iter().copied().fold(f64::INFINITY, f64::min));
        Some(vec![name.to_owned(), milliseconds(middle), milliseconds(least), rate(middle)])
    };
    let mut rows = vec![vec!["first step, from the start".to_owned(), milliseconds(measured.first_step)]];
    rows.extend(times("step, views in memory", &measured.step));
    rows.extend(median(&measured.update).map(|t| vec!["its optimizer and averages".to_owned(), milliseconds(t)]));
    rows.extend(measured.interpretation().map(|share| vec!["its interpretation".to_owned(), percent(share)]));
    rows.extend(times("step, with its data", &measured.looped));
    let alone = |rate: f64| format!("{} img/s", number(rate.round()));
    rows.extend(
        measured
            .samples_a_second
            .map(|r| vec!["data alone, one thread".into(), String::new(), String::new(), alone(r)]),
    );
    let parts = [
        ("reading, one thread", measured.read_a_second),
        ("decoding or drawing, one thread", measured.decoded_a_second),
        ("augmenting, one thread", measured.augmented_a_second),
    ];
    for (name, rate) in parts {
        rows.extend(rate.map(|rate| vec![name.into(), String::new(), String::new(), alone(rate)]));
    }
    rows.extend(measured.peak.map(|peak| vec!["peak memory".to_owned(), bytes(peak)]));
    Table { header: ["", "median", "least", "rate"].map(str::to_owned).to_vec(), rows }
}

/// What a step waits for, in words.
fn held_up(by: HeldUpBy) -> &'static str {
    match by {
        HeldUpBy::Computing => "a step waits for no data: computing takes the longest",
        HeldUpBy::Reading => "steps wait for their data: reading takes the longest",
        HeldUpBy::Decoding => {
            "steps wait for their data: decoding takes the longest, where `--cache` does not keep what is decoded"
        }
        HeldUpBy::Augmenting => "steps wait for their data: augmenting takes the longest",
    }
}

fn milliseconds(seconds: f64) -> String {
    format!("{} ms", number(1e3 * seconds))
}
