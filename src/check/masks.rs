//! The masks of views: what recipes and modules are given of them.

use super::checker::{Checked, Checker, Failed};
use super::module::Module;
use super::scope::Env;
use super::value::Value;
use crate::data::Layout;
use crate::diag::{Code, Diagnostic, suggest};
use crate::graph::{Dim, InputKind, MaskPart, NodeId, Shape, TensorType};
use crate::nn::{self, MaskInput, Uncounted};
use crate::source::Span;
use crate::syntax::ast::{Expr, Name};
use std::rc::Rc;

/// The attributes of a masked view.
const ATTRIBUTES: [&str; 6] = ["mask", "visible", "hidden", "grid", "targets", "T"];

/// Which of the modules a masked view goes through must heed its mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The first, which is given the pixels.
    First,
    /// Any.
    Anywhere,
}

impl Checker<'_> {
    /// `view.name`: something of its mask.
    pub(super) fn mask_attribute(&mut self, view: usize, name: &Name) -> Checked<Value> {
        let shown = self.views.all[view].name.clone();
        let layout = self.views.all[view].mask.clone();
        let known = ATTRIBUTES.contains(&name.text.as_str());
        let Some(layout) = layout.filter(|_| known) else { return Err(self.no_attribute(&shown, known, name)) };
        let number = |n: usize| Value::Number(n as f64);
        let tensor = |checker: &mut Self, part| Value::Tensor(checker.mask_node(view, &layout, part));
        match name.text.as_str() {
            "mask" => Ok(tensor(self, MaskPart::Hides)),
            "grid" => Ok(Value::List(vec![number(layout.grid.rows), number(layout.grid.columns)])),
            "targets" if layout.targets == 0 => {
                let message = format!("the mask of `{shown}` has no targets");
                let help = "only some kinds have, such as `multiblock`";
                Err(self.report(Diagnostic::error(Code::UNKNOWN_FIELD, name.span, message).help(help)))
            }
            "targets" => Ok(Value::List((0..layout.targets).map(|i| tensor(self, MaskPart::Target(i))).collect())),
            part => {
                let (count, part) = match part {
                    "visible" => (layout.visible(), MaskPart::Visible),
                    _ => (layout.hidden, MaskPart::Hidden),
                };
                self.counted(&shown, count, name)?;
                Ok(tensor(self, part))
            }
        }
    }

    /// Complains of an attribute that no view has, or of one that only masked views have.
    fn no_attribute(&mut self, view: &str, known: bool, name: &Name) -> Failed {
        let (message, help) = if known {
            let help = "a mask is the last step of a pipeline, as in `m: a | mask(random, ratio: 0.75)`";
            (format!("the view `{view}` has no mask"), Some(help.to_owned()))
        } else {
            (format!("a view has no `{}`", name.text), suggest(&name.text, ATTRIBUTES))
        };
        self.report(Diagnostic::error(Code::UNKNOWN_FIELD, name.span, message).maybe_help(help))
    }

    /// Complains where there is no one number of visible or hidden patches.
    fn counted(&mut self, view: &str, count: Option<usize>, name: &Name) -> Checked<()> {
        let what = &name.text;
        let (message, help) = match count {
            Some(0) => (format!("no patch of `{view}` is {what}"), "choose a `ratio` between 0 and 1"),
            Some(_) => return Ok(()),
            None => (
                format!("how many patches of `{view}` are {what} is not the same for every sample"),
                "give the mask one `ratio` and no `chance`, and `exact: true` if it is blockwise; `.mask` is there always",
            ),
        };
        Err(self.report(Diagnostic::error(Code::INVALID_VALUE, name.span, message).help(help)))
    }

    /// The node that reads something of a view's mask.
    fn mask_node(&mut self, view: usize, layout: &Layout, part: MaskPart) -> NodeId {
        self.use_view(view);
        let count = layout.grid.count();
        let (name, size) = match part {
            MaskPart::Hides => ("mask".to_owned(), count),
            MaskPart::Visible => ("visible".to_owned(), layout.visible().unwrap_or(count)),
            MaskPart::Hidden => ("hidden".to_owned(), layout.hidden.unwrap_or(count)),
            MaskPart::Target(i) => (format!("targets[{i}]"), layout.target_size),
        };
        let name = format!("view:{}.{name}", self.views.all[view].name);
        let shape = Shape(vec![Dim::batch(), Dim::from(size)]);
        let ty = if part == MaskPart::Hides { TensorType::float(shape) } else { TensorType::int(shape) };
        self.graph.input(&name, ty, InputKind::Mask(view, part))
    }

    /// What modules are told of the mask of a view, if it has one.
    pub(super) fn mask_input(&mut self, view: usize) -> Option<Rc<MaskInput>> {
        let layout = self.views.all[view].mask.clone()?;
        let mut node = |part| self.mask_node(view, &layout, part);
        let mut counted = |count: Option<usize>, part| match count {
            Some(0) => Err(Uncounted::None),
            Some(_) => Ok(node(part)),
            None => Err(Uncounted::Varies),
        };
        let visible = counted(layout.visible(), MaskPart::Visible);
        let hidden = counted(layout.hidden, MaskPart::Hidden);
        Some(Rc::new(MaskInput {
            grid: (layout.grid.rows, layout.grid.columns),
            hides: node(MaskPart::Hides),
            visible,
            hidden,
            targets: (0..layout.targets).map(|i| node(MaskPart::Target(i))).collect(),
        }))
    }

    /// The masks of several views of one layout, one behind the other.
    pub(super) fn joined_masks(&mut self, views: &[usize], at: Span) -> Checked<Option<Rc<MaskInput>>> {
        let Some(masks) = views.iter().map(|&v| self.mask_input(v)).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let mut join = |part: &dyn Fn(&MaskInput) -> Option<NodeId>| -> Checked<Option<NodeId>> {
            let Some(nodes) = masks.iter().map(|m| part(m)).collect::<Option<Vec<_>>>() else { return Ok(None) };
            self.built(at, |g| g.concat(&nodes, 0)).map(Some)
        };
        let Some(hides) = join(&|m| Some(m.hides))? else { return Ok(None) };
        let why = |part: Result<NodeId, Uncounted>| part.err().unwrap_or(Uncounted::Varies);
        let visible = join(&|m| m.visible.ok())?.ok_or_else(|| why(masks[0].visible));
        let hidden = join(&|m| m.hidden.ok())?.ok_or_else(|| why(masks[0].hidden));
        let count = masks[0].targets.len();
        let targets = (0..count).map(|i| join(&|m| m.targets.get(i).copied())).collect::<Checked<Option<Vec<_>>>>()?;
        Ok(Some(Rc::new(MaskInput {
            grid: masks[0].grid,
            hides,
            visible,
            hidden,
            targets: targets.unwrap_or_default(),
        })))
    }

    /// The masked view that `view` names.
    pub(super) fn masked_view(&mut self, view: &Expr, env: &Env) -> Checked<usize> {
        match self.eval(view, env)? {
            Value::View(index) if self.views.all[index].mask.is_some() => Ok(index),
            other => {
                let message = format!("expected a masked view, found {}", other.kind());
                self.error(Code::WRONG_TYPE, view.span, message)
            }
        }
    }

    /// Complains of stages that would overlook the mask of the view they are applied to.
    pub(super) fn must_take_mask(&mut self, stages: &[Rc<Module>], place: Place, at: Span) -> Checked<()> {
        let asked = if place == Place::First { &stages[..stages.len().min(1)] } else { stages };
        for module in asked {
            if self.takes_mask(module, place)? {
                return Ok(());
            }
        }
        let takers = nn::LAYERS.iter().filter(|l| l.entry.params.iter().any(|p| p.name == nn::MASKED));
        let takers: Vec<String> = takers.map(|l| format!("`{}({}: ..)`", l.entry.name, nn::MASKED)).collect();
        let message = match place {
            Place::First => "this is applied to a masked view, but its first module ignores masks",
            Place::Anywhere => "this is given a masked view, but all of its modules ignore masks",
        };
        let apply = "apply it to the view before its mask, which has the same pixels";
        let help = match takers.as_slice() {
            [] => apply.to_owned(),
            takers => format!("masks are used by {}; or {apply}", takers.join(", ")),
        };
        Err(self.report(Diagnostic::error(Code::UNSUPPORTED, at, message).help(help)))
    }

    fn takes_mask(&mut self, module: &Module, place: Place) -> Checked<bool> {
        match module {
            Module::Layer(layer, _) => Ok(layer.takes_mask()),
            Module::Chain(parts) => {
                let asked = if place == Place::First { &parts[..parts.len().min(1)] } else { parts };
                let takes = asked.iter().map(|part| self.takes_mask(part, place)).collect::<Checked<Vec<_>>>()?;
                Ok(takes.contains(&true))
            }
            Module::Shared(branch, stage, _) => {
                let module = self.stage_of(*branch, *stage)?;
                self.takes_mask(&module, place)
            }
            Module::Function(..) | Module::Operation(..) | Module::Residual(..) => Ok(false),
        }
    }
}
