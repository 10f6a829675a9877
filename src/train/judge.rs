//! What an encoder is worth: now and then while it learns, and at the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::extract::{Extractor, Rows, raw_pixels};
use super::finetune::Tuner;
use super::pairs::Paired;
use super::{Control, Event, TrainError};
use crate::catalog::Config;
use crate::check::{Encoder, Recipe};
use crate::data::{DataSet, Loader, Splits, subset};
use crate::eval::{self, LinearClassifier, LinearProbe, Probe};
use crate::exec::{EngineKind, Memory};

/// Samples of the train and the test split that are looked at while training, and pairs of views.
const BANK: usize = 2000;
const QUERIES: usize = 1000;
const PAIRS: usize = 256;

/// Named numbers in the order in which they are shown; accuracies are shares of one.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measures(pub Vec<(String, f64)>);

impl Measures {
    /// The number of that name, if it was measured.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }
}

/// What raw pixels are worth, kept so that those who judge by the same probes on the same data measure it once.
#[derive(Clone, Debug, Default)]
pub struct Baselines(Arc<Mutex<HashMap<String, Measures>>>);

impl Baselines {
    /// What is kept under `key`, or else what `measure` finds.
    fn of(&self, key: &str, measure: impl FnOnce() -> Result<Measures, TrainError>) -> Result<Measures, TrainError> {
        let kept = self.0.lock().ok().and_then(|known| known.get(key).cloned());
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let measures = measure()?;
        if let Ok(mut known) = self.0.lock() {
            known.insert(key.to_owned(), measures.clone());
        }
        Ok(measures)
    }
}

/// Judges the encoder of a recipe.
pub struct Judge {
    encoder: Encoder,
    engine: EngineKind,
    seed: u64,
    extractor: Extractor,
    bank: Arc<dyn DataSet>,
    queries: Arc<dyn DataSet>,
    pairs: Option<[Vec<f32>; 2]>,
    probes: Vec<(String, Probe)>,
    whole: Splits,
    /// All that the worth of raw pixels depends on.
    baseline: String,
    /// What compares pictures with texts, by its place among the probes.
    pairs_of_towers: Vec<(usize, Paired)>,
    /// What the first linear probe learnt when it judged last.
    classifier: Option<LinearClassifier>,
}

/// What the probes say at the end: of the trained encoder, of the untrained one, and of raw pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The encoder as trained.
    pub trained: Measures,
    /// The same encoder before its first step.
    pub untrained: Measures,
    /// The pixels themselves.
    pub raw: Measures,
    /// The linear classifier of the trained encoder's features, where there was such a probe.
    pub classifier: Option<LinearClassifier>,
}

impl Judge {
    /// A judge of the recipe's encoder; `None` where the recipe names none. Its looks compare views of the loader, if given.
    pub fn new(
        recipe: &Recipe,
        kind: EngineKind,
        data: &Splits,
        loader: Option<&Loader>,
    ) -> Result<Option<Self>, TrainError> {
        let Some(encoder) = &recipe.evaluate.encoder else { return Ok(None) };
        let whole = Splits {
            train: subset(&data.train, recipe.evaluate.train_samples),
            test: subset(&data.test, recipe.evaluate.test_samples),
        };
        Ok(Some(Self {
            encoder: encoder.clone(),
            engine: kind,
            seed: recipe.train.seed,
            extractor: Extractor::new(encoder, kind)?,
            bank: subset(&data.train, BANK),
            queries: subset(&data.test, QUERIES),
            pairs: loader.map(|l| pairs(l, encoder.size)).transpose()?.flatten(),
            pairs_of_towers: Paired::all(recipe, kind)?,
            probes: named_probes(&recipe.evaluate.probes),
            baseline: baseline(recipe, encoder),
            classifier: None,
            whole,
        }))
    }

    /// A quick look at the features, on a part of the data.
    pub fn look(&mut self, memory: &mut Memory) -> Result<Measures, TrainError> {
        // It is over soon: one that is not to be stopped leaves nothing half done.
        let whole = Control::default();
        let bank = self.extractor.rows(memory, &self.bank, &whole)?;
        let queries = self.extractor.rows(memory, &self.queries, &whole)?;
        let asked = self.probes.iter().find_map(|(_, p)| if let Probe::Knn(knn) = p { Some(*knn) } else { None });
        let probes = [Probe::Knn(asked.unwrap_or_default()), Probe::Linear(LinearProbe::default())];
        let (mut measures, _) = accuracies(&probes.map(|p| (p.name().to_owned(), p)), &bank, &queries);
        let mut add = |name: &str, value| measures.0.push((name.to_owned(), value));
        let spread = eval::spread(&queries.values, queries.dim);
        add("effective_rank", spread.effective_rank);
        add("std", spread.std);
        if let Some([a, b]) = &self.pairs {
            let a = self.extractor.features(memory, a)?;
            let b = self.extractor.features(memory, b)?;
            add("alignment", eval::alignment(&a.values, &b.values, a.dim));
        }
        add("uniformity", spread.uniformity);
        Ok(measures)
    }

    /// The recipe's probes on all of the data, for the trained encoder, the untrained one and raw pixels.
    pub fn verdict(
        &mut self,
        trained: &mut Memory,
        untrained: &mut Memory,
        baselines: &Baselines,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Verdict, TrainError> {
        let trained = self.judge("the trained encoder", trained, control, on_event)?;
        let classifier = self.classifier.take();
        let untrained = self.judge("the untrained encoder", untrained, control, on_event)?;
        let raw = baselines.of(&self.baseline, || {
            on_event(&Event::Judging { subject: "raw pixels".to_owned() });
            let pixels = |data| raw_pixels(data, self.extractor.preprocess(), control);
            let probes: Vec<_> = self.probes.iter().map(|(name, p)| (name.clone(), p.of_pixels())).collect();
            measure(&probes, &pixels(&self.whole.train)?, &pixels(&self.whole.test)?, control).map(|(m, _)| m)
        })?;
        Ok(Verdict { trained, untrained, raw, classifier })
    }

    /// The recipe's probes on all of the data, on an encoder.
    pub fn judge(
        &mut self,
        subject: &str,
        memory: &mut Memory,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Measures, TrainError> {
        on_event(&Event::Judging { subject: subject.to_owned() });
        let train = self.extractor.rows(memory, &self.whole.train, control)?;
        let test = self.extractor.rows(memory, &self.whole.test, control)?;
        let (mut measures, classifier) = measure(&self.probes, &train, &test, control)?;
        self.classifier = classifier;
        for (place, (name, probe)) in self.probes.iter().enumerate() {
            let Probe::Finetune(settings) = probe else { continue };
            let tell = |what| on_event(&Event::Judging { subject: format!("{subject}: {what}") });
            let tuner = Tuner { encoder: &self.encoder, engine: self.engine, data: &self.whole, seed: self.seed };
            measures.0.insert(place, (name.clone(), tuner.accuracy(settings, memory, control, tell)?));
        }
        for (place, paired) in &mut self.pairs_of_towers {
            let (name, probe) = &self.probes[*place];
            measures.0.extend(paired.measures(name, probe, memory, &self.whole.test, control)?);
        }
        control.proceed()?;
        Ok(measures)
    }
}

/// What features alone can tell.
fn measure(
    probes: &[(String, Probe)],
    train: &Rows,
    test: &Rows,
    control: &Control,
) -> Result<(Measures, Option<LinearClassifier>), TrainError> {
    let (mut measures, classifier) = accuracies(probes, train, test);
    control.proceed()?;
    measures.0.push(("effective_rank".to_owned(), eval::effective_rank(&test.values, test.dim)));
    Ok((measures, classifier))
}

/// Data, preparation of the images, probes and samples of a recipe in words.
fn baseline(recipe: &Recipe, encoder: &Encoder) -> String {
    let evaluate = &recipe.evaluate;
    let written = |configs: &[Config]| configs.iter().map(Config::to_string).collect::<Vec<_>>();
    let samples = (evaluate.train_samples, evaluate.test_samples);
    let (probes, view) = (written(&evaluate.probes), written(&encoder.view));
    format!("{:?}", (recipe.data.to_string(), encoder.size, view, probes, samples, recipe.train.seed))
}

/// The accuracy of each probe of features, and what the first linear one learnt; not a number where a feature is none. Samples without
/// label neither teach nor are judged; where none has one, nothing is measured.
fn accuracies(probes: &[(String, Probe)], train: &Rows, test: &Rows) -> (Measures, Option<LinearClassifier>) {
    let finite = train.finite() && test.finite();
    let (mut measures, mut learnt) = (Measures::default(), None);
    let (Some(train), Some(test)) = (train.labelled(), test.labelled()) else { return (measures, learnt) };
    for (name, probe) in probes {
        let accuracy = match probe {
            Probe::Finetune(_) | Probe::Retrieval(_) | Probe::ZeroShot(_) => continue,
            _ if !finite => f64::NAN,
            Probe::Knn(settings) => eval::knn(train.features(), test.features(), *settings),
            Probe::Linear(settings) => {
                let classifier = LinearClassifier::fit(train.features(), *settings);
                let accuracy = classifier.accuracy(test.features());
                learnt.get_or_insert(classifier);
                accuracy
            }
        };
        measures.0.push((name.clone(), accuracy));
    }
    (measures, learnt)
}

/// The probes by name; one that occurs more than once also by its place.
fn named_probes(configs: &[Config]) -> Vec<(String, Probe)> {
    let probes: Vec<Probe> = configs.iter().filter_map(Probe::from_config).collect();
    let alone = |p: &Probe| probes.iter().filter(|q| q.name() == p.name()).count() == 1;
    let name = |i: usize, p: &Probe| if alone(p) { p.name().to_owned() } else { format!("{} {}", p.name(), i + 1) };
    probes.iter().enumerate().map(|(i, p)| (name(i, p), p.clone())).collect()
}

/// The first two crops of some samples, if the encoder takes their size.
fn pairs(loader: &Loader, size: (usize, usize)) -> Result<Option<[Vec<f32>; 2]>, TrainError> {
    let sizes = loader.view_sizes();
    let [a, b] = match loader.crops()[..] {
        [a, b, ..] if sizes[a] == size && sizes[b] == size => [a, b],
        _ => return Ok(None),
    };
    let mut pairs = [Vec::new(), Vec::new()];
    let mut count = 0;
    for batch in loader.epoch(0) {
        let batch = batch?;
        pairs.iter_mut().zip([a, b]).for_each(|(all, view)| all.extend_from_slice(&batch.views[view]));
        count += batch.index.len();
        if count >= PAIRS {
            break;
        }
    }
    Ok(Some(pairs))
}
