//! What an encoder is worth: now and then while it learns, and at the end.

use std::sync::Arc;

use super::extract::{Extractor, Rows, raw_pixels, subset};
use super::{Event, TrainError};
use crate::catalog::Config;
use crate::check::Recipe;
use crate::data::{DataSet, Loader};
use crate::eval::{self, LinearProbe, Probe};
use crate::exec::{EngineKind, Memory};

/// Samples of the train and the test split that are looked at while training, and pairs of views.
const BANK: usize = 2000;
const QUERIES: usize = 1000;
const PAIRS: usize = 256;

/// Named numbers in the order in which they are shown; accuracies are shares of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures(pub Vec<(String, f64)>);

impl Measures {
    /// The number of that name, if it was measured.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }
}

/// Both splits of a data set.
#[derive(Clone)]
pub struct Splits {
    /// What the encoder learns from.
    pub train: Arc<dyn DataSet>,
    /// What it is judged on.
    pub test: Arc<dyn DataSet>,
}

/// Judges the encoder of a recipe.
pub struct Judge {
    extractor: Extractor,
    bank: Arc<dyn DataSet>,
    queries: Arc<dyn DataSet>,
    pairs: Option<[Vec<f32>; 2]>,
    probes: Vec<(String, Probe)>,
    whole: Splits,
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
}

impl Judge {
    /// A judge of the recipe's encoder; `None` where the recipe names none.
    pub fn new(recipe: &Recipe, kind: EngineKind, data: &Splits, loader: &Loader) -> Result<Option<Self>, TrainError> {
        let Some(encoder) = &recipe.evaluate.encoder else { return Ok(None) };
        let whole = Splits {
            train: subset(&data.train, recipe.evaluate.train_samples),
            test: subset(&data.test, recipe.evaluate.test_samples),
        };
        Ok(Some(Self {
            extractor: Extractor::new(encoder, kind)?,
            bank: subset(&data.train, BANK),
            queries: subset(&data.test, QUERIES),
            pairs: pairs(loader, encoder.size)?,
            probes: named_probes(&recipe.evaluate.probes),
            whole,
        }))
    }

    /// A quick look at the features, on a part of the data.
    pub fn look(&mut self, memory: &mut Memory) -> Result<Measures, TrainError> {
        let bank = self.extractor.rows(memory, &self.bank)?;
        let queries = self.extractor.rows(memory, &self.queries)?;
        let asked = self.probes.iter().find_map(|(_, p)| if let Probe::Knn(knn) = p { Some(*knn) } else { None });
        let probes = [Probe::Knn(asked.unwrap_or_default()), Probe::Linear(LinearProbe::default())];
        let mut measures = accuracies(&probes.map(|p| (p.name().to_owned(), p)), &bank, &queries);
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
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Verdict, TrainError> {
        let mut of = |subject, judge: &mut Self, memory: Option<&mut Memory>| {
            on_event(&Event::Judging { subject });
            judge.judge(memory)
        };
        Ok(Verdict {
            trained: of("the trained encoder", self, Some(trained))?,
            untrained: of("the untrained encoder", self, Some(untrained))?,
            raw: of("raw pixels", self, None)?,
        })
    }

    /// The recipe's probes on all of the data, on an encoder's features or on raw pixels.
    fn judge(&mut self, memory: Option<&mut Memory>) -> Result<Measures, TrainError> {
        let (train, test) = (self.whole.train.clone(), self.whole.test.clone());
        let (train, test) = match memory {
            Some(memory) => (self.extractor.rows(memory, &train)?, self.extractor.rows(memory, &test)?),
            None => (raw_pixels(&train, self.extractor.size())?, raw_pixels(&test, self.extractor.size())?),
        };
        let mut measures = accuracies(&self.probes, &train, &test);
        measures.0.push(("effective_rank".to_owned(), eval::effective_rank(&test.values, test.dim)));
        Ok(measures)
    }
}

/// The accuracy of each probe; not a number where a feature is none.
fn accuracies(probes: &[(String, Probe)], train: &Rows, test: &Rows) -> Measures {
    let finite = train.finite() && test.finite();
    let accuracy = |p: &Probe| if finite { p.accuracy(train.features(), test.features()) } else { f64::NAN };
    Measures(probes.iter().map(|(name, p)| (name.clone(), accuracy(p))).collect())
}

/// The probes by name; one that occurs more than once also by its place.
fn named_probes(configs: &[Config]) -> Vec<(String, Probe)> {
    let probes: Vec<Probe> = configs.iter().filter_map(Probe::from_config).collect();
    let alone = |p: &Probe| probes.iter().filter(|q| q.name() == p.name()).count() == 1;
    let name = |(i, p): (usize, &Probe)| if alone(p) { p.name().to_owned() } else { format!("{} {}", p.name(), i + 1) };
    probes.iter().enumerate().map(|(i, p)| (name((i, p)), *p)).collect()
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
