//! The recipe as one text: imports merged, overrides applied.

use super::definitions::{BranchBody, Definitions, StartItem};
use super::frozen::{Import, renamed};
use super::kept::OTHERS;
use super::recipe::{Judged, Started};
use crate::catalog::Config;
use crate::source::FileId;
use crate::syntax::{self, ast::Entry, unparse};

/// What is settled of a recipe besides what it says.
#[derive(Clone, Copy, Default)]
pub(super) struct Settled<'a> {
    /// The data set, where another was asked for.
    pub data: Option<&'a Config>,
    /// How pictures are prepared to be judged, where the recipe leaves that open.
    pub view: Option<&'a [Config]>,
    /// What starts with weights from files; left out, as it is written.
    pub starts: &'a [Started],
    /// The other data sets that are judged; what a recipe says of them is left out where there are none.
    pub judged: &'a [Judged],
}

impl Definitions {
    /// The definitions as a recipe of its own, in canonical layout. `within` names the branches that lead to it from another recipe,
    /// `a.b.`.
    pub(super) fn text(&self, settled: &Settled, within: &str) -> String {
        let plain = self.items(settled, within).join("\n\n") + "\n";
        let (file, diagnostics) = syntax::parse(FileId::ALONE, &plain);
        if diagnostics.is_empty() { syntax::format(&file, &plain) } else { plain }
    }

    /// The texts of the recipes that branches are frozen from, with the names that `text` has for them.
    pub(super) fn parts(&self, data: Option<&Config>, within: &str) -> Vec<(String, String)> {
        let own = |i: &Import| {
            (i.file(within), i.definitions.text(&Settled { data, ..Settled::default() }, &i.inner(within)))
        };
        let theirs = self.imports.iter().flat_map(|i| i.definitions.parts(data, &i.inner(within)));
        self.imports.iter().map(own).chain(theirs).collect()
    }

    fn items(&self, settled: &Settled, within: &str) -> Vec<String> {
        let Settled { data, view, starts, judged } = *settled;
        let mut items = Vec::new();
        if let Some((title, paper)) = &self.header {
            let paper = paper.as_ref().map(|p| format!(" paper {}", unparse::quoted(&p.value))).unwrap_or_default();
            items.push(format!("recipe {}{paper}", unparse::quoted(&title.value)));
        }
        items.extend(self.params.iter().map(|(n, v)| format!("param {} = {}", n.text, unparse::expression(v))));
        let data = data.map(Config::to_string).or(self.data.as_ref().map(unparse::expression));
        items.extend(data.map(|d| format!("data {d}")));
        let shape = |s: &[_]| unparse::list(s, unparse::expression);
        items.extend(self.inputs.iter().map(|(n, s)| format!("input {}: [{}]", n.text, shape(s))));
        if !self.views.is_empty() {
            items.push(format!("views {{\n{}\n}}", unparse::lines(&self.views, unparse::view)));
        }
        for branch in &self.branches {
            items.push(match &branch.body {
                BranchBody::Stages(stages) => {
                    format!("branch {} {{\n{}\n}}", branch.name.text, unparse::lines(stages, unparse::stage))
                }
                BranchBody::Derived(value) => {
                    let import = self.imports.iter().find(|i| i.branch == branch.name.text);
                    let value = import.map_or_else(|| value.clone(), |i| renamed(value, &i.file(within)));
                    format!("branch {} = {}", branch.name.text, unparse::expression(&value))
                }
            });
        }
        for weight in &self.weights {
            let shape = weight.shape.as_ref().map(|s| format!(": [{}]", shape(s))).unwrap_or_default();
            let value = weight.value.as_ref().map(|v| format!(" = {}", unparse::expression(v))).unwrap_or_default();
            items.push(format!("weight {}{shape}{value}", weight.name.text));
        }
        match starts {
            [] => items.extend(self.starts.iter().map(written)),
            starts => items.extend(starts.iter().map(Started::text)),
        }
        items.extend(self.lets.iter().map(|l| unparse::definition(l)));
        items.extend(self.states.iter().map(|(n, v)| format!("state {} = {}", n.text, unparse::expression(v))));
        let view = view.filter(|_| self.evaluate.iter().all(|entry| entry.name.text != "view"));
        let view =
            view.map(|steps| format!("view: {}", steps.iter().map(Config::to_string).collect::<Vec<_>>().join(" | ")));
        let settled: Vec<Entry> = self.evaluate.iter().filter(|entry| entry.name.text != OTHERS).cloned().collect();
        items.extend(block("loss", &self.loss, None));
        items.extend(block("train", &self.train, None));
        items.extend(block("evaluate", &settled, view.into_iter().chain(others(judged))));
        if !self.expect.is_empty() {
            items.push(format!("expect {{\n{}\n}}", unparse::lines(&self.expect, unparse::expression)));
        }
        items
    }
}

/// A `start` as it is written.
fn written(item: &StartItem) -> String {
    let path: Vec<&str> = item.path.iter().map(|name| name.text.as_str()).collect();
    format!("start {} = {}", path.join("."), unparse::expression(&item.value))
}

/// The entry that names other data sets to be judged on, their paths absolute.
fn others(judged: &[Judged]) -> Option<String> {
    let lines: Vec<String> = judged.iter().map(|set| format!("{}: {}", set.name, set.data)).collect();
    (!lines.is_empty()).then(|| format!("{OTHERS} {{\n{}\n}}", lines.join("\n")))
}

fn block(name: &str, entries: &[Entry], more: impl IntoIterator<Item = String>) -> Option<String> {
    let written = (!entries.is_empty()).then(|| unparse::lines(entries, unparse::entry));
    let lines: Vec<String> = written.into_iter().chain(more).collect();
    (!lines.is_empty()).then(|| format!("{name} {{\n{}\n}}", lines.join("\n")))
}
