//! A program as text: a line a node, and the totals.

use super::{Description, Line, Part};
use std::fmt::{self, Display};

/// The widest that a column is made, and the most inputs of a node that are shown.
const WIDEST: usize = 1000;
const INPUTS: usize = 64;

impl Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (part, title) in [(Part::Forward, "forward"), (Part::Backward, "backward")] {
            let lines: Vec<&Line> = self.nodes.iter().filter(|n| n.part == part).collect();
            if !lines.is_empty() {
                writeln!(f, "{title}")?;
                table(f, &lines)?;
                writeln!(f)?;
            }
        }
        self.totals(f)
    }
}

impl Description {
    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = &self.totals;
        let kept = t.parameters - t.trained;
        let flops = |text: &str| text.parse().map_or_else(|_| text.to_owned(), amount);
        writeln!(f, "parameters    {} trained, {} not", amount(t.trained as u64), amount(kept as u64))?;
        writeln!(f, "FLOPs a step  {} forward, {} backward", flops(&t.forward_flops), flops(&t.backward_flops))?;
        if let (Some(arena), Some(unshared)) = (t.arena_bytes, t.unshared_bytes) {
            writeln!(f, "memory        {} for values ({} without reuse)", bytes(arena), bytes(unshared))?;
        }
        Ok(())
    }
}

/// The lines in columns as wide as their widest cell.
fn table(f: &mut fmt::Formatter<'_>, lines: &[&Line]) -> fmt::Result {
    let rows: Vec<[String; 5]> = lines.iter().map(|line| cells(line)).collect();
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0).min(WIDEST);
    let widths: Vec<usize> = (0..4).map(width).collect();
    for row in &rows {
        let [number, call, shape, cost, rest] = row;
        let line = format!(
            "  {number:>w0$}  {call:<w1$}  {shape:<w2$}  {cost:>w3$}  {rest}",
            w0 = widths[0],
            w1 = widths[1],
            w2 = widths[2],
            w3 = widths[3]
        );
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Number, call, shape, cost, and what else there is to say.
fn cells(line: &Line) -> [String; 5] {
    let more = line.inputs.len().checked_sub(INPUTS).filter(|more| *more > 0).map(|more| format!("... {more} more"));
    let inputs = line.inputs.iter().take(INPUTS).map(|i| format!("%{i}")).chain(more);
    let attributes = line.attributes.iter().map(|(name, value)| format!("{name}: {value}"));
    let arguments: Vec<String> = line.reads.iter().cloned().chain(inputs).chain(attributes).collect();
    let cost = match line.flops_count {
        Some(0) => String::new(),
        Some(n) => amount(n),
        None if line.flops == "0" => String::new(),
        None => line.flops.clone(),
    };
    let place = line.place.map(|(from, size)| format!("{} at {from}", bytes(size)));
    let in_place = line.in_place.then(|| "in place".to_owned());
    let rest: Vec<String> = place.into_iter().chain(in_place).chain(line.role.iter().cloned()).collect();
    let call = format!("{}({})", line.operation, arguments.join(", "));
    [format!("%{}", line.number), call, line.shape.clone(), cost, rest.join(", ")]
}

/// A number with a prefix: `1.25 M`.
fn amount(n: u64) -> String {
    scaled(n as f64, 1000.0, &["", " k", " M", " G", " T", " P"])
}

/// A number of bytes: `1.25 MiB`.
pub fn bytes(n: usize) -> String {
    scaled(n as f64, 1024.0, &[" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"])
}

fn scaled(mut n: f64, base: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while n >= base && unit + 1 < units.len() {
        n /= base;
        unit += 1;
    }
    let text = if unit == 0 { format!("{n:.0}") } else { format!("{n:.2}") };
    format!("{text}{}", units[unit])
}
