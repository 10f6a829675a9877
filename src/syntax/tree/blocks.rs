//! Blocks in braces and their lines.

use pest::iterators::{Pair, Pairs};

use super::Builder;
use crate::syntax::ast::{Entry, EntryValue, Expr, ExprKind, ItemKind, Let, Name, Stage, ViewEntry, ViewName};
use crate::syntax::grammar::Rule;
use crate::syntax::wording::slip;

impl Builder<'_> {
    /// The lines of a block that could be read; what is no line is reported under `rule`, which reads one alone.
    fn lines<'p>(&self, owner: &str, inner: Pairs<'p, Rule>, rule: Rule) -> Vec<Pair<'p, Rule>> {
        let mut lines = Vec::new();
        let mut brace = None;
        for pair in inner {
            match pair.as_rule() {
                Rule::brace => brace = Some(self.span(&pair)),
                Rule::unclosed => {
                    let message = format!("the `{{` of `{owner}` is never closed");
                    let span = brace.unwrap_or(self.span(&pair));
                    self.report(slip(span, message).help("add the missing `}` after its last line"));
                }
                Rule::bad_entry | Rule::bad_local | Rule::bad_extra => self.report_bad(&pair, rule),
                _ if self.report_separator(&pair) => {}
                _ => lines.push(pair),
            }
        }
        lines
    }

    pub(super) fn views(&self, keyword: &Pair<Rule>, inner: Pairs<Rule>) -> Vec<ViewEntry> {
        let lines = self.lines(keyword.as_str(), inner, Rule::lone_view);
        lines.into_iter().map(|line| self.view(line)).collect()
    }

    fn view(&self, line: Pair<Rule>) -> ViewEntry {
        let span = self.span(&line);
        let (mut names, mut pipeline) = (Vec::<ViewName>::new(), None);
        for pair in line.into_inner() {
            match (pair.as_rule(), names.last()) {
                (Rule::view_name, _) => {
                    let mut inner = pair.into_inner();
                    let name = self.name(inner.next().expect("a view has a name"));
                    names.push(ViewName { name, count: inner.next().map(|p| self.expr(p, 0)) });
                }
                (Rule::assign | Rule::missing, Some(last)) => self.check_sign(&pair, ':', &last.name),
                _ => pipeline = Some(self.expr(pair, 0)),
            }
        }
        ViewEntry { names, pipeline, span }
    }

    pub(super) fn branch(&self, mut inner: Pairs<Rule>) -> ItemKind {
        let name = self.name(inner.next().expect("a branch has a name"));
        if inner.peek().is_some_and(|p| matches!(p.as_rule(), Rule::assign | Rule::missing)) {
            let value = self.signed(&mut inner, '=', &name);
            return ItemKind::DerivedBranch { name, value };
        }
        let lines = self.lines(&format!("branch {}", name.text), inner, Rule::lone_stage);
        ItemKind::Branch { stages: lines.into_iter().map(|line| self.stage(line)).collect(), name }
    }

    fn stage(&self, line: Pair<Rule>) -> Stage {
        let span = self.span(&line);
        let mut inner = line.into_inner();
        let name = self.name(inner.next().expect("a stage has a name"));
        let module = self.signed(&mut inner, ':', &name);
        let on = inner.find(|p| p.as_rule() == Rule::expr).map(|p| self.expr(p, 0));
        Stage { name, module, on, span }
    }

    pub(super) fn conditions(&self, keyword: &Pair<Rule>, inner: Pairs<Rule>) -> Vec<Expr> {
        let lines = self.lines(keyword.as_str(), inner, Rule::lone_condition);
        lines.into_iter().flat_map(Pair::into_inner).map(|p| self.expr(p, 0)).collect()
    }

    /// The entries of a statement that is a word and a block.
    pub(super) fn only_block(&self, mut inner: Pairs<Rule>) -> Vec<Entry> {
        let block = inner.next().expect("a block follows");
        let owner = self.text[..block.as_span().start()].trim_end().rsplit(|c: char| !c.is_alphanumeric()).next();
        self.entries(owner.unwrap_or_default(), block)
    }

    fn entries(&self, owner: &str, block: Pair<Rule>) -> Vec<Entry> {
        let lines = self.lines(owner, block.into_inner(), Rule::lone_entry);
        lines.into_iter().map(|line| self.entry(line)).collect()
    }

    fn entry(&self, line: Pair<Rule>) -> Entry {
        let span = self.span(&line);
        let mut inner = line.into_inner();
        let name = self.name(inner.next().expect("an entry has a name"));
        let value = if inner.peek().is_some_and(|p| p.as_rule() == Rule::block) {
            EntryValue::Block(self.entries(&name.text, inner.next().expect("just seen")))
        } else {
            EntryValue::Expr(self.signed(&mut inner, ':', &name))
        };
        Entry { name, value, span }
    }

    /// The definitions and the value of a function's block.
    pub(super) fn body(&self, owner: &Name, pair: Pair<Rule>) -> (Vec<Let>, Expr) {
        let span = self.span(&pair);
        let before = self.diagnostics.borrow().len();
        let (mut lets, mut value) = (Vec::new(), None);
        for line in self.lines(&format!("let {}", owner.text), pair.into_inner(), Rule::lone_local) {
            let line_span = self.span(&line);
            if line.as_rule() == Rule::definition {
                lets.push(self.definition(line.into_inner(), line_span));
                continue;
            }
            for part in line.into_inner() {
                if part.as_rule() == Rule::k_return {
                    let help = "the last line of a block is its value: drop the `return`";
                    self.report(slip(self.span(&part), "there is no `return`").help(help));
                } else {
                    value = Some(self.expr(part, 0));
                }
            }
        }
        if value.is_none() && self.diagnostics.borrow().len() == before {
            let message = format!("the block of `{}` has no value", owner.text);
            let help = "the last line of a block is its value; a line that begins with an operator goes on with the line above";
            self.report(slip(owner.span, message).help(help));
        }
        (lets, value.unwrap_or(Expr { kind: ExprKind::Number(0.0), span }))
    }
}
