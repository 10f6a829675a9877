//! Which arrays are pictures, and which their labels.

use super::named;
use super::source::Source;
use crate::data::DataError;
use crate::data::npy::Header;

/// Usual names of pictures and of their labels, in lower case: of what is trained on, of what is judged on, of both.
const TRAIN: &[(&str, &str)] = &[
    ("x_train", "y_train"),
    ("train_images", "train_labels"),
    ("images_train", "labels_train"),
    ("train_x", "train_y"),
];
const TEST: &[(&str, &str)] = &[
    ("x_test", "y_test"),
    ("test_images", "test_labels"),
    ("images_test", "labels_test"),
    ("test_x", "test_y"),
    ("x_val", "y_val"),
    ("val_images", "val_labels"),
    ("images_val", "labels_val"),
    ("val_x", "val_y"),
];
const WHOLE: &[(&str, &str)] =
    &[("x", "y"), ("images", "labels"), ("image", "label"), ("data", "labels"), ("data", "target"), ("arr_0", "arr_1")];

/// Pictures, and perhaps their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The array of pictures.
    pub images: String,
    labels: Option<String>,
}

/// The arrays of both parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// What is trained on, or all there is.
    pub train: Pair,
    /// What is judged on, where that is apart.
    pub test: Option<Pair>,
}

/// Finds them by their names.
pub fn names(source: &Source) -> Result<Names, DataError> {
    let all = source.names()?;
    let array = |wanted: &str| all.iter().find(|name| name.eq_ignore_ascii_case(wanted)).cloned();
    let pair = |usual: &[(&str, &str)]| {
        let there = |(images, labels): &(&str, &str)| Some((array(images)?, array(labels)));
        let found: Vec<_> = usual.iter().filter_map(there).collect();
        let labelled = found.iter().find(|(_, labels)| labels.is_some()).or(found.first()).cloned();
        labelled.map(|(images, labels)| Pair { images, labels })
    };
    let alone = || match &all[..] {
        [one] if !matches!(source, Source::Folder(_)) => Some(Pair { images: one.clone(), labels: None }),
        _ => None,
    };
    if let Some(train) = pair(TRAIN) {
        return Ok(Names { train, test: pair(TEST) });
    }
    match pair(WHOLE).or_else(alone) {
        Some(train) => Ok(Names { train, test: None }),
        None => {
            let some = all.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
            let error = DataError::new(format!("holds no arrays of pictures by their names: {some}"));
            Err(error.help("call them x_train, y_train, x_test and y_test, or x and y"))
        }
    }
}

impl Names {
    /// Whether there is more than one array of pictures.
    pub fn are_of_a_set(&self) -> bool {
        self.test.is_some() || self.train.labels.is_some()
    }
}

impl Pair {
    /// The labels; nothing where there are none.
    pub fn labels(&self, source: &Source) -> Result<Vec<Option<u32>>, DataError> {
        let Some(name) = &self.labels else { return Ok(Vec::new()) };
        let numbers = source.with(name, &mut |from| {
            let header = Header::read(from)?;
            match header.shape[..] {
                [_] | [_, 1] => header.whole(from),
                ref other => {
                    let error = DataError::new(format!("is {other:?}: a picture has one class, or none"));
                    Err(error.help("leave the labels out, or give one number for each picture"))
                }
            }
        });
        let numbers = numbers.map_err(|e| named(e, name))?;
        let label = |number: i64| match number {
            ..0 => Ok(None),
            _ => {
                u32::try_from(number).map(Some).map_err(|_| DataError::new(format!("{number} is no number of a class")))
            }
        };
        numbers.into_iter().map(label).collect::<Result<_, _>>().map_err(|e| named(e, name))
    }
}
