//! `--set PATH=VALUE`: a value of the recipe replaced before it is checked, so that it is typed like source.

use super::definitions::{BranchBody, Definitions, StartItem};
use super::start;
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::{FileId, Origin, Source, Sources, Span};
use crate::syntax::{self, ast};
use ast::{Arg, BinaryOp, Entry, EntryValue, Expr, ExprKind, Name};

/// Applies one override, written `PATH=VALUE`.
pub(super) fn apply(sources: &mut Sources, definitions: &mut Definitions, text: &str) -> Result<(), Diagnostic> {
    let id = sources.add(Source::new(format!("--set {text}"), Origin::Override, text));
    let whole = Span::new(id, 0..text.len());
    let Some((path, value)) = text.split_once('=') else {
        let message = format!("`{text}` is not of the form PATH=VALUE");
        return Err(Diagnostic::error(Code::UNKNOWN_OVERRIDE, whole, message).help("as in `--set train.epochs=5`"));
    };
    // Blanks in place of the path keep the value's spans right.
    let padded = format!("{}{value}", " ".repeat(path.len() + 1));
    let mut value = syntax::parse_expr(id, &padded)?;
    if path.trim_start().starts_with("start.") {
        start::anchor(&mut value, sources);
    }
    let names = path_names(id, path);
    Override { value }.set(definitions, &names, whole)
}

fn path_names(id: FileId, path: &str) -> Vec<Name> {
    let mut start = 0;
    let name = |part: &str| {
        let span = Span::new(id, start..start + part.len());
        start += part.len() + 1;
        Name { text: part.trim().to_owned(), span }
    };
    path.split('.').map(name).collect()
}

struct Override {
    value: Expr,
}

impl Override {
    fn set(self, d: &mut Definitions, path: &[Name], whole: Span) -> Result<(), Diagnostic> {
        let (first, rest) = path.split_first().ok_or_else(|| unknown(whole, "", &[]))?;
        match (first.text.as_str(), rest) {
            ("train", [name, rest @ ..]) => self.entry(&mut d.train, name, rest, true),
            ("evaluate", [name, rest @ ..]) => self.entry(&mut d.evaluate, name, rest, true),
            ("loss", [name, rest @ ..]) => self.entry(&mut d.loss, name, rest, false),
            ("start", path @ [_, ..]) => {
                start::put(&mut d.starts, StartItem { path: path.to_vec(), value: self.value, span: whole });
                Ok(())
            }
            ("data", rest) if d.data.is_some() => self.replace(d.data.as_mut(), rest, first),
            (name, rest) => {
                let name = name.to_owned();
                self.item(d, &name, rest, first)
            }
        }
    }

    /// An entry of a block; one that is not written may be set where the block has a default for it.
    fn entry(self, entries: &mut Vec<Entry>, name: &Name, rest: &[Name], may_add: bool) -> Result<(), Diagnostic> {
        let known: Vec<String> = entries.iter().map(|e| e.name.text.clone()).collect();
        match entries.iter_mut().find(|e| e.name.text == name.text) {
            Some(Entry { value: EntryValue::Expr(old), .. }) => self.replace(Some(old), rest, name),
            Some(Entry { value: EntryValue::Block(inner), .. }) => match rest.split_first() {
                Some((next, rest)) => self.entry(inner, next, rest, may_add),
                None => Err(unknown(name.span, &name.text, &known)),
            },
            None if may_add && rest.is_empty() => {
                let span = name.span.to(self.value.span);
                entries.push(Entry { name: name.clone(), value: EntryValue::Expr(self.value), span });
                Ok(())
            }
            None => Err(unknown(name.span, &name.text, &known)),
        }
    }

    /// A named item: a parameter's value, or an argument somewhere in the item's expression.
    fn item(self, d: &mut Definitions, name: &str, rest: &[Name], at: &Name) -> Result<(), Diagnostic> {
        let known: Vec<String> = d.names().map(|n| n.text.clone()).chain(["train".into(), "evaluate".into()]).collect();
        if let Some((_, old)) = d.params.iter_mut().find(|p| p.0.text == name) {
            return self.replace(Some(old), rest, at);
        }
        if let Some(branch) = d.branches.iter_mut().find(|b| b.name.text == name) {
            return match &mut branch.body {
                BranchBody::Derived(old) => self.inside(old, rest, at),
                BranchBody::Stages(stages) => {
                    let names: Vec<String> = stages.iter().map(|s| s.name.text.clone()).collect();
                    let (stage, rest) =
                        rest.split_first().ok_or_else(|| whole(at, "a branch", "one of its stages", &names))?;
                    match stages.iter_mut().find(|s| s.name.text == stage.text) {
                        Some(found) => self.replace(Some(&mut found.module), rest, stage),
                        None => Err(unknown(stage.span, &stage.text, &names)),
                    }
                }
            };
        }
        if let Some((_, old)) = d.states.iter_mut().find(|s| s.0.text == name) {
            return self.inside(old, rest, at);
        }
        if let Some(view) = d.views.iter_mut().find(|v| v.names.iter().any(|n| n.name.text == name)) {
            return match view.pipeline.as_mut() {
                Some(pipeline) => self.inside(pipeline, rest, at),
                None => Err(unknown(at.span, name, &known)),
            };
        }
        if let Some(definition) = d.lets.iter_mut().find(|l| l.name.text == name) {
            let definition = std::sync::Arc::make_mut(definition);
            if let Some(params) = definition.params.as_mut() {
                let names: Vec<String> = params.iter().map(|p| p.name.text.clone()).collect();
                let Some(wanted) = rest.first().map(|n| n.text.as_str()) else {
                    return Err(whole(at, "a function", "one of its parameters", &names));
                };
                return match params.iter_mut().find(|p| p.name.text == wanted) {
                    Some(param) => {
                        param.default = Some(self.value);
                        Ok(())
                    }
                    None => Err(unknown(at.span, wanted, &names)),
                };
            }
            return self.replace(Some(&mut definition.value), rest, at);
        }
        if let Some(weight) = d.weights.iter_mut().find(|w| w.name.text == name) {
            return self.replace(weight.value.as_mut(), rest, at);
        }
        Err(unknown(at.span, name, &known))
    }

    /// Replaces an expression, or an argument inside it.
    fn replace(self, old: Option<&mut Expr>, rest: &[Name], at: &Name) -> Result<(), Diagnostic> {
        match old {
            Some(old) if rest.is_empty() => {
                *old = self.value;
                Ok(())
            }
            Some(old) => self.inside(old, rest, at),
            None => Err(unknown(at.span, &at.text, &[])),
        }
    }

    /// An argument of a call, or of one of the calls of a pipeline.
    fn inside(self, expr: &mut Expr, path: &[Name], at: &Name) -> Result<(), Diagnostic> {
        let Some((name, rest)) = path.split_first() else {
            let message = format!("`{}` as a whole cannot be set; name one of its arguments", at.text);
            return Err(Diagnostic::error(Code::UNKNOWN_OVERRIDE, at.span, message));
        };
        let known = argument_names(expr);
        match find_target(expr, &name.text, rest.is_empty()) {
            Some(Target::Argument(old)) => self.replace(Some(old), rest, name),
            Some(Target::Call(call)) => self.inside(call, rest, name),
            Some(Target::NewArgument(args)) => {
                args.push(Arg { name: Some(name.clone()), value: self.value });
                Ok(())
            }
            None => Err(unknown(name.span, &name.text, &known)),
        }
    }
}

enum Target<'a> {
    /// The value of an argument that is written.
    Argument(&'a mut Expr),
    /// A call in a pipeline, named by its word.
    Call(&'a mut Expr),
    /// The arguments of the one call there is, to which a named one is added; the checker says if it has none of that name.
    NewArgument(&'a mut Vec<Arg>),
}

fn find_target<'a>(expr: &'a mut Expr, name: &str, last: bool) -> Option<Target<'a>> {
    // A pipeline of one word is a pipeline: `a.crop.scale` where the view is `crop()`.
    if !last && calls(expr, name) {
        return Some(Target::Call(expr));
    }
    let has_named = |e: &Expr| matches!(&e.kind, ExprKind::Call(_, args) if args.iter().any(|a| is_named(a, name)));
    // A word without arguments is a call of it with none.
    if matches!(expr.kind, ExprKind::Name(_)) && last {
        let callee = Expr { kind: expr.kind.clone(), span: expr.span };
        expr.kind = ExprKind::Call(Box::new(callee), Vec::new());
    }
    match &mut expr.kind {
        ExprKind::Binary(BinaryOp::Pipe, left, right) => {
            for side in [left, right] {
                let fits =
                    has_named(side) || calls(side, name) || matches!(side.kind, ExprKind::Binary(BinaryOp::Pipe, ..));
                if fits && let Some(found) = find_target_in_pipe(side, name, last) {
                    return Some(found);
                }
            }
            None
        }
        ExprKind::List(items) => items.iter_mut().find(|item| calls(item, name)).map(Target::Call),
        ExprKind::Call(_, args) => match args.iter().position(|a| is_named(a, name)) {
            Some(i) => Some(Target::Argument(&mut args[i].value)),
            None if last => Some(Target::NewArgument(args)),
            None => None,
        },
        _ => None,
    }
}

fn find_target_in_pipe<'a>(side: &'a mut Expr, name: &str, last: bool) -> Option<Target<'a>> {
    if calls(side, name) { Some(Target::Call(side)) } else { find_target(side, name, last) }
}

fn calls(expr: &Expr, name: &str) -> bool {
    match &expr.kind {
        ExprKind::Name(word) => word == name,
        ExprKind::Call(callee, _) => matches!(&callee.kind, ExprKind::Name(word) if word == name),
        _ => false,
    }
}

fn is_named(arg: &Arg, name: &str) -> bool {
    arg.name.as_ref().is_some_and(|n| n.text == name)
}

/// The words and written arguments by which a path may go on.
fn argument_names(expr: &Expr) -> Vec<String> {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::Pipe, left, right) => [argument_names(left), argument_names(right)].concat(),
        ExprKind::Call(callee, args) => {
            let word = if let ExprKind::Name(word) = &callee.kind { Some(word.clone()) } else { None };
            word.into_iter().chain(args.iter().filter_map(|a| a.name.as_ref().map(|n| n.text.clone()))).collect()
        }
        ExprKind::Name(word) => vec![word.clone()],
        ExprKind::List(items) => items.iter().flat_map(argument_names).collect(),
        _ => Vec::new(),
    }
}

/// What is set has parts, of which one must be named.
fn whole(at: &Name, what: &str, part: &str, parts: &[String]) -> Diagnostic {
    let message = format!("`{}` is {what}, and cannot be set as a whole", at.text);
    let help = parts.first().map(|first| format!("name {part}, as in `{}.{first}=...`", at.text));
    Diagnostic::error(Code::UNKNOWN_OVERRIDE, at.span, message).maybe_help(help)
}

fn unknown(span: Span, name: &str, known: &[String]) -> Diagnostic {
    let message = format!("the override changes nothing: there is no `{name}` here");
    Diagnostic::error(Code::UNKNOWN_OVERRIDE, span, message).maybe_help(suggest(name, known.iter().map(String::as_str)))
}
