//! Progress of a training: a bar on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output;
use crate::diag::visible;
use crate::report::{count, duration, number, percent};
use crate::train::{Clock, Event, Measures, Step};

/// Shows what a training says.
pub struct Progress {
    style: Style,
    clock: Clock,
    from: usize,
    started: Instant,
    last_line: Option<Instant>,
    looks: String,
    /// What stands before a line: the recipe that is trained first, or nothing.
    within: String,
}

enum Style {
    Quiet,
    Lines,
    Bar(ProgressBar),
}

/// The time between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

impl Progress {
    /// A bar where standard error is a terminal, lines where it is not, nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        let style = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Style::Quiet,
            (false, false) => Style::Lines,
            (false, true) => Style::Bar(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10))),
        };
        let clock = Clock { steps: 0, per_epoch: 0 };
        Self {
            style,
            clock,
            from: 0,
            started: Instant::now(),
            last_line: None,
            looks: String::new(),
            within: String::new(),
        }
    }

    /// Shows an event.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Started { clock, from, parameters, batch } => self.start(*clock, *from, *parameters, *batch),
            Event::Step(step) => self.step(step),
            Event::Evaluated { epoch, measures, .. } => self.look(*epoch, measures),
            Event::Preparing { message } => self.say(message),
            Event::Beforehand { recipe, event } => self.beforehand(recipe, event),
            Event::Refreshing { states, samples, of, .. } => self.refreshing(states, *samples, *of),
            Event::Waiting { message, seconds } => self.say(&format!("{message}; trying again in {seconds} s")),
            Event::Warning { message, .. } => self.say(&format!("warning: {message}")),
            Event::Judging { subject } => self.judging(subject),
            Event::Refreshed { .. }
            | Event::Saving { .. }
            | Event::Checkpoint { .. }
            | Event::Interrupted { .. }
            | Event::Finished { .. } => {}
        }
    }

    /// Takes the bar away.
    pub fn clear(&mut self) {
        if let Style::Bar(bar) = &self.style {
            bar.finish_and_clear();
        }
    }

    fn start(&mut self, clock: Clock, from: usize, parameters: u64, batch: usize) {
        (self.clock, self.from, self.started, self.last_line) = (clock, from, Instant::now(), None);
        let epochs = number(clock.epochs(clock.steps));
        let begun = if from > 0 { format!(", from step {from}") } else { String::new() };
        self.say(&format!(
            "{} parameters, {epochs} epochs of {} steps of {batch} images{begun}",
            count(parameters),
            clock.per_epoch
        ));
        if let Style::Bar(bar) = &self.style {
            bar.set_style(bar_style());
            bar.set_length(clock.steps as u64);
            bar.set_position(from as u64);
            bar.reset_eta();
        }
    }

    /// Shows an event of a recipe that is trained first, with its name.
    fn beforehand(&mut self, recipe: &Path, event: &Event) {
        let name = recipe.file_stem().unwrap_or_default().to_string_lossy();
        let outer = std::mem::take(&mut self.within);
        self.within = format!("{outer}{name}: ");
        self.note(event);
        self.within = outer;
    }

    fn refreshing(&mut self, states: &[String], samples: usize, of: usize) {
        let text = format!("refreshing {}: {samples} of {of} images", states.join(", "));
        match &self.style {
            Style::Bar(bar) => bar.set_message(visible(&text).into_owned()),
            Style::Lines if self.pause_is_over() => {
                self.last_line = Some(Instant::now());
                output::message(&format!("{}{text}", self.within));
            }
            Style::Lines | Style::Quiet => {}
        }
    }

    fn step(&mut self, step: &Step) {
        match &self.style {
            Style::Bar(bar) => {
                bar.set_position(step.step as u64);
                bar.set_prefix(format!(
                    "{}epoch {:.1}/{}",
                    self.within,
                    step.epoch,
                    number(self.clock.epochs(self.clock.steps))
                ));
                let rate = format!("{:.0} img/s · {} left", step.images_per_second, self.left(step));
                bar.set_message(format!("{rate}\n  {}{}", visible(&losses(step)), self.looks));
            }
            Style::Lines if self.line_is_due(step) => {
                self.last_line = Some(Instant::now());
                let (speed, left) = (step.images_per_second, self.left(step));
                output::message(&format!(
                    "{}epoch {:.2}  step {}/{}  {}  {speed:.0} img/s  {left} left",
                    self.within,
                    step.epoch,
                    step.step,
                    self.clock.steps,
                    losses(step)
                ));
            }
            Style::Lines | Style::Quiet => {}
        }
    }

    fn line_is_due(&self, step: &Step) -> bool {
        step.step == self.clock.steps || self.pause_is_over()
    }

    fn pause_is_over(&self) -> bool {
        self.last_line.is_none_or(|last| last.elapsed() >= PAUSE)
    }

    /// The time left, judging by all steps of this run, looks at the features included.
    fn left(&self, step: &Step) -> String {
        let done = step.step.saturating_sub(self.from).max(1);
        let left = self.clock.steps.saturating_sub(step.step);
        duration(self.started.elapsed().as_secs_f64() * left as f64 / done as f64)
    }

    fn look(&mut self, epoch: f64, measures: &Measures) {
        let get = |name: &str| measures.get(name);
        let knn = get("knn").map(|x| format!("k-NN {}", percent(x)));
        let probe = get("linear").map(|x| format!("probe {}", percent(x)));
        let rank = get("effective_rank").map(|x| format!("rank {}", number(x)));
        let others = measures.0.iter().filter_map(|(name, value)| {
            let (set, measure) = name.split_once('.')?;
            let title = if measure == "knn" { "k-NN" } else { "probe" };
            matches!(measure, "knn" | "linear").then(|| format!("{set} {title} {}", percent(*value)))
        });
        let parts: Vec<String> = [knn, probe, rank].into_iter().flatten().chain(others).collect();
        self.looks = format!("\n  epoch {epoch:.1}: {}", parts.join(" · "));
        if let Style::Lines = self.style {
            output::message(&format!("{}epoch {epoch:.2}  {}", self.within, parts.join("  ")));
        }
    }

    fn judging(&mut self, subject: &str) {
        match &self.style {
            Style::Bar(bar) => bar.set_message(format!("judging {}", visible(subject))),
            Style::Lines => output::message(&format!("{}judging {subject}", self.within)),
            Style::Quiet => {}
        }
    }

    /// A line that stays; warnings are shown even if quiet.
    fn say(&self, text: &str) {
        let line = format!("{}{text}", self.within);
        match &self.style {
            Style::Bar(bar) => bar.suspend(|| output::message(&line)),
            Style::Lines => output::message(&line),
            Style::Quiet if text.starts_with("warning") => output::message(&line),
            Style::Quiet => {}
        }
    }
}

/// The loss and, if there are several, its terms.
fn losses(step: &Step) -> String {
    let total = format!("loss {}", number(step.loss));
    let terms: Vec<String> = step.terms.iter().map(|(name, value)| format!("{name} {}", number(*value))).collect();
    if terms.len() > 1 { format!("{total}  ({})", terms.join(", ")) } else { total }
}

fn bar_style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{prefix} {bar:30.green} {pos}/{len} steps · {msg}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}
