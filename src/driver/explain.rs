//! A recipe in words: what family it is of, what keeps it from collapsing, what each term trains, and its loss as mathematics.

use std::fmt::Write;

use super::{Checked, Failure};
use crate::check::{Derivation, Recipe, library_files};
use crate::exec::PlannedEvaluator;
use crate::lint::{Mechanism, mechanisms, trained_by};
use crate::source::{FileId, Sources};
use crate::syntax::ast::{EntryValue, Expr, ExprKind, File, ItemKind, Let};
use crate::syntax::{self, latex, latex_definition, latex_name, print};

/// The explanation of a checked recipe, for people.
pub fn explain(checked: &Checked) -> Result<String, Failure> {
    let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::usage("the recipe has errors"))?;
    let paper = recipe.paper.as_ref().map_or_else(String::new, |p| format!(" ({p})"));
    let found = mechanisms(recipe, &PlannedEvaluator);
    let text = format!("{}{paper}\n\n{}", recipe.title, family(&found));
    Ok(text + &held(&found, &checked.sources) + &gradients(recipe) + &Formulas::of(recipe).text())
}

/// The loss of a checked recipe as LaTeX.
pub fn explain_in_latex(checked: &Checked) -> Result<String, Failure> {
    let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::usage("the recipe has errors"))?;
    Ok(Formulas::of(recipe).latex())
}

/// The families of methods that a recipe is of, in words.
pub(super) fn families(recipe: &Recipe) -> Vec<&'static str> {
    families_of(&mechanisms(recipe, &PlannedEvaluator))
}

fn families_of(found: &[Mechanism]) -> Vec<&'static str> {
    let mut families: Vec<&str> = Vec::new();
    for family in found.iter().map(|m| m.guard.family()) {
        if !families.contains(&family) {
            families.push(family);
        }
    }
    families
}

fn family(found: &[Mechanism]) -> String {
    let families = families_of(found);
    if families.is_empty() { String::new() } else { format!("family\n  {}\n\n", families.join(", with ")) }
}

fn held(found: &[Mechanism], sources: &Sources) -> String {
    if found.is_empty() {
        return "against collapse\n  nothing that is known\n\n".to_owned();
    }
    let line = |m: &Mechanism| format!("  {}: {}\n    {}\n", m.guard, m.why, sources.locate(m.span));
    format!("against collapse\n{}\n", found.iter().map(line).collect::<String>())
}

/// What each term trains, and what no term does.
fn gradients(recipe: &Recipe) -> String {
    let mut text = String::from("gradients\n");
    let width = recipe.loss.terms.iter().map(|t| t.name.len()).max().unwrap_or(0);
    for (term, parts) in trained_by(recipe) {
        let parts = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
        let _ = writeln!(text, "  {term:width$}  trains {parts}");
    }
    for branch in &recipe.branches {
        let _ = match &branch.derived {
            Some(Derivation::Ema(of)) => writeln!(text, "  {} follows {of} by a moving average", branch.name),
            Some(Derivation::Snapshot(of)) => writeln!(text, "  {} is a copy of {of}, taken now and then", branch.name),
            Some(Derivation::StopGradient(of)) => {
                writeln!(text, "  {} has the weights of {of} and passes no gradient on", branch.name)
            }
            Some(Derivation::Frozen(of)) => {
                writeln!(text, "  {} has weights from {of}, which nothing changes", branch.name)
            }
            None => Ok(()),
        };
    }
    for start in &recipe.starts {
        let _ = writeln!(text, "  {} starts with the weights of {}", start.path, start.config.text("path"));
    }
    text + "\n"
}

/// The terms of a loss, and the definitions they stand on: those of the recipe, then those of the library.
struct Formulas {
    terms: Vec<(String, Expr)>,
    definitions: Vec<Let>,
}

impl Formulas {
    fn of(recipe: &Recipe) -> Self {
        let (file, _) = syntax::parse(FileId::ALONE, &recipe.text);
        let mut known = lets(&file);
        known.extend(library_files().iter().flat_map(lets));
        let terms: Vec<(String, Expr)> = file.items.iter().flat_map(|item| terms(&item.kind)).collect();
        let mut asked: Vec<String> = Vec::new();
        terms.iter().for_each(|(_, e)| names(e, &mut asked));
        let mut definitions: Vec<Let> = Vec::new();
        let mut next = 0;
        while let Some(name) = asked.get(next).cloned() {
            next += 1;
            // A definition of the recipe hides one of the library.
            if let Some(found) = known.iter().find(|l| l.name.text == name) {
                found.lets.iter().for_each(|l| names(&l.value, &mut asked));
                names(&found.value, &mut asked);
                definitions.push(found.clone());
            }
        }
        Self { terms, definitions }
    }

    fn text(&self) -> String {
        let width = self.terms.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let term = |(name, e): &(String, Expr)| format!("  {name:width$} = {}\n", print::expression(e));
        let terms: String = self.terms.iter().map(term).collect();
        let definition = |l: &Let| indented(print::definition(l).trim_start_matches("let "));
        let definitions: String = self.definitions.iter().map(definition).collect();
        let given = if definitions.is_empty() { definitions } else { format!("\nwhere\n{definitions}") };
        format!("loss: the sum of\n{terms}{given}")
    }

    fn latex(&self) -> String {
        let sum: Vec<String> = self.terms.iter().map(|(name, _)| latex_name(name)).collect();
        let total = format!("\\mathcal{{L}} &= {}", sum.join(" + "));
        let terms = self.terms.iter().map(|(name, e)| format!("{} &= {}", latex_name(name), latex(e)));
        let lines = std::iter::once(total).chain(terms).chain(self.definitions.iter().map(latex_definition));
        format!("\\begin{{align*}}\n{}\n\\end{{align*}}\n", lines.collect::<Vec<_>>().join(" \\\\\n"))
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn lets(file: &File) -> Vec<Let> {
    let one = |kind: &ItemKind| if let ItemKind::Let(l) = kind { Some(l.clone()) } else { None };
    file.items.iter().filter_map(|item| one(&item.kind)).collect()
}

fn terms(kind: &ItemKind) -> Vec<(String, Expr)> {
    let ItemKind::Loss { entries } = kind else { return Vec::new() };
    let term = |e: &crate::syntax::ast::Entry| match &e.value {
        EntryValue::Expr(value) => Some((e.name.text.clone(), value.clone())),
        EntryValue::Block(_) => None,
    };
    entries.iter().filter_map(term).collect()
}

/// Adds the names an expression uses that are not there yet, in order.
fn names(expr: &Expr, out: &mut Vec<String>) {
    match &expr.kind {
        ExprKind::Name(name) if !out.contains(name) => out.push(name.clone()),
        ExprKind::Name(_) | ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) => {}
        ExprKind::List(items) => items.iter().for_each(|e| names(e, out)),
        ExprKind::Unary(_, inner) | ExprKind::Field(inner, _) => names(inner, out),
        ExprKind::Binary(_, left, right) => [left, right].into_iter().for_each(|e| names(e, out)),
        ExprKind::Call(callee, args) => {
            names(callee, out);
            args.iter().for_each(|a| names(&a.value, out));
        }
        ExprKind::Index(base, indices) => {
            names(base, out);
            indices.iter().for_each(|e| names(e, out));
        }
        ExprKind::Comprehension(rounds) => {
            names(&rounds.value, out);
            rounds.loops.iter().for_each(|l| names(&l.over, out));
            rounds.guard.iter().for_each(|e| names(e, out));
        }
    }
}
