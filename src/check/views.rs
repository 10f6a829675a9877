//! Views and groups of views, and the pipelines that make them.

use super::budget::MAX_VIEWS;
use super::checker::{Checked, Checker};
use super::module::Module;
use super::scope::{Env, Home};
use super::value::Value;
use crate::catalog::{Config, Kind};
use crate::data::augment::PixelNorm;
use crate::data::sets::Facts;
use crate::data::{DataError, Frame, Pipeline};
use crate::diag::{Code, Diagnostic};
use crate::graph::{Dim, InputKind, NodeId, Shape, TensorType};
use crate::source::Span;
use crate::syntax::ast::{Expr, ViewEntry, ViewName};
use std::rc::Rc;

/// All views in order of declaration, groups spread out.
#[derive(Debug, Default)]
pub(super) struct Views {
    pub all: Vec<super::recipe::View>,
    groups: Vec<Group>,
    /// Names whose pipelines have been complained of.
    pub failed: Vec<String>,
    /// Height and width of the largest view.
    pub largest: Option<(usize, usize)>,
    /// What is known of the data set, where it is known.
    pub facts: Option<Facts>,
    /// Whether every view has been worked out.
    pub prepared: bool,
}

#[derive(Debug)]
struct Group {
    name: String,
    members: Vec<usize>,
    single: bool,
}

/// What views start from.
pub(super) enum Base {
    /// The sample's first picture.
    Sample,
    /// Its picture in a column.
    Column(usize),
    /// Views, one or as many as are made.
    Views(Vec<usize>),
}

/// The pipeline that the views of one line are made by.
struct Made<'a> {
    steps: &'a [Config],
    span: Span,
}

impl Views {
    /// What samples have for a size.
    pub fn frame(&self) -> Frame {
        self.facts.as_ref().map_or_else(Frame::default, |facts| facts.frame)
    }

    /// How pixels are normalised where a view does not say it.
    pub fn norm(&self) -> Option<PixelNorm> {
        self.facts.as_ref().map(|facts| facts.norm.clone())
    }

    /// The view at the bottom of the chain of views this one starts from: the crop it shows.
    pub fn root(&self, view: usize) -> usize {
        self.all[view].from.map_or(view, |base| self.root(base))
    }

    /// How the pixels of a view are normalised: by the last `pixel_norm` on its way from the sample, or as the data set's are.
    pub fn norm_of(&self, view: usize) -> Option<PixelNorm> {
        let channels = self.frame().channels;
        let read = |step: &Config| PixelNorm::from_config(step).and_then(|norm| norm.of(channels)).ok();
        let own = self.all[view].steps.iter().rev().find_map(read);
        own.or_else(|| self.all[view].from.map_or_else(|| self.norm(), |base| self.norm_of(base)))
    }

    /// The single view or group of that name.
    fn value(&self, name: &str) -> Option<Value> {
        let group = self.groups.iter().find(|g| g.name == name)?;
        Some(match (group.single, group.members.as_slice()) {
            (true, [view]) => Value::View(*view),
            (_, members) => Value::List(members.iter().map(|&v| Value::View(v)).collect()),
        })
    }

    /// The name a view is declared by, without its number in the group.
    pub fn group_of(&self, view: usize) -> Option<&str> {
        self.groups.iter().find(|g| g.members.contains(&view)).map(|g| g.name.as_str())
    }
}

impl Checker<'_> {
    /// Works out every view, in order of declaration.
    pub(super) fn prepare_views(&mut self) {
        let definitions = self.definitions;
        for entry in &definitions.views {
            // A failure has been reported; the views after it are still checked. Without data, no view has a size.
            if self.views.facts.is_none() || self.views_of(entry).is_err() {
                self.views.failed.extend(entry.names.iter().map(|n| n.name.text.clone()));
            }
        }
        self.views.largest = self.views.all.iter().map(|v| v.size).max();
        self.views.prepared = true;
    }

    /// The view, the group, or all views, if `name` names them.
    pub(super) fn view_named(&mut self, name: &str) -> Option<Value> {
        if name == "views" && !self.definitions.views.is_empty() {
            let roots: Vec<usize> = (0..self.views.all.len()).collect();
            for view in &roots {
                self.use_view(*view);
            }
            return Some(Value::List(roots.into_iter().map(Value::View).collect()));
        }
        self.views.value(name)
    }

    pub(super) fn use_view(&mut self, view: usize) {
        if let Some(name) = self.views.group_of(view).map(str::to_owned) {
            self.used.insert(name);
        }
    }

    fn views_of(&mut self, entry: &ViewEntry) -> Checked<()> {
        let env = Env::new(Home::Recipe);
        let (base, steps) = match &entry.pipeline {
            Some(pipeline) => self.pipeline(pipeline, &env)?,
            None => (Base::Sample, Vec::new()),
        };
        let (bases, column) = match base {
            Base::Sample => (Vec::new(), None),
            Base::Column(column) => (Vec::new(), Some(column)),
            Base::Views(views) => (views, None),
        };
        let made = Made { steps: &steps, span: entry.span };
        for name in &entry.names {
            let count = self.view_count(name, &env)?;
            let single = name.count.is_none();
            let mut members = Vec::new();
            for i in 0..count {
                let from = match bases.len() {
                    0 => None,
                    1 => Some(bases[0]),
                    n if n == count => Some(bases[i]),
                    n => {
                        let message = format!("`{}` has {count} views, but starts from a group of {n}", name.name.text);
                        return self.error(Code::INVALID_VALUE, entry.span, message);
                    }
                };
                let shown = if single { name.name.text.clone() } else { format!("{}[{i}]", name.name.text) };
                members.push(self.add_view(shown, (from, column), &made, name.name.span)?);
            }
            if self.views.all.len() > MAX_VIEWS {
                return self.error(Code::TOO_LARGE, entry.span, format!("a recipe has at most {MAX_VIEWS} views"));
            }
            self.views.groups.push(Group { name: name.name.text.clone(), members, single });
        }
        Ok(())
    }

    /// Adds one view, from another one or a column of pictures, if not from the sample; its number.
    fn add_view(
        &mut self,
        name: String,
        (from, column): (Option<usize>, Option<usize>),
        made: &Made,
        span: Span,
    ) -> Checked<usize> {
        let index = self.views.all.len();
        let samples = self.views.frame();
        let start = from.map_or(samples, |base| Frame { size: self.views.all[base].size, same: true, ..samples });
        let built = match Pipeline::build(made.steps, start) {
            Ok(built) => built,
            Err(error) => return self.wrong_pipeline(&error, made.span),
        };
        let size = built.output_size();
        let shows = from.filter(|_| built.keeps_pixels()).map_or(index, |base| self.views.all[base].shows);
        let layout = built.mask().map(|mask| mask.layout(size)).transpose();
        let mask = match layout.map_err(|e| e.at(made.steps.last().and_then(|s| s.span).unwrap_or(made.span))) {
            Ok(mask) => mask,
            Err(error) => return self.wrong_pipeline(&error, made.span),
        };
        let steps = made.steps.to_vec();
        self.views.all.push(super::recipe::View { name, from, column, steps, size, shows, mask, span });
        Ok(index)
    }

    /// Reports why a pipeline cannot be built, at the step at fault if it is known.
    fn wrong_pipeline<T>(&mut self, error: &DataError, span: Span) -> Checked<T> {
        let diagnostic = Diagnostic::error(Code::INVALID_VALUE, error.span.unwrap_or(span), error.reason.clone());
        Err(self.report(diagnostic.maybe_help(error.help.clone())))
    }

    fn view_count(&mut self, name: &ViewName, env: &Env) -> Checked<usize> {
        let Some(count) = &name.count else { return Ok(1) };
        match self.number(count, env)? {
            n if n.fract() == 0.0 && n >= 1.0 && n <= MAX_VIEWS as f64 => Ok(n as usize),
            n if n > MAX_VIEWS as f64 => {
                let message = format!("a group of {n} views: a recipe has at most {MAX_VIEWS} views");
                self.error(Code::TOO_LARGE, count.span, message)
            }
            _ => self.error(Code::INVALID_VALUE, count.span, "a group has a whole number of views, at least one"),
        }
    }

    /// A pipeline and what it starts from.
    pub(super) fn pipeline(&mut self, expr: &Expr, env: &Env) -> Checked<(Base, Vec<Config>)> {
        let value = self.eval(expr, env)?;
        let (base, steps) = match self.as_pipeline(&value, expr.span)? {
            Some(parts) => parts,
            None => {
                let message = format!("expected a pipeline of augmentations, found {}", value.kind());
                let help = "compose augmentations with `|`, as in `crop(0.2..1) | flip()`";
                return Err(self.report(Diagnostic::error(Code::WRONG_TYPE, expr.span, message).help(help)));
            }
        };
        let base = match base {
            Some(Value::View(view)) => Base::Views(vec![view]),
            Some(Value::List(items)) => {
                Base::Views(items.iter().filter_map(|v| if let Value::View(i) = v { Some(*i) } else { None }).collect())
            }
            Some(Value::Pictures(column)) => Base::Column(column),
            _ => Base::Sample,
        };
        if let Base::Views(views) = &base {
            views.iter().for_each(|view| self.use_view(*view));
        }
        Ok((base, steps))
    }

    /// The value as a pipeline: an augmentation, a pipeline, a view to start from, or a function that makes one of these.
    fn as_pipeline(&mut self, value: &Value, span: Span) -> Checked<Option<(Option<Value>, Vec<Config>)>> {
        Ok(Some(match value {
            Value::Pipeline(base, steps) => (base.as_deref().cloned(), steps.clone()),
            Value::Config(config) if is_augmentation(config) => (None, vec![config.clone()]),
            Value::Word(entry) if entry.kind == Kind::Augmentation => {
                (None, vec![self.configure(entry, &[], span, &Env::new(Home::Library))?])
            }
            Value::View(_) | Value::Pictures(_) => (Some(value.clone()), Vec::new()),
            Value::List(items) if !items.is_empty() && items.iter().all(|i| matches!(i, Value::View(_))) => {
                (Some(value.clone()), Vec::new())
            }
            Value::Function(closure) => {
                let params = closure.definition.params.as_deref().unwrap_or(&[]);
                if params.iter().any(|p| p.default.is_none()) {
                    return Ok(None);
                }
                let made = self.call_with(closure, vec![None; params.len()], span)?;
                return self.as_pipeline(&made, span);
            }
            _ => return Ok(None),
        }))
    }

    /// `left | right`: a pipeline of augmentations, or a module.
    pub(super) fn pipe(&mut self, left: &Expr, right: &Expr, env: &Env) -> Checked<Value> {
        let first = self.eval(left, env);
        let second = self.eval(right, env);
        let (first, second) = (first?, second?);
        if is_pipeline(&first) || is_pipeline(&second) {
            let Some((base, mut steps)) = self.as_pipeline(&first, left.span)? else {
                return self.cannot_compose(&first, left.span);
            };
            match self.as_pipeline(&second, right.span)? {
                Some((None, more)) => steps.extend(more),
                _ => return self.cannot_compose(&second, right.span),
            }
            return Ok(Value::Pipeline(base.map(Box::new), steps));
        }
        let first = self.as_module(&first, left.span)?;
        let second = self.as_module(&second, right.span)?;
        let mut parts = Vec::new();
        for part in [first, second] {
            match &*part {
                Module::Chain(inner) => parts.extend(inner.iter().cloned()),
                _ => parts.push(part),
            }
        }
        Ok(Value::Module(Rc::new(Module::Chain(parts))))
    }

    fn cannot_compose(&mut self, value: &Value, span: Span) -> Checked<Value> {
        let message =
            format!("`|` composes augmentations with augmentations and layers with layers, found {}", value.kind());
        self.error(Code::WRONG_TYPE, span, message)
    }

    /// The node that reads the pixels of a view, `[N, height, width, channels]`.
    pub(super) fn view_node(&mut self, view: usize) -> NodeId {
        self.use_view(view);
        let view = self.views.all[view].shows;
        let (height, width) = self.views.all[view].size;
        let name = format!("view:{}", self.views.all[view].name);
        let shape =
            Shape(vec![Dim::batch(), Dim::from(height), Dim::from(width), Dim::from(self.views.frame().channels)]);
        self.graph.input(&name, TensorType::float(shape), InputKind::View(view))
    }
}

fn is_augmentation(config: &Config) -> bool {
    config.entry.kind == Kind::Augmentation
}

fn is_pipeline(value: &Value) -> bool {
    match value {
        Value::Pipeline(..) | Value::View(_) | Value::Pictures(_) => true,
        Value::Config(config) => is_augmentation(config),
        Value::Word(entry) => entry.kind == Kind::Augmentation,
        Value::List(items) => items.iter().any(|i| matches!(i, Value::View(_))),
        _ => false,
    }
}
