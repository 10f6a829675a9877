//! Arguments: matched to the parameters of an entry, typed, defaults filled in.

use super::checker::{Checked, Checker};
use super::module::Module;
use super::scope::Env;
use super::typed::default_arg;
use crate::catalog::{Arg, Config, Entry, Param, ParamType};
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::{Origin, Span};
use crate::syntax::ast::{self, Expr};
use std::rc::Rc;

/// A parameter and what was written for it; nothing where its default holds.
pub(super) struct Slot<'e> {
    pub param: &'static Param,
    pub given: Vec<&'e Expr>,
}

impl Checker<'_> {
    /// Which argument goes to which parameter.
    pub(super) fn slots<'e>(
        &mut self,
        entry: &'static Entry,
        args: &'e [ast::Arg],
        span: Span,
    ) -> Checked<Vec<Slot<'e>>> {
        let mut slots: Vec<Slot> = entry.params.iter().map(|param| Slot { param, given: Vec::new() }).collect();
        let mut next = 0;
        let mut failed = None;
        for arg in args {
            match &arg.name {
                None => match slots.get_mut(next) {
                    Some(slot) => {
                        slot.given.push(&arg.value);
                        next += usize::from(!slot.param.variadic);
                    }
                    None => failed = Some(self.too_many(entry, arg)),
                },
                Some(name) => match slots.iter_mut().find(|s| s.param.name == name.text) {
                    // An override replaces what the source says.
                    Some(slot) if slot.given.is_empty() || self.is_override(name.span) => slot.given = vec![&arg.value],
                    Some(_) => failed = Some(self.given_twice(name)),
                    None => failed = Some(self.unknown_argument(entry, name)),
                },
            }
        }
        for slot in &slots {
            if slot.given.is_empty() && slot.param.default.is_none() {
                let message = format!("`{}` needs `{}`: {}", entry.name, slot.param.name, slot.param.doc);
                let help = format!("`{}`", signature(entry));
                failed = Some(self.report(Diagnostic::error(Code::MISSING_ARGUMENT, span, message).help(help)));
            }
        }
        failed.map_or(Ok(slots), Err)
    }

    fn is_override(&self, span: Span) -> bool {
        self.sources.get(span.file).origin == Origin::Override
    }

    fn too_many(&mut self, entry: &Entry, arg: &ast::Arg) -> super::checker::Failed {
        let count = entry.params.len();
        let message = format!("`{}` takes at most {count} argument{}", entry.name, if count == 1 { "" } else { "s" });
        self.report(
            Diagnostic::error(Code::TOO_MANY_ARGUMENTS, arg.value.span, message)
                .help(format!("`{}`", signature(entry))),
        )
    }

    fn given_twice(&mut self, name: &ast::Name) -> super::checker::Failed {
        let message = format!("`{}` is given twice", name.text);
        self.report(Diagnostic::error(Code::DUPLICATE_NAME, name.span, message))
    }

    fn unknown_argument(&mut self, entry: &Entry, name: &ast::Name) -> super::checker::Failed {
        let code = if self.is_override(name.span) { Code::UNKNOWN_OVERRIDE } else { Code::UNKNOWN_ARGUMENT };
        let help = suggest(&name.text, entry.params.iter().map(|p| p.name))
            .unwrap_or_else(|| format!("`{}`", signature(entry)));
        let message = format!("`{}` has no argument `{}`", entry.name, name.text);
        self.report(Diagnostic::error(code, name.span, message).help(help))
    }

    /// A call of a word with every argument spelled out.
    pub(super) fn configure(
        &mut self,
        entry: &'static Entry,
        args: &[ast::Arg],
        span: Span,
        env: &Env,
    ) -> Checked<Config> {
        self.configure_with_modules(entry, args, span, env).map(|(config, _)| config)
    }

    /// A call of a word with every argument spelled out, and its arguments that are modules in order.
    pub(super) fn configure_with_modules(
        &mut self,
        entry: &'static Entry,
        args: &[ast::Arg],
        span: Span,
        env: &Env,
    ) -> Checked<(Config, Vec<Rc<Module>>)> {
        let slots = self.slots(entry, args, span)?;
        let modules = slots.iter().filter(|s| s.param.ty == ParamType::Module).flat_map(|s| &s.given);
        let modules = modules.map(|e| self.module(e, env)).collect::<Checked<_>>()?;
        Ok((self.configure_slots(entry, &slots, span, env)?, modules))
    }

    /// The settings of a call; tensors and modules are not among them.
    pub(super) fn configure_slots(
        &mut self,
        entry: &'static Entry,
        slots: &[Slot],
        span: Span,
        env: &Env,
    ) -> Checked<Config> {
        let (mut filled, mut failed) = (Vec::new(), None);
        for slot in slots {
            if matches!(slot.param.ty, ParamType::Module | ParamType::Tensor) {
                continue;
            }
            match self.config_arg(slot, span, env) {
                Ok(arg) => filled.push((slot.param.name.to_owned(), arg)),
                Err(e) => failed = Some(e),
            }
        }
        let config = Config { entry, args: filled, span: Some(span) };
        failed.map_or(Ok(config), Err)
    }

    pub(super) fn config_arg(&mut self, slot: &Slot, span: Span, env: &Env) -> Checked<Arg> {
        if slot.given.is_empty() {
            return match slot.param {
                Param { ty: ParamType::Word(_), default: Some(text), .. } if *text != "none" => {
                    self.default_word(slot.param, text, span)
                }
                param => Ok(default_arg(param)),
            };
        }
        if slot.param.variadic {
            let items: Checked<Vec<Arg>> = slot.given.iter().map(|e| self.typed(slot.param, e, env)).collect();
            return items.map(Arg::List);
        }
        self.typed(slot.param, slot.given[0], env)
    }
}

/// The signature as it is written in documentation: `crop(scale, ratio: 0.75..1.33)`.
pub fn signature(entry: &Entry) -> String {
    let param = |p: &Param| match (p.default, p.variadic) {
        (_, true) => format!("{}...", p.name),
        (Some(default), _) => format!("{}: {default}", p.name),
        (None, _) => p.name.to_owned(),
    };
    let params: Vec<String> = entry.params.iter().map(param).collect();
    format!("{}({})", entry.name, params.join(", "))
}
