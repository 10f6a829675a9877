//! What an encoder is worth: now and then while it learns, and at the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::classes::{Classifying, KnownClasses, Learnt};
use super::extract::{Extractor, Rows, raw_pixels};
use super::finetune::Tuner;
use super::pairs::Paired;
use super::probing::{accuracies, baseline, named_probes, pairs, prefixed};
use super::{Control, Event, TrainError};
use crate::check::{Encoder, Recipe};
use crate::data::{DataSet, Loader, Splits, subset, telling};
use crate::eval::{self, LinearProbe, MEASURES, Probe};
use crate::exec::{EngineKind, Store};

/// Samples of the train and the test split that are looked at while training.
const BANK: usize = 2000;
const QUERIES: usize = 1000;
/// The measure behind those of the probes.
const RANK: &str = "effective_rank";

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

/// A data set that is judged: the one that is trained on, or another by its name.
struct JudgedSet {
    name: Option<String>,
    bank: Arc<dyn DataSet>,
    queries: Arc<dyn DataSet>,
    whole: Splits,
    /// All that the worth of raw pixels depends on.
    baseline: String,
}

/// Judges the encoder of a recipe.
pub struct Judge {
    encoder: Encoder,
    engine: EngineKind,
    seed: u64,
    extractor: Extractor,
    pairs: Option<[Vec<f32>; 2]>,
    probes: Vec<(String, Probe)>,
    /// What compares pictures with texts, by its place among the probes.
    towers: Vec<(usize, Paired)>,
    /// The recipe's own data set, then others.
    sets: Vec<JudgedSet>,
}

/// What the probes say at the end: of the trained encoder, of the untrained one, and of raw pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The encoder as trained.
    pub trained: Measures,
    /// The encoder where it was best, if that is another and was kept.
    pub best: Measures,
    /// The same encoder before its first step.
    pub untrained: Measures,
    /// The pixels themselves.
    pub raw: Measures,
}

/// What a judgement has found: measures, and what probes have learnt that a run keeps.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// What was measured on all data sets.
    pub measures: Measures,
    /// What the first probe of each kind has learnt, of the first data set that has labels.
    pub learnt: Vec<(Classifying, KnownClasses)>,
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
        let mut judge = Self {
            encoder: encoder.clone(),
            engine: kind,
            seed: recipe.train.seed,
            extractor: Extractor::new(encoder, kind)?,
            pairs: loader.map(|l| pairs(l, encoder.size)).transpose()?.flatten(),
            towers: Paired::all(recipe, kind)?,
            probes: named_probes(&recipe.evaluate.probes),
            sets: Vec::new(),
        };
        judge.add(recipe, None, data);
        Ok(Some(judge))
    }

    /// Judges on another data set of the recipe, too.
    pub fn also(&mut self, recipe: &Recipe, name: &str, data: &Splits) {
        self.add(recipe, Some(name), data);
    }

    fn add(&mut self, recipe: &Recipe, name: Option<&str>, data: &Splits) {
        self.sets.push(JudgedSet {
            name: name.map(str::to_owned),
            bank: subset(&telling(&data.train), BANK),
            queries: subset(&telling(&data.test), QUERIES),
            baseline: baseline(recipe, &self.encoder, name),
            whole: Splits {
                train: subset(&telling(&data.train), recipe.evaluate.train_samples),
                test: subset(&telling(&data.test), recipe.evaluate.test_samples),
            },
        });
    }

    /// The probes that are left out on a data set, which is not that of the recipe and has no texts, and why.
    pub fn left_out(&self) -> Vec<String> {
        let left_out = |set: &JudgedSet| {
            let lacks = |(place, paired): &(usize, Paired)| {
                let why = paired.lacks(&*set.whole.test)?;
                Some(format!("`{}` is left out: {why}", self.probes[*place].0))
            };
            self.towers.iter().filter_map(lacks).collect::<Vec<_>>()
        };
        self.sets.iter().flat_map(left_out).collect()
    }

    /// The names of all that a look measures.
    pub fn looked_at(&self) -> Vec<String> {
        let measured = |set: &JudgedSet| {
            let labels = !set.whole.train.classes().is_empty();
            let views = set.name.is_none() && self.pairs.is_some();
            let taken = MEASURES.iter().filter(|m| (labels || !m.labels) && (views || !m.views));
            taken.map(|m| prefixed(set.name.as_deref(), m.name)).collect::<Vec<_>>()
        };
        self.sets.iter().flat_map(measured).collect()
    }

    /// A quick look at the features, on a part of the data.
    pub fn look(&mut self, store: &mut Store) -> Result<Measures, TrainError> {
        // It is over soon: one that is not to be stopped leaves nothing half done.
        let whole = Control::default();
        let asked = self.probes.iter().find_map(|(_, p)| if let Probe::Knn(knn) = p { Some(*knn) } else { None });
        let linear = Probe::Linear { settings: LinearProbe::default(), candidates: Vec::new() };
        let probes = [Probe::Knn(asked.unwrap_or_default()), linear].map(|p| (p.name().to_owned(), p));
        let mut all = Measures::default();
        for set in &self.sets {
            let bank = self.extractor.rows(store, &set.bank, &whole)?;
            let queries = self.extractor.rows(store, &set.queries, &whole)?;
            let (mut measures, _) = accuracies(&probes, &bank, &queries);
            let mut add = |name: &str, value| measures.0.push((name.to_owned(), value));
            let spread = eval::spread(&queries.values, queries.dim);
            add(RANK, spread.effective_rank);
            add("std", spread.std);
            if let (Some([a, b]), None) = (&self.pairs, &set.name) {
                let a = self.extractor.features(store, a)?;
                let b = self.extractor.features(store, b)?;
                add("alignment", eval::alignment(&a.values, &b.values, a.dim));
            }
            add("uniformity", spread.uniformity);
            all.0.extend(measures.0.into_iter().map(|(name, value)| (prefixed(set.name.as_deref(), &name), value)));
        }
        Ok(all)
    }

    /// The recipe's probes on all of the data, for the untrained encoder and raw pixels, beside what is known of the trained one.
    pub fn beside(
        &mut self,
        trained: Measures,
        untrained: &mut Store,
        baselines: &Baselines,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Verdict, TrainError> {
        let untrained = self.judge("the untrained encoder", untrained, control, on_event)?.measures;
        let mut raw = Measures::default();
        for set in &self.sets {
            let found = baselines.of(&set.baseline, || {
                on_event(&Event::Judging { subject: set.subject("raw pixels") });
                let pixels = |data| raw_pixels(data, self.extractor.preprocess(), control);
                let probes: Vec<_> = self.probes.iter().map(|(name, p)| (name.clone(), p.of_pixels())).collect();
                let (train, test) = (pixels(&set.whole.train)?, pixels(&set.whole.test)?);
                measure(&probes, &train, &test, control).map(|(m, _)| m)
            })?;
            raw.0.extend(found.0.into_iter().map(|(name, value)| (prefixed(set.name.as_deref(), &name), value)));
        }
        Ok(Verdict { trained, best: Measures::default(), untrained, raw })
    }

    /// The recipe's probes on all of the data, on an encoder.
    pub fn judge(
        &mut self,
        subject: &str,
        store: &mut Store,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Judgement, TrainError> {
        let mut judgement = Judgement::default();
        for set in &self.sets {
            let subject = set.subject(subject);
            on_event(&Event::Judging { subject: subject.clone() });
            let train = self.extractor.rows(store, &set.whole.train, control)?;
            let test = self.extractor.rows(store, &set.whole.test, control)?;
            let (mut measures, linear) = measure(&self.probes, &train, &test, control)?;
            let mut learnt: Vec<(Classifying, Learnt)> = linear.map(|l| (Classifying::Linear, l)).into_iter().collect();
            for (place, (name, probe)) in self.probes.iter().enumerate() {
                let Probe::Finetune(settings) = probe else { continue };
                let tell = |what| on_event(&Event::Judging { subject: format!("{subject}: {what}") });
                let tuner = Tuner { encoder: &self.encoder, engine: self.engine, data: &set.whole, seed: self.seed };
                let Some((accuracy, tuned)) = tuner.tune(settings, store, control, tell)? else { continue };
                let later = |measure: &str| self.probes[place + 1..].iter().any(|(name, _)| name == measure);
                let next = measures.0.iter().position(|(m, _)| m == RANK || later(m)).unwrap_or(measures.0.len());
                measures.0.insert(next, (name.clone(), accuracy));
                learnt.extend(tuned.map(|tuned| (Classifying::Finetune, tuned)));
            }
            for (place, paired) in &mut self.towers {
                let (name, probe) = &self.probes[*place];
                if paired.lacks(&*set.whole.test).is_some() {
                    continue;
                }
                let found = paired.measures(name, probe, store, &set.whole.test, control)?;
                let next = measures.0.iter().position(|(m, _)| m == RANK).unwrap_or(measures.0.len());
                measures.0.splice(next..next, found);
            }
            judgement.take(set, &self.encoder.path, measures, learnt);
        }
        control.proceed()?;
        Ok(judgement)
    }
}

impl JudgedSet {
    /// What is judged, in words.
    fn subject(&self, what: &str) -> String {
        self.name.as_ref().map_or_else(|| what.to_owned(), |name| format!("{what} on {name}"))
    }
}

impl Judgement {
    fn take(&mut self, set: &JudgedSet, of: &str, measures: Measures, learnt: Vec<(Classifying, Learnt)>) {
        let name = set.name.as_deref();
        self.measures.0.extend(measures.0.into_iter().map(|(measure, value)| (prefixed(name, &measure), value)));
        for (probe, learnt) in learnt {
            if self.learnt.iter().all(|(known, _)| *known != probe) {
                let classes = set.whole.train.classes().to_vec();
                self.learnt.push((probe, KnownClasses { learnt, classes, of: of.to_owned() }));
            }
        }
    }
}

/// What features alone can tell.
fn measure(
    probes: &[(String, Probe)],
    train: &Rows,
    test: &Rows,
    control: &Control,
) -> Result<(Measures, Option<Learnt>), TrainError> {
    let (mut measures, classifier) = accuracies(probes, train, test);
    control.proceed()?;
    measures.0.push((RANK.to_owned(), eval::effective_rank(&test.values, test.dim)));
    Ok((measures, classifier.map(|classifier| Learnt { classifier, encoder: Vec::new() })))
}
