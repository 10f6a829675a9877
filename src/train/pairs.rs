//! Probes of two towers: pictures and texts in one space.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::extract::{Extractor, Rows};
use super::{Control, TrainError};
use crate::check::{Pair, Recipe};
use crate::compile::Program;
use crate::data::{DataError, DataSet};
use crate::eval::{self, Features, Probe, Recall, ZeroShot};
use crate::exec::{self, Engine, EngineKind, Feed, Phase, Store};

/// Texts that are embedded at a time.
const BATCH: usize = 100;

/// The two towers of a probe.
pub(super) struct Paired {
    pictures: Extractor,
    texts: Texts,
    column: String,
}

impl Paired {
    /// Those of all probes that have some, with their places among the probes.
    pub fn all(recipe: &Recipe, kind: EngineKind) -> Result<Vec<(usize, Self)>, TrainError> {
        let pairs = recipe.evaluate.pairs.iter();
        pairs.map(|(place, pair)| Ok((*place, Self::new(pair, kind)?))).collect()
    }

    fn new(pair: &Pair, kind: EngineKind) -> Result<Self, TrainError> {
        let pictures = Extractor::new(&pair.pictures, kind)?;
        Ok(Self { pictures, texts: Texts::new(pair, kind), column: pair.column.clone() })
    }

    /// What is said of a data set that has not the texts that are compared.
    pub fn lacks(&self, data: &dyn DataSet) -> Option<String> {
        let has = data.columns().iter().any(|column| column.name == self.column);
        (!has).then(|| format!("{} has no column `{}`", data.describe(), self.column))
    }

    /// What a probe of that name finds on a test split.
    pub fn measures(
        &mut self,
        name: &str,
        probe: &Probe,
        store: &mut Store,
        test: &Arc<dyn DataSet>,
        control: &Control,
    ) -> Result<Vec<(String, f64)>, TrainError> {
        let column = test.columns().iter().position(|c| c.name == self.column);
        let column = column.ok_or_else(|| DataError::new(self.lacks(&**test).unwrap_or_default()))?;
        let pictures = self.pictures.rows(store, test, control)?;
        match probe {
            Probe::Retrieval(_) => {
                let Recall { text, picture } = self.recall(&pictures, store, test, column)?;
                let measures = [("text", text), ("picture", picture)].map(|(what, found)| {
                    eval::DEPTHS.iter().zip(found).map(move |(k, share)| (format!("{name} {what} R@{k}"), share))
                });
                Ok(measures.into_iter().flatten().collect())
            }
            Probe::ZeroShot(settings) => {
                let accuracy = self.zero_shot(settings, &pictures, store, test, column)?;
                Ok(accuracy.map(|accuracy| (name.to_owned(), accuracy)).into_iter().collect())
            }
            Probe::Knn(_) | Probe::Linear { .. } | Probe::FewShot(_) | Probe::Finetune(_) => Ok(Vec::new()),
        }
    }

    fn recall(
        &mut self,
        pictures: &Rows,
        store: &mut Store,
        test: &Arc<dyn DataSet>,
        column: usize,
    ) -> Result<Recall, TrainError> {
        let (mut texts, mut texts_of, mut known) = (Vec::new(), Vec::new(), HashMap::new());
        for &index in &pictures.index {
            let text = test.cell(column, index)?;
            let key: Vec<u32> = text.iter().map(|x| x.to_bits()).collect();
            let next = known.len();
            let number = *known.entry(key).or_insert(next);
            if number == next {
                texts.push(text);
            }
            texts_of.push(number);
        }
        let texts = self.texts.features(store, &texts)?;
        if !pictures.finite() || !texts.finite() {
            return Ok(Recall { text: [f64::NAN; 2], picture: [f64::NAN; 2] });
        }
        Ok(eval::recall(&pictures.values, &texts.values, &texts_of, pictures.dim))
    }

    /// The accuracy by names; nothing where no picture has a class.
    fn zero_shot(
        &mut self,
        settings: &ZeroShot,
        pictures: &Rows,
        store: &mut Store,
        test: &Arc<dyn DataSet>,
        column: usize,
    ) -> Result<Option<f64>, TrainError> {
        let Some(labelled) = pictures.labelled() else { return Ok(None) };
        let named = test.classes().iter().flat_map(|class| settings.texts(class));
        let texts = named.map(|text| test.encode(column, &text)).collect::<Result<Vec<_>, _>>()?;
        let texts = self.texts.features(store, &texts)?;
        let features: Features = labelled.features();
        let finite = pictures.finite() && texts.finite();
        Ok(Some(if finite { eval::zero_shot(features, &texts.values, settings.templates.len()) } else { f64::NAN }))
    }
}

/// Embeds texts.
struct Texts {
    program: Program,
    kind: EngineKind,
    input: String,
    /// An engine for each number of texts there has been.
    engines: BTreeMap<usize, Box<dyn Engine>>,
}

impl Texts {
    fn new(pair: &Pair, kind: EngineKind) -> Self {
        let input = pair.graph.inputs.first().map_or_else(String::new, |input| input.name.clone());
        let program = Program::forward(pair.graph.clone(), vec![pair.features]).wishing(pair.pictures.wishes);
        Self { program, kind, input, engines: BTreeMap::new() }
    }

    /// The features of texts, a row each.
    fn features(&mut self, store: &mut Store, texts: &[Vec<f32>]) -> Result<Rows, TrainError> {
        let mut rows = Rows::default();
        for some in texts.chunks(BATCH) {
            if !self.engines.contains_key(&some.len()) {
                let size = |symbol: &str| (symbol == "N").then_some(some.len() as i64);
                self.engines.insert(some.len(), exec::engine(self.kind, &self.program, &size)?);
            }
            let Some(engine) = self.engines.get_mut(&some.len()) else { continue };
            let numbers = some.concat();
            let inputs = vec![(self.input.as_str(), numbers.as_slice())];
            engine.run(store, &Feed { inputs, phase: Phase::Judging, ..Feed::default() })?;
            let out = engine.output(0);
            rows.dim = out.len() / some.len();
            rows.values.extend_from_slice(out);
        }
        Ok(rows)
    }
}
