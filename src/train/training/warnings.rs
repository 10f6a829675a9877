//! What a training warns of, once each.

use super::Training;
use crate::catalog::Unit;
use crate::source::Span;
use crate::train::{Event, Losses};

impl Training<'_> {
    /// Says something that is wrong, and notes it; what was said before the training was last stopped is not said again.
    pub fn warn(&mut self, message: String, span: Option<Span>, on_event: &mut dyn FnMut(&Event)) {
        if !self.journal.warnings.contains(&message) {
            self.journal.warnings.push(message.clone());
            on_event(&Event::Warning { message, span });
        }
    }

    /// Warns where the epochs of the recipe do not make up a single step.
    pub(super) fn warn_of_no_step(&mut self, on_event: &mut dyn FnMut(&Event)) {
        let epochs = self.setup.recipe.train.epochs;
        if self.clock.steps == 0 && epochs > 0.0 {
            let message = format!(
                "nothing is trained: {epochs} epochs of {} steps are less than a step; raise `train.epochs`",
                self.clock.per_epoch
            );
            self.warn(message, None, on_event);
        }
    }

    /// Warns of warm-ups in steps that outlast the training; those in epochs are seen before its length in steps is known.
    pub(super) fn warn_of_warm_ups(&mut self, on_event: &mut dyn FnMut(&Event)) {
        for (schedule, span) in &self.setup.recipe.schedules {
            let (warmup, steps) = (schedule.warmup, self.clock.steps);
            if schedule.unit == Unit::Steps && warmup > 0.0 && warmup >= steps as f64 {
                let message = format!("the warm-up of {warmup} steps outlasts the training of {steps}");
                self.warn(message, Some(*span), on_event);
            }
        }
    }

    /// Warns where the first step trains nothing, as where nothing is masked or there is nothing to compare with.
    pub(super) fn warn_of_standstill(&mut self, on_event: &mut dyn FnMut(&Event)) {
        if self.done == 0 && self.learner.is_still(0) {
            let message = "the first step trains nothing: the loss has no gradient by any weight".to_owned();
            self.warn(message, None, on_event);
        }
    }

    pub(super) fn warn_of_skipped(&mut self, on_event: &mut dyn FnMut(&Event)) {
        let (skipped, steps) = (self.journal.skipped, self.clock.steps);
        if skipped > 0 {
            self.warn(format!("{skipped} of {steps} steps were left out: they were not finite"), None, on_event);
        }
    }

    /// Warns where a best checkpoint was to be kept, and no look has found one.
    pub(super) fn warn_of_no_best(&mut self, on_event: &mut dyn FnMut(&Event)) {
        if let (Some(best), None) = (&self.setup.recipe.train.best, &self.journal.best) {
            let message =
                format!("no best checkpoint was found: no look at the features has found a finite `{}`", best.measure);
            self.warn(message, best.span, on_event);
        }
    }

    /// Warns of each expectation when it breaks, not as long as it stays broken.
    pub(super) fn watch_expectations(&mut self, losses: &Losses, on_event: &mut dyn FnMut(&Event)) {
        for (i, (expectation, &holds)) in self.setup.recipe.expectations.iter().zip(&losses.expectations).enumerate() {
            if !holds && !self.journal.broken[i] {
                let message = format!("`{}` no longer holds at step {}", expectation.text, self.done);
                self.warn(message, Some(expectation.span), on_event);
            }
            self.journal.broken[i] = !holds;
        }
    }
}
