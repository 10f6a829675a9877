//! Statements and the lines of their blocks.

use super::Formatter;
use super::doc::Doc;
use super::expressions::join;
use crate::source::Span;
use crate::syntax::ast::{Entry, EntryValue, Expr, Item, ItemKind, Let, Name, Param, Stage, ViewEntry, ViewName};

/// A line of a function's block.
enum Local<'a> {
    Let(&'a Let),
    Value(&'a Expr),
}

impl Formatter<'_> {
    /// A statement at the top.
    pub(super) fn item(&mut self, item: &Item) -> Doc {
        self.statement(&item.kind, Some(item.span))
    }

    /// The same, which may stand in no text.
    pub(super) fn statement(&mut self, kind: &ItemKind, span: Option<Span>) -> Doc {
        let keyword = kind.keyword();
        match kind {
            ItemKind::Recipe { title, paper } => {
                let paper = paper.as_ref().map_or(String::new(), |p| format!(" paper {}", self.string(p)));
                Doc::text(format!("{keyword} {}{paper}", self.string(title)))
            }
            ItemKind::Extends { path } => Doc::text(format!("{keyword} {}", self.string(path))),
            ItemKind::Omit { path } => Doc::text(format!("{keyword} {}", join(path, "."))),
            ItemKind::Data { value } => Doc::Row(vec![Doc::text(format!("{keyword} ")), self.expr(value)]),
            ItemKind::Input { name, shape } => self.sized(keyword, name, Some(shape), None),
            ItemKind::Views { entries } => self.views(entries, span),
            ItemKind::Branch { name, stages } => self.stages(name, stages, span),
            ItemKind::Param { name, value }
            | ItemKind::DerivedBranch { name, value }
            | ItemKind::State { name, value } => self.named(keyword, name, value),
            ItemKind::Start { path, value } => {
                Doc::Row(vec![Doc::text(format!("{keyword} {} = ", join(path, "."))), self.expr(value)])
            }
            ItemKind::Weight { name, shape, value } => self.sized(keyword, name, shape.as_deref(), value.as_ref()),
            ItemKind::Let(definition) => self.definition(definition),
            ItemKind::Loss { entries } => {
                let pads = self.pads(entries, |e| e.span, |e| e.name.text.chars().count());
                self.entries(keyword, entries, span, pads)
            }
            ItemKind::Train { entries } | ItemKind::Evaluate { entries } => {
                self.entries(keyword, entries, span, Vec::new())
            }
            ItemKind::Expect { conditions } => self.conditions(conditions, span),
        }
    }

    fn named(&mut self, keyword: &str, name: &Name, value: &Expr) -> Doc {
        Doc::Row(vec![Doc::text(format!("{keyword} {} = ", name.text)), self.expr(value)])
    }

    /// `keyword NAME: [N, D] = value`
    fn sized(&mut self, keyword: &str, name: &Name, shape: Option<&[Expr]>, value: Option<&Expr>) -> Doc {
        Doc::Row(vec![Doc::text(format!("{keyword} ")), self.shaped(name, shape, value)])
    }

    /// `NAME: [N, D] = value`
    fn shaped(&mut self, name: &Name, shape: Option<&[Expr]>, value: Option<&Expr>) -> Doc {
        let mut parts = vec![Doc::text(&name.text)];
        if let Some(dims) = shape {
            parts.push(Doc::text(": "));
            parts.push(self.brackets("[", dims, "]", self.closing(name.span.end), |d| d.span.start, Self::expr));
        }
        if let Some(value) = value {
            parts.push(Doc::text(" = "));
            parts.push(self.expr(value));
        }
        Doc::Row(parts)
    }

    fn views(&mut self, entries: &[ViewEntry], span: Option<Span>) -> Doc {
        let label = |e: &ViewEntry| self.length(|f| f.view_names(&e.names));
        let mut pads = self.pads(entries, |e| e.span, label).into_iter();
        self.block(Doc::text("views"), entries, span, |e| e.span, |f, e| f.view(e, pads.next().unwrap_or(1)))
    }

    fn view(&mut self, entry: &ViewEntry, pad: usize) -> Doc {
        let names = self.view_names(&entry.names);
        match &entry.pipeline {
            Some(pipeline) => Doc::Row(vec![names, Doc::text(":"), Doc::Pad(pad), self.expr(pipeline)]),
            None => names,
        }
    }

    fn view_names(&mut self, names: &[ViewName]) -> Doc {
        let mut parts = Vec::new();
        for (i, view) in names.iter().enumerate() {
            parts.push(Doc::text(if i > 0 { ", " } else { "" }));
            parts.push(Doc::text(&view.name.text));
            if let Some(count) = &view.count {
                let counts = std::slice::from_ref(count);
                let end = self.closing(view.name.span.end);
                parts.push(self.brackets("[", counts, "]", end, |c| c.span.start, Self::expr));
            }
        }
        Doc::Row(parts)
    }

    fn stages(&mut self, name: &Name, stages: &[Stage], span: Option<Span>) -> Doc {
        let mut pads = self.pads(stages, |s| s.span, |s| s.name.text.chars().count()).into_iter();
        let head = Doc::text(format!("branch {}", name.text));
        self.block(head, stages, span, |s| s.span, |f, s| f.stage(s, pads.next().unwrap_or(1)))
    }

    fn stage(&mut self, stage: &Stage, pad: usize) -> Doc {
        let label = Doc::text(format!("{}:", stage.name.text));
        let mut parts = vec![label, Doc::Pad(pad), self.expr(&stage.module)];
        if let Some(on) = &stage.on {
            parts.push(Doc::text(" on "));
            parts.push(self.expr(on));
        }
        Doc::Row(parts)
    }

    /// A block of entries, their values in a column where there are `pads`.
    fn entries(&mut self, keyword: &str, entries: &[Entry], span: Option<Span>, pads: Vec<usize>) -> Doc {
        let mut pads = pads.into_iter();
        self.block(Doc::text(keyword), entries, span, |e| e.span, |f, e| f.entry(e, pads.next().unwrap_or(1)))
    }

    fn entry(&mut self, entry: &Entry, pad: usize) -> Doc {
        let name = &entry.name.text;
        match &entry.value {
            EntryValue::Expr(e) => Doc::Row(vec![Doc::text(format!("{name}:")), Doc::Pad(pad), self.expr(e)]),
            EntryValue::Block(entries) => self.entries(name, entries, Some(entry.span), Vec::new()),
        }
    }

    fn conditions(&mut self, conditions: &[Expr], span: Option<Span>) -> Doc {
        let mut first = true;
        self.block(
            Doc::text("expect"),
            conditions,
            span,
            |c| c.span,
            |f, c| f.line_expr(c, std::mem::replace(&mut first, false)),
        )
    }

    pub(super) fn definition(&mut self, definition: &Let) -> Doc {
        let mut head = vec![Doc::text(format!("let {}", definition.name.text))];
        if let Some(params) = &definition.params {
            head.push(self.parameters(params, definition.name.span.end));
        }
        if !definition.block {
            head.push(Doc::text(" = "));
            head.push(self.expr(&definition.value));
            return Doc::Row(head);
        }
        let mut lines: Vec<Local> = definition.lets.iter().map(Local::Let).collect();
        lines.push(Local::Value(&definition.value));
        let first = definition.lets.is_empty();
        let span = |line: &Local| match line {
            Local::Let(l) => l.span,
            Local::Value(e) => e.span,
        };
        self.block(Doc::Row(head), &lines, Some(definition.span), span, |f, line| match line {
            Local::Let(l) => f.definition(l),
            Local::Value(e) => f.line_expr(e, first),
        })
    }

    /// The parameters whose brackets open behind byte `from`.
    fn parameters(&mut self, params: &[Param], from: u32) -> Doc {
        let start = |p: &Param| p.name.span.start;
        let end = self.closing(from);
        self.brackets("(", params, ")", end, start, |f, p| f.shaped(&p.name, p.shape.as_deref(), p.default.as_ref()))
    }
}
