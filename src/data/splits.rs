//! Both splits of a data set, kept apart: what stands in both is no test.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::dataset::open_both;
use super::{Access, DataError, DataSet, chosen};
use crate::catalog::Config;
use crate::random::derive;

/// What is said where nothing has a label.
const UNLABELLED: &str = "the pictures have no classes: what needs them, k-NN and linear probes, is left out; rank and spread of \
                          the features, and how alike views of one picture are, need none";

/// The most pairs of pictures that are compared, to see which stand in both parts.
const MOST_LOOKED_AT: usize = 100_000;
/// What is said where there are more.
const UNSEEN: &str =
    "so many pictures have files of equal length that it was not looked whether some stand in both parts";

/// Both splits of a data set.
#[derive(Clone)]
pub struct Splits {
    /// What the encoder learns from.
    pub train: Arc<dyn DataSet>,
    /// What it is judged on.
    pub test: Arc<dyn DataSet>,
}

/// Both splits as they were found.
#[derive(Clone)]
pub struct Opened {
    /// The splits; the test split without the pictures that are in the training split too.
    pub splits: Splits,
    /// What the user must know of them.
    pub notes: Vec<String>,
    /// A number that changes with the pictures or labels, of sets that are read from files.
    pub fingerprint: Option<u64>,
}

impl Splits {
    /// All pictures of the data set that a configuration names, also those that stand in both splits.
    pub fn whole(config: &Config, access: &Access) -> Result<Self, DataError> {
        let (train, test) = open_both(config, access)?;
        Ok(Self { train: Arc::from(train), test: Arc::from(test) })
    }

    /// Opens both splits of the data set that a configuration names, to train on one and judge on the other.
    pub fn open(config: &Config, access: &Access) -> Result<Opened, DataError> {
        let Self { train, test } = Self::whole(config, access)?;
        let fingerprint = train.fingerprint().zip(test.fingerprint()).map(|(a, b)| derive(&[a, b]));
        let mut notes = train.notes();
        if train.classes().is_empty() {
            notes.push(UNLABELLED.to_owned());
        }
        let Some(kept) = not_in(&*test, &*train)? else {
            notes.push(UNSEEN.to_owned());
            return Ok(Opened { splits: Splits { train, test }, notes, fingerprint });
        };
        if kept.len() == test.len() {
            return Ok(Opened { splits: Splits { train, test }, notes, fingerprint });
        }
        let (both, all) = (test.len() - kept.len(), test.len());
        if kept.is_empty() {
            return Err(DataError::new("every picture of the test split is in the training split, too")
                .help("give a test split of its own: features are judged on pictures that were not trained on")
                .at(config.span));
        }
        notes.push(format!(
            "{both} of {all} pictures of the test split are in the training split, too: they are left out"
        ));
        let splits = Splits { train, test: chosen(&test, kept) };
        Ok(Opened { splits, notes, fingerprint })
    }
}

/// The places of the pictures that do not stand in another set, too; `None` where too many might for that to be seen in seconds.
fn not_in(data: &dyn DataSet, other: &dyn DataSet) -> Result<Option<Vec<usize>>, DataError> {
    let asked: HashSet<u64> = (0..data.len()).filter_map(|i| data.hint(i)).collect();
    let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
    for (hint, place) in (0..other.len()).filter_map(|i| Some((other.hint(i)?, i))) {
        if asked.contains(&hint) {
            known.entry(hint).or_default().push(place);
        }
    }
    let twins = |index: usize| data.hint(index).and_then(|hint| known.get(&hint));
    let all: Vec<usize> = (0..data.len()).collect();
    if all.iter().filter_map(|&index| twins(index)).map(Vec::len).sum::<usize>() > MOST_LOOKED_AT {
        return Ok(None);
    }
    let stands = |index: &usize| twins(*index).map_or(Ok(false), |places| equal(data, *index, other, places));
    let found = all.par_iter().map(stands).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(all.into_iter().filter(|&index| !found[index]).collect()))
}

/// Whether a picture is one of those at these places.
fn equal(data: &dyn DataSet, index: usize, other: &dyn DataSet, places: &[usize]) -> Result<bool, DataError> {
    if let Some(content) = data.content(index) {
        return Ok(places.iter().any(|&place| other.content(place) == Some(content)));
    }
    for &place in places {
        if data.image(index)? == other.image(place)? {
            return Ok(true);
        }
    }
    Ok(false)
}
