//! Which runs of a list are wanted, and in which order.

use std::cmp::Ordering;

use super::listing::{Cell, Listed, list_cell, list_columns};
use crate::diag::suggest;

/// Other words for columns.
const WORDS: [(&str, &str); 6] = [
    ("date", "started"),
    ("time", "seconds"),
    ("title", "recipe"),
    ("state", "outcome"),
    ("status", "outcome"),
    ("name", "run"),
];

/// Operators of a condition; one that begins as another goes before it.
const OPERATORS: [(&str, Test); 6] = [
    ("!=", |order| order != Ordering::Equal),
    (">=", |order| order != Ordering::Less),
    ("<=", |order| order != Ordering::Greater),
    ("=", |order| order == Ordering::Equal),
    (">", |order| order == Ordering::Greater),
    ("<", |order| order == Ordering::Less),
];

type Test = fn(Ordering) -> bool;

/// The runs for which a condition holds: a column, an operator (`=`, `!=`, `<`, `<=`, `>`, `>=`) and a value. Words are compared
/// without regard to case, by `=` and `!=` with `*` for anything; numbers as the table shows them, so that accuracies are in percent.
/// For what is not known nothing holds but `!=`.
pub fn list_where(runs: Vec<Listed>, condition: &str) -> Result<Vec<Listed>, String> {
    if runs.is_empty() {
        return Ok(runs);
    }
    let (column, operator, test, value) = parts(condition)?;
    let column = column_of(&runs, column)?;
    let mut wanted = Vec::new();
    for run in runs {
        let holds = match list_cell(&run, &column) {
            Cell::Unknown => operator == "!=",
            Cell::Text(text) if matches!(operator, "=" | "!=") => matches(&text, value) == (operator == "="),
            Cell::Text(text) => test(text.to_lowercase().cmp(&value.to_lowercase())),
            Cell::Number { value: own, shown } => test(compared(own, &shown, value, condition)?),
        };
        if holds {
            wanted.push(run);
        }
    }
    Ok(wanted)
}

/// Sorts by a column: numbers and dates from the greatest, words from the first; the other way behind a `-`. Runs of which nothing is
/// known there come last; equals stay as they are.
pub fn list_sorted(mut runs: Vec<Listed>, by: &str) -> Result<Vec<Listed>, String> {
    if runs.is_empty() {
        return Ok(runs);
    }
    let (name, back) = by.strip_prefix('-').map_or((by, false), |name| (name, true));
    let column = column_of(&runs, name)?;
    let turned = |order: Ordering, turn: bool| if turn { order.reverse() } else { order };
    runs.sort_by(|a, b| match (list_cell(a, &column), list_cell(b, &column)) {
        (Cell::Unknown, Cell::Unknown) => Ordering::Equal,
        (Cell::Unknown, _) => Ordering::Greater,
        (_, Cell::Unknown) => Ordering::Less,
        (Cell::Number { value: a, .. }, Cell::Number { value: b, .. }) => match (a.is_nan(), b.is_nan()) {
            (false, false) => turned(b.total_cmp(&a), back),
            (a, b) => a.cmp(&b),
        },
        (Cell::Text(a), Cell::Text(b)) => turned(a.cmp(&b), back != (column == "started")),
        // A column has words or numbers.
        (_, _) => Ordering::Equal,
    });
    Ok(runs)
}

/// Column, operator, its test and the value of a condition.
fn parts(condition: &str) -> Result<(&str, &str, Test, &str), String> {
    let at = condition.find(['=', '!', '<', '>']);
    let split = at.and_then(|at| {
        let (column, rest) = condition.split_at(at);
        let (operator, test) = OPERATORS.iter().find(|(operator, _)| rest.starts_with(operator))?;
        Some((column.trim(), *operator, *test, rest[operator.len()..].trim()))
    });
    split.ok_or_else(|| format!("`{condition}` is no condition: write it as in `outcome=finished` or `knn>80`"))
}

/// The column that a word names: by its letters, by another word for it, or by a word of its title.
fn column_of(runs: &[Listed], word: &str) -> Result<String, String> {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let columns = list_columns(runs);
    let asked = letters(word);
    let asked = WORDS.iter().find(|(other, _)| *other == asked).map_or(asked, |(_, column)| (*column).to_owned());
    if let Some(column) = columns.iter().find(|column| letters(column) == asked) {
        return Ok(column.clone());
    }
    let has_word = |column: &&String| column.split(' ').any(|part| letters(part) == asked);
    match columns.iter().filter(has_word).collect::<Vec<_>>().as_slice() {
        [column] => Ok((*column).clone()),
        [] => {
            let near = suggest(word, columns.iter().map(String::as_str));
            let near = near.unwrap_or_else(|| format!("there is {}", columns.join(", ")));
            Err(format!("these runs have no `{word}`; {near}"))
        }
        several => {
            let several: Vec<String> = several.iter().map(|column| format!("`{column}`")).collect();
            Err(format!("`{word}` may be {}: write the one that is meant", several.join(" or ")))
        }
    }
}

/// A number of a run beside one that is asked for, which is equal if it is shown so.
fn compared(own: f64, shown: &str, asked: &str, condition: &str) -> Result<Ordering, String> {
    let plain = |text: &str| text.trim_matches(['~', '%', ' ']).to_owned();
    let number: f64 = plain(asked).parse().map_err(|_| format!("`{condition}` compares a number with `{asked}`"))?;
    if plain(shown).parse() == Ok(number) {
        return Ok(Ordering::Equal);
    }
    // What is not a number is neither less nor greater: as far from equal as can be.
    Ok(own.partial_cmp(&number).unwrap_or(Ordering::Less))
}

/// Whether a text is as a pattern says, in which `*` stands for anything.
fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let Some((head, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(tail)
}
