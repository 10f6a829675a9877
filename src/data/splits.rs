//! Both splits of a data set, kept apart: what stands in both is no test.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Access, DataError, DataSet, Split, chosen, open};
use crate::catalog::Config;
use crate::random::derive;

/// What is said where nothing has a label.
const UNLABELLED: &str = "the pictures have no classes: what needs them, k-NN and linear probes, is left out; rank and spread of \
                          the features, and how alike views of one picture are, need none";

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
    /// Opens both splits of the data set that a configuration names.
    pub fn open(config: &Config, access: &Access) -> Result<Opened, DataError> {
        let train: Arc<dyn DataSet> = Arc::from(open(config, Split::Train, access)?);
        let test: Arc<dyn DataSet> = Arc::from(open(config, Split::Test, access)?);
        let fingerprint = train.fingerprint().zip(test.fingerprint()).map(|(a, b)| derive(&[a, b]));
        let mut notes = train.notes();
        if train.classes().is_empty() {
            notes.push(UNLABELLED.to_owned());
        }
        let kept = not_in(&*test, &*train)?;
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

/// The places of the pictures that do not stand in another set, too.
fn not_in(data: &dyn DataSet, other: &dyn DataSet) -> Result<Vec<usize>, DataError> {
    let asked: HashSet<u64> = (0..data.len()).filter_map(|i| data.hint(i)).collect();
    let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
    for (hint, place) in (0..other.len()).filter_map(|i| Some((other.hint(i)?, i))) {
        if asked.contains(&hint) {
            known.entry(hint).or_default().push(place);
        }
    }
    let stands = |index: &usize| match data.hint(*index).and_then(|hint| known.get(&hint)) {
        Some(places) => equal(data, *index, other, places),
        None => Ok(false),
    };
    let all: Vec<usize> = (0..data.len()).collect();
    let found = all.par_iter().map(stands).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().filter(|&index| !found[index]).collect())
}

/// Whether a picture is one of those at these places. One that cannot be used is no other's equal.
fn equal(data: &dyn DataSet, index: usize, other: &dyn DataSet, places: &[usize]) -> Result<bool, DataError> {
    let usable = |image: Result<_, DataError>| match image {
        Ok(image) => Ok(Some(image)),
        Err(error) if error.spoilt => Ok(None),
        Err(error) => Err(error),
    };
    let Some(image) = usable(data.image(index))? else { return Ok(false) };
    for &place in places {
        if usable(other.image(place))?.as_ref() == Some(&image) {
            return Ok(true);
        }
    }
    Ok(false)
}
