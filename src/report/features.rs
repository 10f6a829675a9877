//! Features of pictures as files for other programs: NumPy, Parquet, safetensors.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;

use super::atomic::write_through;
use super::csv::csv_rows;
use super::npy::{npy_f32, npy_i64};
use crate::tensors::{Contents, Numbers, Tensor};

/// What stands for the label of a sample that has none, as scikit-learn has it.
pub const UNLABELLED: i64 = -1;

/// What is known of a row of features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureRow {
    /// Which part of the data set it is of.
    pub split: String,
    /// The place of its picture there.
    pub index: usize,
    /// What its picture is called, such as the path of its file.
    pub name: Option<String>,
    /// The number of its class.
    pub label: Option<u32>,
    /// The name of its class.
    pub class: Option<String>,
}

/// Features, a row a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureTable {
    /// `[rows, dim]`.
    pub values: Vec<f32>,
    /// The length of a row.
    pub dim: usize,
    /// What each row is of.
    pub rows: Vec<FeatureRow>,
}

/// Rows of a group of a Parquet file.
const GROUP: usize = 10_000;
const SCHEMA: &str = "message features {
    required binary split (STRING);
    required int64 index;
    optional binary path (STRING);
    optional int64 label;
    optional binary class (STRING);
    required group features (LIST) { repeated group list { required float element; } }
}";

impl FeatureTable {
    /// How many rows have no label.
    pub fn unlabelled(&self) -> usize {
        self.rows.iter().filter(|row| row.label.is_none()).count()
    }

    fn labels(&self) -> Vec<i64> {
        self.rows.iter().map(|row| row.label.map_or(UNLABELLED, i64::from)).collect()
    }

    /// The features as a NumPy array `[rows, dim]`, and the labels as one `[rows]`, -1 where there is none.
    pub fn npy(&self) -> (Vec<u8>, Vec<u8>) {
        (npy_f32(&self.values, &[self.rows.len(), self.dim]), npy_i64(&self.labels(), &[self.rows.len()]))
    }

    /// What each row is of, as CSV with a header: split, index, path, label, class.
    pub fn csv(&self) -> String {
        let header = ["split", "index", "path", "label", "class"].map(str::to_owned);
        let line = |row: &FeatureRow| {
            let label = row.label.map(|label| label.to_string());
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            [row.split.clone(), row.index.to_string(), text(&row.name), text(&label), text(&row.class)]
        };
        csv_rows(std::iter::once(header).chain(self.rows.iter().map(line)))
    }

    /// Writes tensors `features` `[rows, dim]`, `labels` and `index` `[rows]`; names of pictures and of classes by label as JSON in the
    /// metadata.
    pub fn write_safetensors(&self, path: &Path, classes: &[String]) -> Result<(), String> {
        let count = self.rows.len();
        let (labels, index) = (self.labels(), self.rows.iter().map(|row| row.index as i64).collect::<Vec<_>>());
        let whole = |name, numbers| Tensor { name, shape: vec![count], numbers: Numbers::Whole(numbers) };
        let tensors = vec![
            Tensor::single("features", &[count, self.dim], &self.values),
            whole("labels".into(), &labels),
            whole("index".into(), &index),
        ];
        let names: Vec<&Option<String>> = self.rows.iter().map(|row| &row.name).collect();
        let splits: Vec<&String> = self.rows.iter().map(|row| &row.split).collect();
        let json = |value: serde_json::Value| value.to_string();
        let said = BTreeMap::from([
            ("paths", json(serde_json::json!(names))),
            ("splits", json(serde_json::json!(splits))),
            ("classes", json(serde_json::json!(classes))),
        ]);
        let contents = Contents::new(tensors, &said).map_err(|e| format!("cannot write tensors: {e}"))?;
        write_through(path, &|out| contents.write(out))
    }

    /// A Parquet file with columns `split`, `index`, `path`, `label`, `class` and `features`, a list of floats.
    pub fn parquet(&self) -> Result<Vec<u8>, String> {
        self.write_parquet().map_err(|e| format!("cannot write Parquet: {e}"))
    }

    fn write_parquet(&self) -> Result<Vec<u8>, ParquetError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder().set_created_by("sslrun".to_owned()).build();
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
        for (rows, values) in self.rows.chunks(GROUP).zip(self.values.chunks(GROUP * self.dim.max(1))) {
            let mut group = writer.next_row_group()?;
            let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
            column::<ByteArrayType>(&mut group, rows.iter().map(|r| Some(text(&r.split))))?;
            column::<Int64Type>(&mut group, rows.iter().map(|r| Some(r.index as i64)))?;
            column::<ByteArrayType>(&mut group, rows.iter().map(|r| r.name.as_deref().map(text)))?;
            column::<Int64Type>(&mut group, rows.iter().map(|r| r.label.map(i64::from)))?;
            column::<ByteArrayType>(&mut group, rows.iter().map(|r| r.class.as_deref().map(text)))?;
            let mut open = group.next_column()?.ok_or_else(|| ParquetError::General("no column".to_owned()))?;
            // The first of a row begins a list, the others go on with it.
            let begins: Vec<i16> = (0..values.len()).map(|i| i16::from(i % self.dim != 0)).collect();
            open.typed::<FloatType>().write_batch(values, Some(&vec![1; values.len()]), Some(&begins))?;
            open.close()?;
            group.close()?;
        }
        writer.finish()?;
        Ok(std::mem::take(writer.inner_mut()))
    }
}

/// Writes the next column of a group; one of values that may be missing needs to be told which are there.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let mut open = group.next_column()?.ok_or_else(|| ParquetError::General("no column".to_owned()))?;
    let values: Vec<Option<T::T>> = values.collect();
    let present: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let there: Vec<T::T> = values.into_iter().flatten().collect();
    open.typed::<T>().write_batch(&there, Some(&present), None)?;
    open.close()
}
