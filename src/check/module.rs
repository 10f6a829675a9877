//! Modules: layers, functions of one tensor, compositions of these, and stages shared with another branch.

use super::checker::{Checked, Checker};
use super::scope::Env;
use super::value::{Closure, Value};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::diag::{Code, Diagnostic};
use crate::graph::{self, NodeId};
use crate::nn::{self, Build, MaskInput, Owner, Peer};
use crate::source::Span;
use crate::syntax::ast::{Arg, Expr};
use std::rc::Rc;

/// Something with weights that takes a tensor to a tensor.
#[derive(Debug)]
pub(super) enum Module {
    /// A layer or backbone.
    Layer(Box<dyn nn::Module>, Span),
    /// A function written in the language.
    Function(Rc<Closure>, Span),
    /// An operation of one tensor.
    Operation(&'static graph::Function, Span),
    /// One after the other.
    Chain(Vec<Rc<Module>>),
    /// The sum of a module's result and its input, which a second module may reshape.
    Residual(Rc<Module>, Option<Rc<Module>>, Span),
    /// A stage of a branch, with its weights.
    Shared(usize, usize, Span),
}

/// The combinator `residual`.
pub(super) static RESIDUAL: Entry = Entry {
    name: "residual",
    kind: Kind::Layer,
    params: &[
        Param::required("body", ParamType::Module, "what is added to the input"),
        Param::optional(
            "shortcut",
            ParamType::Module,
            "none",
            "what brings the input to the shape of the body's result",
        ),
    ],
    formula: "body(x) + shortcut(x)",
    doc: "Adds a module's result to its input (He et al. 2016, eq. 1).",
};

/// A value and the named values on the way to it.
pub(super) type Tapped = (NodeId, Vec<(String, NodeId)>);

/// What a module is applied to, and the mask of the view it was made from.
#[derive(Clone, Debug)]
pub(super) struct Fed {
    pub x: NodeId,
    pub mask: Option<Rc<MaskInput>>,
}

impl Fed {
    /// Another value made from the same view.
    fn then(&self, x: NodeId) -> Self {
        Fed { x, mask: self.mask.clone() }
    }
}

impl Checker<'_> {
    /// The module an expression stands for.
    pub(super) fn module(&mut self, expr: &Expr, env: &Env) -> Checked<Rc<Module>> {
        let value = self.eval(expr, env)?;
        self.as_module(&value, expr.span)
    }

    /// The value as a module.
    pub(super) fn as_module(&mut self, value: &Value, span: Span) -> Checked<Rc<Module>> {
        match value {
            Value::Module(module) => Ok(Rc::clone(module)),
            Value::Function(closure) => Ok(Rc::new(Module::Function(Rc::clone(closure), span))),
            Value::Operation(function) => Ok(Rc::new(Module::Operation(function, span))),
            Value::Word(entry) if entry.kind == Kind::Layer => {
                self.layer(entry, &[], span, &Env::new(super::scope::Home::Library))
            }
            Value::Stage(branch, stage) => {
                let path = self.branches.path(*branch, *stage);
                self.used.insert(path);
                Ok(Rc::new(Module::Shared(*branch, *stage, span)))
            }
            other => {
                let message = format!("expected a module, found {}", other.kind());
                let help =
                    "a module is a layer such as `linear(128)`, a function of one tensor, or several composed with `|`";
                Err(self.report(Diagnostic::error(Code::WRONG_TYPE, span, message).help(help)))
            }
        }
    }

    /// A call of a layer.
    pub(super) fn layer(&mut self, entry: &'static Entry, args: &[Arg], span: Span, env: &Env) -> Checked<Rc<Module>> {
        let (config, modules) = self.configure_with_modules(entry, args, span, env)?;
        if config.is(&RESIDUAL) {
            let mut modules = modules.into_iter();
            let Some(body) = modules.next() else {
                return self.error(Code::MISSING_ARGUMENT, span, "`residual` needs a module");
            };
            return Ok(Rc::new(Module::Residual(body, modules.next(), span)));
        }
        let Some(layer) = nn::layer(entry) else {
            return self.error(Code::UNSUPPORTED, span, format!("`{}` cannot be built", entry.name));
        };
        match (layer.build)(&config) {
            Ok(module) => Ok(Rc::new(Module::Layer(module, span))),
            Err(message) => self.error(Code::INVALID_VALUE, span, message),
        }
    }

    /// The module of another package that is the same as one, if there is one.
    pub(super) fn peer_of(module: &Module) -> Option<Peer> {
        match module {
            Module::Layer(layer, _) => layer.peer(),
            Module::Operation(function, _) => {
                ["relu", "gelu"].into_iter().find(|name| *name == function.entry.name).map(Peer::Activation)
            }
            Module::Chain(parts) => {
                let plain = |peer: &Peer| !matches!(peer, Peer::Row(_) | Peer::ResNet { .. } | Peer::Vit(_));
                let parts = parts.iter().map(|part| Self::peer_of(part).filter(plain));
                parts.collect::<Option<Vec<_>>>().map(Peer::Row)
            }
            // What is shared has its weights elsewhere.
            Module::Shared(..) | Module::Function(..) | Module::Residual(..) => None,
        }
    }

    /// Applies a module whose weights are named by `path`. In a composition the parts are numbered, as in PyTorch.
    pub(super) fn apply_module(&mut self, module: &Module, path: &str, owner: &Owner, fed: &Fed) -> Checked<Tapped> {
        let x = fed.x;
        match module {
            Module::Layer(layer, span) => {
                let (mode, largest) = (self.mode, self.views.largest);
                let output = self.built(*span, |graph| {
                    let build = Build::new(graph, path, mode, owner.clone());
                    layer.apply(&mut build.with_image(largest).with_mask(fed.mask.as_deref()), x)
                });
                output.map(|o| (o.value, o.taps))
            }
            Module::Function(closure, span) => {
                let params = closure.definition.params.as_deref().unwrap_or(&[]);
                let mut given = vec![None; params.len()];
                if let Some(first) = given.first_mut() {
                    *first = Some((Value::Tensor(x), *span));
                }
                let value = self.call_with(closure, given, *span)?;
                Ok((self.tensor(&value, *span)?, Vec::new()))
            }
            Module::Operation(function, span) => Ok((self.apply_operation(function, x, *span)?, Vec::new())),
            Module::Chain(parts) => {
                let mut value = x;
                let mut taps = Vec::new();
                for (i, part) in parts.iter().enumerate() {
                    let (next, found) = self.apply_module(part, &format!("{path}.{i}"), owner, &fed.then(value))?;
                    value = next;
                    taps.extend(found);
                }
                Ok((value, taps))
            }
            Module::Residual(body, shortcut, span) => {
                let (value, taps) = self.apply_module(body, &format!("{path}.body"), owner, fed)?;
                let around = match shortcut {
                    Some(shortcut) => self.apply_module(shortcut, &format!("{path}.shortcut"), owner, fed)?.0,
                    None => x,
                };
                Ok((self.built(*span, |g| g.add(value, around))?, taps))
            }
            Module::Shared(branch, stage, span) => self.apply_stage(*branch, *stage, fed, *span),
        }
    }
}
