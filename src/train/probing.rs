//! The probes of a recipe on features, and by which names their results go.

use super::extract::Rows;
use super::{Measures, TrainError};
use crate::catalog::Config;
use crate::check::{Encoder, Recipe};
use crate::data::Loader;
use crate::eval::{self, LinearClassifier, Probe};

/// What stands behind the name of a measure where its deviation is told, right after it.
pub const DEVIATION: &str = " deviation";

/// Pairs of views that a look compares.
const PAIRS: usize = 256;

/// What a measure is called on a data set of that name.
pub(super) fn prefixed(set: Option<&str>, measure: &str) -> String {
    set.map_or_else(|| measure.to_owned(), |set| format!("{set}.{measure}"))
}

/// Data, preparation of the images, probes and samples of a recipe in words; the data are those of that name, or the recipe's own.
pub(super) fn baseline(recipe: &Recipe, encoder: &Encoder, name: Option<&str>) -> String {
    let evaluate = &recipe.evaluate;
    let written = |configs: &[Config]| configs.iter().map(Config::to_string).collect::<Vec<_>>();
    let samples = (evaluate.train_samples, evaluate.test_samples);
    let (probes, view) = (written(&evaluate.probes), written(&encoder.view));
    let other = evaluate.judged.iter().find(|set| Some(set.name.as_str()) == name);
    let data = other.map_or(&recipe.data, |set| &set.data);
    format!("{:?}", (data.to_string(), encoder.size, view, probes, samples, recipe.train.seed))
}

/// The accuracy of each probe of features, and what the first linear one learnt; not a number where a feature is none. Samples without
/// label neither teach nor are judged; where none has one, nothing is measured.
pub(super) fn accuracies(
    probes: &[(String, Probe)],
    train: &Rows,
    test: &Rows,
) -> (Measures, Option<LinearClassifier>) {
    let finite = train.finite() && test.finite();
    let (mut measures, mut learnt) = (Measures::default(), None);
    let (Some(train), Some(test)) = (train.labelled(), test.labelled()) else { return (measures, learnt) };
    let (train, test) = (train.features(), test.features());
    for (name, probe) in probes {
        let mut add = |name: &str, value: f64| measures.0.push((name.to_owned(), value));
        match probe {
            Probe::Finetune(_) | Probe::Retrieval(_) | Probe::ZeroShot(_) => {}
            _ if !finite => add(name, f64::NAN),
            Probe::Knn(settings) => add(name, eval::knn(train, test, *settings)),
            Probe::Linear { settings, candidates } => {
                let (classifier, chosen) = match candidates.as_slice() {
                    [] => (LinearClassifier::fit(train, *settings), None),
                    several => {
                        let (classifier, l2) = LinearClassifier::fit_choosing(train, *settings, several);
                        (classifier, Some(l2))
                    }
                };
                add(name, classifier.accuracy(test));
                if let Some(l2) = chosen {
                    add(&format!("l2 of {name}"), l2);
                }
                learnt.get_or_insert(classifier);
            }
            Probe::FewShot(settings) => {
                let (mean, deviation) = eval::few_shot(train, test, settings);
                add(name, mean);
                if settings.seeds > 1 {
                    add(&format!("{name}{DEVIATION}"), deviation);
                }
            }
        }
    }
    (measures, learnt)
}

/// The probes by name; one that occurs more than once also by its place.
pub(super) fn named_probes(configs: &[Config]) -> Vec<(String, Probe)> {
    let probes: Vec<Probe> = configs.iter().filter_map(Probe::from_config).collect();
    let alone = |p: &Probe| probes.iter().filter(|q| q.title() == p.title()).count() == 1;
    let name = |i: usize, p: &Probe| if alone(p) { p.title() } else { format!("{} {}", p.title(), i + 1) };
    probes.iter().enumerate().map(|(i, p)| (name(i, p), p.clone())).collect()
}

/// The first two crops of some samples, if the encoder takes their size.
pub(super) fn pairs(loader: &Loader, size: (usize, usize)) -> Result<Option<[Vec<f32>; 2]>, TrainError> {
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
