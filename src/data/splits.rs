//! Both splits of a data set, kept apart: what stands in both is no test.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::{DataError, DataSet, Split, chosen, open};
use crate::catalog::Config;
use crate::random::{Digest, derive};

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
    pub fn open(config: &Config) -> Result<Opened, DataError> {
        let train: Arc<dyn DataSet> = Arc::from(open(config, Split::Train)?);
        let test: Arc<dyn DataSet> = Arc::from(open(config, Split::Test)?);
        let (Some(known), Some(asked)) = (digests(&*train)?, digests(&*test)?) else {
            return Ok(Opened { splits: Splits { train, test }, notes: Vec::new(), fingerprint: None });
        };
        let fingerprint = derive(&[marks(&*train, &known), marks(&*test, &asked)]);
        let kept = not_in(&test, &asked, &train, &known)?;
        if kept.len() == test.len() {
            return Ok(Opened { splits: Splits { train, test }, notes: Vec::new(), fingerprint: Some(fingerprint) });
        }
        let (both, all) = (test.len() - kept.len(), test.len());
        if kept.is_empty() {
            return Err(DataError::new("every picture of the test split is in the training split, too")
                .help("give a test split of its own: features are judged on pictures that were not trained on")
                .at(config.span));
        }
        let note =
            format!("{both} of {all} pictures of the test split are in the training split, too: they are left out");
        let splits = Splits { train, test: chosen(&test, kept) };
        Ok(Opened { splits, notes: vec![note], fingerprint: Some(fingerprint) })
    }
}

/// A number for each picture, equal for equal pictures; nothing for sets that make their pictures.
fn digests(data: &dyn DataSet) -> Result<Option<Vec<u64>>, DataError> {
    if !data.is_read() {
        return Ok(None);
    }
    let digest = |index: usize| {
        let image = data.image(index)?;
        let mut digest = Digest::new();
        digest.word(image.width as u64);
        digest.bytes(&image.data);
        Ok(digest.finish())
    };
    (0..data.len()).into_par_iter().map(digest).collect::<Result<Vec<_>, DataError>>().map(Some)
}

/// One number of all pictures and labels, in their order.
fn marks(data: &dyn DataSet, digests: &[u64]) -> u64 {
    let mut all = Digest::new();
    for (index, digest) in digests.iter().enumerate() {
        all.word(*digest);
        all.word(data.label(index).map_or(u64::MAX, u64::from));
    }
    all.finish()
}

/// The places of the pictures that do not stand in another set, too.
fn not_in(
    data: &Arc<dyn DataSet>,
    digests: &[u64],
    other: &Arc<dyn DataSet>,
    known: &[u64],
) -> Result<Vec<usize>, DataError> {
    let places: HashMap<u64, usize> = known.iter().copied().zip(0..).collect();
    let mut kept = Vec::with_capacity(digests.len());
    for (index, digest) in digests.iter().enumerate() {
        let same = match places.get(digest) {
            Some(place) => data.image(index)? == other.image(*place)?,
            None => false,
        };
        if !same {
            kept.push(index);
        }
    }
    Ok(kept)
}
