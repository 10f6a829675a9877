//! What is judged while a training goes on and when it is over, and what is kept of that.

use super::Training;
use crate::check::Encoder;
use crate::data::Splits;
use crate::exec::Store;
use crate::train::checkpoint::save_encoder;
use crate::train::{
    Baselines, Checkpoint, Control, Event, Judgement, KnownClasses, Measures, Place, TrainError, Verdict, Which,
    calibrate, classifier_file, encoder_file, patiently, saving,
};

impl Training<'_> {
    /// Judges on other data sets, too, those of the recipe by their names; what is then left out. It is an error if nothing measures
    /// what the best checkpoint is kept by.
    pub fn judge_on(&mut self, sets: &[(String, Splits)]) -> Result<Vec<String>, TrainError> {
        let recipe = self.setup.recipe;
        if let Some(judge) = &mut self.judge {
            sets.iter().for_each(|(name, data)| judge.also(recipe, name, data));
        }
        let left_out = self.judge.as_ref().map(crate::train::Judge::left_out).unwrap_or_default();
        let Some(best) = &recipe.train.best else { return Ok(left_out) };
        let known = self.judge.as_ref().map(crate::train::Judge::looked_at).unwrap_or_default();
        if known.contains(&best.measure) {
            return Ok(left_out);
        }
        let measured: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("nothing measures `{}` of these data: there is {}", best.measure, measured.join(", "));
        Err(TrainError::Recipe { message, span: best.span })
    }

    /// Keeps the encoder by itself, and judges it with the recipe's probes beside what it has to beat.
    pub fn verdict(
        &mut self,
        run: &dyn Place,
        baselines: &Baselines,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Verdict, TrainError> {
        let Some(encoder) = &self.setup.recipe.evaluate.encoder else { return Ok(Verdict::default()) };
        let Some(judge) = &mut self.judge else { return Ok(Verdict::default()) };
        patiently(run, control, on_event, |_| {
            saving::at_its_place(run)?;
            save_encoder(&self.learner.store, self.setup.recipe, encoder, self.seed, &encoder_file(run.path(), false))
        })?;
        let mut untrained =
            calibrate(self.setup.recipe, encoder, &self.setup.data.train, self.setup.engine, self.seed)?;
        let trained = judge.judge("the trained encoder", &mut self.learner.store, control, on_event)?;
        keep_learnt(&trained, false, run, control, on_event)?;
        let best = self.judge_best(encoder, &trained, run, control, on_event)?;
        let Some(judge) = &mut self.judge else { return Ok(Verdict::default()) };
        let verdict = judge.beside(trained.measures, &mut untrained, baselines, control, on_event)?;
        Ok(Verdict { best, ..verdict })
    }

    /// Judges the encoder where it was best, unless that is where it stands; nothing where no such checkpoint is kept.
    fn judge_best(
        &mut self,
        encoder: &Encoder,
        trained: &Judgement,
        run: &dyn Place,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Measures, TrainError> {
        let Some(best) = self.journal.best.clone() else { return Ok(Measures::default()) };
        if best.step == self.done {
            keep_learnt(trained, true, run, control, on_event)?;
            return Ok(Measures::default());
        }
        let found = Checkpoint::read(&Which::Best.file(run.path())).ok();
        let Some(found) = found.filter(|found| found.progress.step == best.step) else {
            let message =
                format!("the best checkpoint, of step {}, cannot be used any more: it is not judged", best.step);
            self.warn(message, None, on_event);
            return Ok(Measures::default());
        };
        let batch = self.setup.recipe.train.batch as i64;
        let mut store = Store::new(&encoder.graph, &|symbol| (symbol == "N").then_some(batch), self.seed)?;
        found.restore_store(&mut store)?;
        let Some(judge) = &mut self.judge else { return Ok(Measures::default()) };
        let judged = judge.judge("the best encoder", &mut store, control, on_event)?;
        keep_learnt(&judged, true, run, control, on_event)?;
        Ok(judged.measures)
    }
}

/// Keeps what probes have learnt of an encoder.
fn keep_learnt(
    judgement: &Judgement,
    best: bool,
    run: &dyn Place,
    control: &Control,
    on_event: &mut dyn FnMut(&Event),
) -> Result<(), TrainError> {
    for (probe, known) in &judgement.learnt {
        let known: &KnownClasses = known;
        patiently(run, control, on_event, |_| {
            saving::at_its_place(run)?;
            known.save(&classifier_file(run.path(), *probe, best))
        })?;
    }
    Ok(())
}
