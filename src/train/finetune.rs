//! Fine-tuning: a copy of the encoder and a linear classifier, trained by labels and judged on the test split.

use super::classes::{Learnt, TunedTensor};
use super::extract::Extractor;
use super::{Clock, Control, Descent, TrainError};
use crate::catalog::{Arg, Config};
use crate::check::{Encoder, Train};
use crate::compile::Program;
use crate::data::augment::{crop, flip};
use crate::data::{self, Batch, Frame, Loader, Splits, ViewSpec, labelled};
use crate::eval::{Finetune, LinearClassifier};
use crate::exec::{self, Engine, EngineKind, ExecError, Feed, Phase, Store};
use crate::graph::{DType, Dim, Graph, Init, InputKind, NodeId, ParamKind, Parameter, Shape, ShapeError, TensorType};
use std::collections::BTreeSet;

/// Names that no recipe can give to a weight of its own.
const WEIGHT: &str = "classifier weight";
const BIAS: &str = "classifier bias";

/// The accuracy after tuning, and what has been tuned, if it is finite.
pub(super) type Tuned = (f64, Option<Learnt>);

/// What is tuned, and on what.
pub(super) struct Tuner<'a> {
    pub encoder: &'a Encoder,
    pub engine: EngineKind,
    pub data: &'a Splits,
    pub seed: u64,
}

impl Tuner<'_> {
    /// The accuracy on the test split after tuning a copy of `start`, and what was tuned; nothing where no sample has a label.
    pub fn tune(
        &self,
        settings: &Finetune,
        start: &Store,
        control: &Control,
        mut tell: impl FnMut(String),
    ) -> Result<Option<Tuned>, TrainError> {
        let (train, test) = (labelled(&self.data.train), labelled(&self.data.test));
        if train.is_empty() || test.is_empty() {
            return Ok(None);
        }
        let batch = settings.batch.min(train.len());
        let loader = Loader::new(train, &[self.view(settings)?], batch, self.seed)?;
        let clock = Clock::new(settings.epochs, loader.batches_per_epoch());
        let mut classifier = self.classifier(settings, start, batch, clock)?;
        for (step, made) in loader.steps(0..clock.steps).enumerate() {
            control.proceed()?;
            if step % clock.per_epoch == 0 {
                tell(format!("fine-tuning, epoch {} of {}", step / clock.per_epoch + 1, settings.epochs.ceil()));
            }
            let made = made?;
            if !classifier.step(step, &made, self.seed)? {
                return Ok(Some((f64::NAN, None)));
            }
            loader.recycle(made);
        }
        self.judge(classifier, start, control)
    }

    /// Crops in the encoder's size, every other one flipped, normalised as the encoder takes them.
    fn view(&self, settings: &Finetune) -> Result<ViewSpec, TrainError> {
        let mut crop = data::defaults(&crop::WORD.entry);
        set(&mut crop, "scale", Arg::Range(settings.scale.0, settings.scale.1));
        let norm = self.encoder.preprocess()?.norm().to_config(crop.span);
        Ok(ViewSpec {
            name: "sample".to_owned(),
            from: None,
            column: None,
            steps: vec![crop, data::defaults(&flip::WORD.entry), norm],
            frame: Some(Frame::nominal(self.encoder.size).of(self.encoder.channels)),
            norm: None,
        })
    }

    /// Encoder and classifier before their first step.
    fn classifier(
        &self,
        settings: &Finetune,
        start: &Store,
        batch: usize,
        clock: Clock,
    ) -> Result<Classifier, TrainError> {
        let explain = |e: ShapeError| ExecError::new(format!("the encoder cannot be tuned: {}", e.message));
        let (mut graph, features) =
            self.encoder.tuned.clone().ok_or_else(|| ExecError::new("the encoder has no form to be tuned in"))?;
        let loss = classify(&mut graph, features, self.data.train.classes().len()).map_err(explain)?;
        let mut program = Program::training(graph, &[loss], loss, &[], self.encoder.wishes).map_err(explain)?;
        let train = Train {
            epochs: settings.epochs,
            batch,
            seed: self.seed,
            optimizers: settings.optimizers.clone(),
            rules: Vec::new(),
            clip: None,
            together: false,
            wishes: program.wishes,
            skips: false,
            checkpoint: f64::INFINITY,
            keep: 1,
            best: None,
        };
        let descent = Descent::new(&train, &mut program)?;
        let size = |symbol: &str| (symbol == "N").then_some(batch as i64);
        let mut store = Store::new(&program.graph, &size, self.seed)?;
        let slots: BTreeSet<&str> = descent.slots().map(|(_, slot)| slot).collect();
        store.load_some(&mut &*start, &|name| ![WEIGHT, BIAS].contains(&name) && !slots.contains(name))?;
        let engine = exec::engine(self.engine, &program, &size)?;
        Ok(Classifier { engine, store, descent, graph: program.graph, clock })
    }

    fn judge(&self, classifier: Classifier, start: &Store, control: &Control) -> Result<Option<Tuned>, TrainError> {
        let mut extractor = Extractor::new(self.encoder, self.engine)?;
        let size = |symbol: &str| (symbol == "N").then_some(1);
        let mut store = Store::new(&self.encoder.graph, &size, self.seed)?;
        // What an average follows is part of the encoder's graph, but not of what was tuned.
        let tuned = |name: &str| classifier.store.find(name).is_some();
        store.load_some(&mut &*start, &|name| !tuned(name))?;
        store.load_some(&mut &classifier.store, &tuned)?;
        let rows = extractor.rows(&mut store, &labelled(&self.data.test), control)?;
        if !rows.finite() {
            return Ok(Some((f64::NAN, None)));
        }
        let values = |name: &str| classifier.store.named(name).map(|buffer| buffer.values.to_vec()).unwrap_or_default();
        let (weight, bias) = (values(WEIGHT), values(BIAS));
        let transposed = (0..rows.dim).flat_map(|d| weight.iter().skip(d).step_by(rows.dim)).copied().collect();
        let linear = LinearClassifier { weight: transposed, bias, dim: rows.dim };
        let right = linear.predict(&rows.values).iter().zip(&rows.labels).filter(|(p, l)| Some(**p) == **l).count();
        let accuracy = right as f64 / rows.labels.len().max(1) as f64;
        Ok(Some((accuracy, Some(Learnt { classifier: linear, encoder: tuned_tensors(store) }))))
    }
}

/// Every parameter and state of a store, to be kept.
fn tuned_tensors(store: Store) -> Vec<TunedTensor> {
    store.into_buffers().map(|(name, shape, values)| TunedTensor { name, shape, values }).collect()
}

/// Encoder and classifier in training.
struct Classifier {
    engine: Box<dyn Engine>,
    store: Store,
    descent: Descent,
    graph: Graph,
    clock: Clock,
}

impl Classifier {
    /// Trains on one batch; whether all of it was finite.
    fn step(&mut self, step: usize, batch: &Batch, seed: u64) -> Result<bool, TrainError> {
        let labels: Vec<f32> = batch.labels.iter().flatten().map(|&l| l as f32).collect();
        let inputs = self.graph.inputs.iter().map(|input| {
            let values = if input.kind == InputKind::Label { labels.as_slice() } else { &batch.views[0] };
            (input.name.as_str(), values)
        });
        let value = |s: &crate::graph::Scalar| s.schedule.at(step, self.clock.steps, self.clock.per_epoch);
        let scalars = self.graph.scalars.iter().map(value).collect();
        let (inputs, step_number, phase) = (inputs.collect(), step as u64, Phase::Tuning);
        let (before, after) = (self.descent.before(step, self.clock), self.descent.after(step, self.clock));
        let feed = Feed { inputs, scalars, before, after, step: step_number, seed, phase, ..Feed::default() };
        Ok(self.engine.run(&mut self.store, &feed)?.fault.is_none())
    }
}

/// Adds a linear classifier of the features, and its mean cross entropy with the labels.
fn classify(graph: &mut Graph, features: NodeId, classes: usize) -> Result<NodeId, ShapeError> {
    let dim = graph.shape(features).0.last().and_then(Dim::constant).unwrap_or(0) as usize;
    let parameter = |name: &str, shape: &[usize], init, kind| Parameter {
        name: name.to_owned(),
        shape: shape.to_vec(),
        init,
        kind,
        ema: None,
        unit_rows: false,
        span: None,
    };
    let weight = graph.parameter(parameter(WEIGHT, &[classes, dim], Init::TruncatedNormal(0.02), ParamKind::Weight));
    let bias = graph.parameter(parameter(BIAS, &[classes], Init::Constant(0.0), ParamKind::Bias));
    let ty = TensorType { shape: Shape(vec![Dim::batch()]), dtype: DType::Int };
    let label = graph.input("label", ty, InputKind::Label);
    let product = graph.product(features, weight, false, true)?;
    let logits = graph.add(product, bias)?;
    let each = graph.cross_entropy(label, logits)?;
    graph.mean(each, &[0], false)
}

fn set(config: &mut Config, name: &str, value: Arg) {
    config.args.iter_mut().filter(|(n, _)| n == name).for_each(|(_, old)| *old = value.clone());
}
