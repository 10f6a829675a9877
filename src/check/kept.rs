//! Other data sets that are judged, and the measure by which the best checkpoint is kept.

use super::checker::{Checked, Checker};
use super::recipe::{Best, Evaluate, Judged, Train};
use super::scope::{Env, Home};
use crate::catalog::{Arg, Config, Kind};
use crate::data::say_channels;
use crate::diag::{Code, Diagnostic, suggest};
use crate::eval::{MEASURES, Measure};
use crate::syntax::ast::{Entry, EntryValue};
use std::path::Path;

/// The entry of `evaluate` that names other data sets.
pub(super) const OTHERS: &str = "data";

/// The entries of `evaluate` without the block that names other data sets, and the entries of that.
pub(super) fn others_by_name(entries: &[Entry]) -> (Vec<Entry>, Option<Vec<Entry>>) {
    let (mut settings, mut named) = (entries.to_vec(), None);
    settings.retain(|entry| match &entry.value {
        EntryValue::Block(inner) if entry.name.text == OTHERS => {
            named = Some(inner.clone());
            false
        }
        _ => true,
    });
    (settings, named)
}

/// What is written for the best checkpoint, before it is looked up by [`Checker::best`].
pub(super) fn wanted_best(config: &Config, entries: &[Entry]) -> Option<Best> {
    let Arg::Text(measure) = config.arg("best") else { return None };
    let value = entries.iter().find(|entry| entry.name.text == "best").map(|entry| &entry.value);
    let span = if let Some(EntryValue::Expr(value)) = value { Some(value.span) } else { config.span };
    (measure != "none").then(|| Best { measure: measure.clone(), more: true, span })
}

impl Checker<'_> {
    /// The other data sets that are judged: those of a block, or the one of an entry. Their pictures have as many channels as those
    /// that are trained on, where they do not say it.
    pub(super) fn judged_sets(&mut self, named: Option<Vec<Entry>>, alone: &Arg) -> Checked<Vec<Judged>> {
        let mut all = match named {
            Some(entries) => self.judged_by_name(&entries)?,
            None => self.judged_alone(alone)?,
        };
        let channels = self.views.frame().channels;
        all.iter_mut().for_each(|set| say_channels(&mut set.data, channels));
        Ok(all)
    }

    /// The data sets of a nested block, each by its name.
    fn judged_by_name(&mut self, entries: &[Entry]) -> Checked<Vec<Judged>> {
        let mut all: Vec<Judged> = Vec::new();
        for entry in entries {
            let name = &entry.name;
            let EntryValue::Expr(value) = &entry.value else {
                let message = format!("`{}` is a data set, as in `{}: folder(\"pictures\")`", name.text, name.text);
                return self.error(Code::WRONG_TYPE, entry.span, message);
            };
            if all.iter().any(|other| other.name == name.text) {
                let message = format!("two data sets are called `{}`", name.text);
                return self.error(Code::DUPLICATE_NAME, name.span, message);
            }
            let data = self.word(value, Kind::DataSet, &Env::new(Home::Recipe))?;
            all.push(Judged { name: name.text.clone(), data });
        }
        Ok(all)
    }

    /// The data set of an entry without a name, which is called as its file is.
    fn judged_alone(&mut self, arg: &Arg) -> Checked<Vec<Judged>> {
        match arg {
            Arg::Config(data) => Ok(vec![Judged { name: called(data), data: data.clone() }]),
            Arg::List(items) => {
                let span = items.iter().find_map(|i| if let Arg::Config(c) = i { c.span } else { None });
                let message = "several data sets to be judged on need names";
                let help = "as in `evaluate { data { flowers: folder(\"flowers\"); pets: folder(\"pets\") } }`";
                let span = span.or(self.definitions.span);
                Err(self.report(Diagnostic::error(Code::INVALID_VALUE, span, message).help(help)))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// By what the best checkpoint is kept, if one is: a measure that looks at the features take.
    pub(super) fn best(&mut self, train: &mut Train, evaluate: &Evaluate) -> Checked<()> {
        let Some(Best { measure: said, span, .. }) = train.best.take() else { return Ok(()) };
        let known = self.measured(evaluate);
        let (set, word) = said.rsplit_once('.').map_or((None, said.as_str()), |(set, word)| (Some(set), word));
        let found = Measure::find(word).map(|m| (named(set, m.name), m));
        let Some((measure, found)) = found.filter(|(_, m)| known.contains(&named(set, m.word))) else {
            let message = format!("`{said}` is not measured during this training");
            let near = suggest(&said, known.iter().map(String::as_str)).filter(|near| near.starts_with("did"));
            let words: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
            let near = near.map_or_else(String::new, |near| format!("{near} "));
            let help = format!("{near}there is {}", words.join(", "));
            return Err(self.report(Diagnostic::error(Code::INVALID_VALUE, span, message).help(help)));
        };
        if evaluate.every > train.epochs && train.epochs > 0.0 {
            let message = format!(
                "no best checkpoint will be found: features are measured every {} epochs, and the training has {}",
                evaluate.every, train.epochs
            );
            let help = "measure more often, as by `evaluate { every: 1 }`";
            self.report(Diagnostic::warning(Code::NO_BEST, span, message).help(help));
        }
        train.best = Some(Best { measure, more: found.more, span });
        Ok(())
    }

    /// What looks at the features measure, as far as it is known before the data are opened.
    fn measured(&self, evaluate: &Evaluate) -> Vec<String> {
        let unlabelled = self.views.facts.as_ref().is_some_and(|facts| facts.classes == Some(0));
        let own = MEASURES.iter().filter(|m| !(unlabelled && m.labels)).map(|m| m.word.to_owned());
        let others = evaluate.judged.iter().flat_map(|set| {
            MEASURES.iter().filter(|m| !m.views).map(|m| named(Some(&set.name), m.word)).collect::<Vec<_>>()
        });
        own.chain(others).collect()
    }
}

/// What a measure is called on one of several data sets.
fn named(set: Option<&str>, measure: &str) -> String {
    set.map_or_else(|| measure.to_owned(), |set| format!("{set}.{measure}"))
}

/// What a data set is called that has no name: as its file or folder, or by its word.
fn called(data: &Config) -> String {
    let path = data.entry.params.iter().find(|p| p.ty == crate::catalog::ParamType::Path);
    let path = path.map_or("", |param| data.text(param.name));
    let stem = Path::new(path).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let plain: String = stem.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    match plain.chars().next() {
        None => data.name().to_owned(),
        Some(first) if first.is_alphabetic() => plain,
        Some(_) => format!("{}_{plain}", data.name()),
    }
}
