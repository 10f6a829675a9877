//! Tables in Parquet files.

use std::path::Path;

use ::parquet::record::Field;

use super::sheet::{Cell, Row, Sheet};
use crate::data::DataError;
use crate::data::sets::parquet::read_records;
use crate::data::sets::pool::{Files, files};

/// What a file holds, or those of a folder, where their names may tell both parts.
pub fn read(path: &Path) -> Result<Sheet, DataError> {
    if !path.exists() && path.file_name().is_some_and(|name| !name.to_string_lossy().contains('*')) {
        return Err(DataError::new("there is no such file"));
    }
    let parts = match files(path, "parquet")? {
        Files::Whole(files) => vec![(None, files)],
        Files::Divided(train, test) => vec![(Some(false), train), (Some(true), test)],
    };
    let mut sheet = Sheet { typed: true, ..Sheet::default() };
    for (testing, files) in parts {
        for file in files {
            let mut number = 0;
            read_records(&file, &mut |columns: Vec<(String, Field)>| {
                let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
                if sheet.names.is_empty() {
                    sheet.names = names;
                } else if sheet.names != names {
                    return Err(DataError::new("has other columns than the files before it").in_file(&file));
                }
                let cells = columns.into_iter().map(|(_, field)| cell(field)).collect();
                sheet.rows.push(Row { number, testing, cells });
                number += 1;
                Ok(())
            })?;
        }
    }
    Ok(sheet)
}

/// What stands in a field. Of a struct, as Hugging Face has them of pictures, the `bytes` count.
fn cell(field: Field) -> Cell {
    match field {
        Field::Null => Cell::Missing,
        Field::Str(text) if text.is_empty() => Cell::Missing,
        Field::Str(text) => Cell::Text(text),
        Field::Bytes(bytes) => Cell::Bytes(bytes),
        Field::Group(fields) => {
            let bytes = fields.into_columns().into_iter().find(|(name, _)| name == "bytes");
            bytes.map_or(Cell::Other, |(_, field)| cell(field))
        }
        Field::ListInternal(list) => {
            let numbers = list.elements().iter().map(|x| number(x).map(|x| x as f32)).collect::<Option<Vec<f32>>>();
            numbers.map_or(Cell::Other, Cell::Numbers)
        }
        Field::MapInternal(_) => Cell::Other,
        other => match number(&other) {
            // As pandas has it: not a number is nothing.
            Some(x) if x.is_nan() => Cell::Missing,
            Some(x) => Cell::Number(x),
            None => Cell::Text(other.to_string()),
        },
    }
}

fn number(field: &Field) -> Option<f64> {
    Some(match field {
        Field::Bool(x) => f64::from(u8::from(*x)),
        Field::Byte(x) => f64::from(*x),
        Field::Short(x) => f64::from(*x),
        Field::Int(x) => f64::from(*x),
        Field::Long(x) => *x as f64,
        Field::UByte(x) => f64::from(*x),
        Field::UShort(x) => f64::from(*x),
        Field::UInt(x) => f64::from(*x),
        Field::ULong(x) => *x as f64,
        Field::Float16(x) => f64::from(*x),
        Field::Float(x) => f64::from(*x),
        Field::Double(x) => *x,
        Field::Decimal(_) => field.to_string().parse().ok()?,
        _ => return None,
    })
}
