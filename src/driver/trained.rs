//! What a run has left: its encoder, judged again or applied to pictures.

use std::path::Path;
use std::sync::Arc;

use super::log::metrics;
use super::others::judged_again;
use super::{Checked, Failure, RunFolder, check, check_among, named, open};
use crate::catalog::Config;
use crate::check::{Encoder, Recipe};
use crate::data::{self, Access, DataSet, Opened, Split, Splits};
use crate::exec::{EngineKind, Store};
use crate::report::{Table, sectioned_table};
use crate::source::Sources;
use crate::train::{
    Baselines, Control, Event, Extractor, Judge, KeptEncoder, KnownClasses, Rows, Texts, TrainError, Which, calibrate,
};

/// Reads and checks the recipe of a run, or of an encoder in a file, with changes.
pub fn check_run(run: &Path, sets: &[String]) -> Result<Checked, Failure> {
    if !run.is_file() {
        return check(&RunFolder::open(run)?.recipe(), sets, None);
    }
    let texts = Texts::read(run).map_err(|e| Failure::usage(e.to_string()))?;
    let mut sources = Sources::default();
    let root = run.join("recipe.ssl");
    sources.hold(root.clone(), texts.recipe);
    for (name, text) in texts.frozen {
        sources.hold(run.join(name), text);
    }
    check_among(sources, &root, sets, None)
}

/// The encoder in a file, or in a checkpoint of a run.
pub(super) fn kept(run: &Path, which: Which) -> Result<KeptEncoder, TrainError> {
    match (run.is_file(), which) {
        (true, Which::Last) => KeptEncoder::read(run),
        (true, _) => {
            let message =
                format!("{} is one checkpoint alone: `--checkpoint` is for the folder of a run", run.display());
            Err(TrainError::File(message))
        }
        (false, which) => which.read(run).map(KeptEncoder::from),
    }
}

/// A recipe with the weights that a run has left.
pub struct Trained<'a> {
    checked: &'a Checked,
    recipe: &'a Recipe,
    encoder: &'a Encoder,
    store: Store,
    /// The seed from which first values were drawn.
    seed: u64,
    engine: EngineKind,
    /// Whether there are no weights but those of the encoder.
    alone: bool,
}

impl<'a> Trained<'a> {
    /// Loads a checkpoint of a run, or an encoder in a file, into its checked recipe.
    pub fn load(run: &Path, checked: &'a Checked, which: Which, engine: EngineKind) -> Result<Self, Failure> {
        let explain = |error: TrainError| Failure::of_training(&error, &checked.sources);
        let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::usage("the recipe has errors"))?;
        let encoder = recipe.evaluate.encoder.as_ref().ok_or_else(|| nothing_to_judge(recipe))?;
        let kept = kept(run, which).map_err(explain)?;
        let seed = kept.seed;
        let size = |symbol: &str| (symbol == "N").then_some(recipe.train.batch as i64);
        let alone = kept.is_alone();
        let weights = match alone {
            true => Some(encoder.graph.clone()),
            false => recipe.evaluate.weights(),
        };
        let weights = weights.ok_or_else(|| nothing_to_judge(recipe))?;
        let mut store = Store::new(&weights, &size, seed).map_err(|e| explain(e.into()))?;
        kept.restore(&mut store, encoder).map_err(explain)?;
        Ok(Self { checked, recipe, encoder, store, seed, engine, alone })
    }

    /// Both splits of the recipe's data set, or of another that is named as `--data` is, to be judged by.
    pub fn data(&self, named_data: Option<&str>, access: &Access) -> Result<Opened, Failure> {
        match named_data {
            Some(spec) => {
                let opened = Splits::open(&self.named(spec)?, access).map_err(Failure::of_data)?;
                self.takes(&opened.splits).map(|()| opened)
            }
            None => open(self.recipe, access).map_err(|e| Failure::of_training(&e, &self.checked.sources)),
        }
    }

    /// All pictures of the recipe's data set, or of another, to be looked through.
    pub fn pictures(&self, named_data: Option<&str>, access: &Access) -> Result<Splits, Failure> {
        let config = match named_data {
            Some(spec) => self.named(spec)?,
            None => self.recipe.data.clone(),
        };
        let splits = Splits::whole(&config, access).map_err(Failure::of_data)?;
        self.takes(&splits).map(|()| splits)
    }

    /// Channels of the pictures that the encoder takes.
    pub fn channels(&self) -> usize {
        self.encoder.channels
    }

    /// A data set that is named as `--data` is; its pictures have the channels that the encoder takes, unless it says otherwise.
    fn named(&self, spec: &str) -> Result<Config, Failure> {
        let mut config = named(&mut Sources::default(), spec)?;
        data::say_channels(&mut config, self.encoder.channels);
        Ok(config)
    }

    /// Complains of pictures that have other channels than the encoder takes.
    fn takes(&self, splits: &Splits) -> Result<(), Failure> {
        let (own, wanted) = (splits.train.frame().channels, self.encoder.channels);
        let wrong = || Failure::run(format!("the encoder takes pictures of {wanted} channels, these have {own}"));
        if own == wanted { Ok(()) } else { Err(wrong()) }
    }

    /// The recipe's probes on its encoder, beside the untrained one and raw pixels; also on the other data sets that the recipe names,
    /// if the data are its own.
    pub fn judge(
        &mut self,
        data: &Splits,
        own: bool,
        access: &Access,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Table, Failure> {
        let explain = |error: TrainError| Failure::of_training(&error, &self.checked.sources);
        if self.alone && !self.recipe.evaluate.pairs.is_empty() {
            let message = format!("the file holds `{}` alone, and some probes compare it with texts", self.path());
            return Err(Failure::usage(message).help(
                "judge the run or its last checkpoint, or by other probes, as in `--set 'evaluate.probes=[knn(), linear()]'`",
            ));
        }
        let judge = Judge::new(self.recipe, self.engine, data, None).map_err(explain)?;
        let mut judge = judge.ok_or_else(|| nothing_to_judge(self.recipe))?;
        let others = if own { judged_again(self.checked, self.recipe, access)? } else { Vec::new() };
        for other in &others {
            on_event(&Event::Preparing { message: other.describe() });
            judge.also(self.recipe, &other.name, &other.opened.splits);
        }
        judge.left_out().into_iter().for_each(|message| on_event(&Event::Warning { message, span: None }));
        let mut untrained = self.untrained(data, access).map_err(explain)?;
        let trained = judge.judge("the trained encoder", &mut self.store, control, on_event).map_err(explain)?;
        let verdict = judge
            .beside(trained.measures, &mut untrained, &Baselines::default(), control, on_event)
            .map_err(explain)?;
        let rows = [
            ("encoder, trained", verdict.trained),
            ("encoder, untrained", verdict.untrained),
            ("raw pixels", verdict.raw),
        ];
        let rows = rows.map(|(name, measures)| (name.to_owned(), metrics(&measures)));
        let rows: Vec<_> = rows.iter().map(|(name, metrics)| (name.clone(), metrics)).collect();
        let sets: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
        Ok(sectioned_table("features", &rows, &sets))
    }

    /// Puts the encoder into the state in which a probe has tuned it.
    pub fn tune(&mut self, known: &KnownClasses) -> Result<(), Failure> {
        known.tune(&mut self.store).map_err(|error| Failure::of_training(&error, &self.checked.sources))
    }

    /// The encoder as it was before its training, its statistics of what it was trained on; of the pictures at hand if that is gone.
    fn untrained(&self, data: &Splits, access: &Access) -> Result<Store, TrainError> {
        let own = data::open(&self.recipe.data, Split::Train, access).map(Arc::from);
        let seen = own.unwrap_or_else(|_| data.train.clone());
        calibrate(self.recipe, self.encoder, &seen, self.engine, self.seed)
    }

    /// What is judged: a stage of a branch, by its path.
    pub fn path(&self) -> &str {
        &self.encoder.path
    }

    /// The features and labels of pictures, in their order, without those that cannot be used.
    pub fn features(&mut self, data: &Arc<dyn DataSet>, control: &Control) -> Result<Rows, Failure> {
        let explain = |error: TrainError| Failure::of_training(&error, &self.checked.sources);
        let mut extractor = Extractor::new(self.encoder, self.engine).map_err(explain)?;
        extractor.rows(&mut self.store, data, control).map_err(explain)
    }
}

fn nothing_to_judge(recipe: &Recipe) -> Failure {
    Failure::run(format!("`{}` has no encoder to judge", recipe.title))
}
