//! The columns of a table that recipes can name, each of one kind.

use std::collections::BTreeMap;

use super::picture::Picture;
use super::sheet::{Cell, Sheet};
use crate::catalog::Config;
use crate::data::{Column, ColumnKind, DataError, Tokens};
use crate::random::Digest;

/// What pandas takes for a number that is missing, besides nothing at all.
const MISSING: &[&str] = &[
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
];

/// Typed columns, with a value for each row.
pub struct Columns {
    /// What they are.
    pub about: Vec<Column>,
    values: Vec<Values>,
    /// How text becomes numbers.
    pub tokens: Tokens,
    /// What the user must know of them.
    pub notes: Vec<String>,
    /// Whether a row lacks a value in some column.
    pub lacking: Vec<bool>,
}

/// The values of a column, a row each.
enum Values {
    Numbers(Vec<f32>),
    Texts(Vec<String>),
    Pictures(Vec<Picture>),
}

impl Columns {
    /// Those of a sheet but for some.
    pub fn of(sheet: &Sheet, but: &[Option<usize>], config: &Config, tokens: Tokens) -> Result<Self, DataError> {
        let (classes, pictures) = (config.texts("classes"), config.texts("pictures"));
        let unknown = classes.iter().chain(&pictures).find(|name| !sheet.names.contains(name));
        if let Some(name) = unknown {
            return Err(super::missing(name, &sheet.names));
        }
        let lacking = vec![false; sheet.rows.len()];
        let mut all = Self { about: Vec::new(), values: Vec::new(), tokens, notes: Vec::new(), lacking };
        for (place, name) in sheet.names.iter().enumerate() {
            let (class, picture) = (classes.contains(name), pictures.contains(name));
            if !but.contains(&Some(place)) || class || picture {
                all.add(sheet, place, class, picture);
            }
        }
        Ok(all)
    }

    fn add(&mut self, sheet: &Sheet, place: usize, class: bool, picture: bool) {
        let cells: Vec<&Cell> = sheet.column(place).collect();
        let name = word(&sheet.names[place]);
        let said = &sheet.names[place];
        if self.about.iter().any(|column| column.name == name) {
            self.notes.push(format!("the column `{said}` is left out: another is called `{name}`, too"));
            return;
        }
        let bytes = cells.iter().any(|cell| matches!(cell, Cell::Bytes(_)));
        let made = match () {
            () if picture || bytes => Ok(pictures(&cells, sheet)),
            () if class => Ok(classes(&cells)),
            () => numbers(&cells, sheet.typed).unwrap_or_else(|| texts(&cells, &self.tokens)),
        };
        match made {
            Ok((kind, values, missing)) => {
                let first = missing.iter().position(|missing| *missing);
                let count = missing.iter().filter(|missing| **missing).count();
                let gap = first.map(|first| (format!("row {}", sheet.rows[first].number), count));
                self.lacking.iter_mut().zip(missing).for_each(|(all, one)| *all |= one);
                self.about.push(Column { name, kind, gap });
                self.values.push(values);
            }
            Err(why) => self.notes.push(format!("the column `{said}` is left out: {why}")),
        }
    }

    /// The numbers of a row.
    pub fn cell(&self, column: usize, row: usize) -> Result<Vec<f32>, DataError> {
        let width = self.about.get(column).map_or(0, |about| about.kind.width());
        let found = match self.values.get(column) {
            Some(Values::Numbers(all)) => all.get(row * width..(row + 1) * width).map(<[f32]>::to_vec),
            Some(Values::Texts(all)) => all.get(row).map(|text| self.tokens.encode(text)).transpose()?,
            Some(Values::Pictures(_)) | None => None,
        };
        found.ok_or_else(|| DataError::new("there is no such column of numbers").at_row(row))
    }

    /// The pictures of a column.
    pub fn pictures(&self, column: usize) -> Option<&[Picture]> {
        match self.values.get(column) {
            Some(Values::Pictures(all)) => Some(all),
            _ => None,
        }
    }

    /// A number that changes with the values of some rows in a column.
    pub fn fingerprint(&self, column: usize, rows: &[usize]) -> Option<u64> {
        let mut digest = Digest::new();
        let about = self.about.get(column)?;
        digest.bytes(about.name.as_bytes());
        digest.bytes(about.kind.to_string().as_bytes());
        let width = about.kind.width();
        for &row in rows {
            match self.values.get(column)? {
                Values::Numbers(all) => {
                    all[row * width..(row + 1) * width].iter().for_each(|x| digest.word(u64::from(x.to_bits())));
                }
                Values::Texts(all) => digest.bytes(all[row].as_bytes()),
                Values::Pictures(all) => digest.word(all[row].hint()),
            }
        }
        Some(digest.finish())
    }
}

/// A kind, values, and which of them are missing; or why there is no such column.
type Made = Result<(ColumnKind, Values, Vec<bool>), String>;

/// A name that a recipe can write.
fn word(name: &str) -> String {
    let mut word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if word.chars().next().is_none_or(|c| c.is_ascii_digit()) {
        word.insert(0, '_');
    }
    word
}

/// A column of numbers, if all that is there are numbers, or as many in each row.
fn numbers(cells: &[&Cell], typed: bool) -> Option<Made> {
    let nothing = |text: &str| !typed && MISSING.contains(&text);
    let read = |cell: &Cell| match cell {
        Cell::Missing => Some(None),
        Cell::Number(x) => Some(Some(vec![*x as f32])),
        Cell::Numbers(all) => Some(Some(all.clone())),
        Cell::Text(text) if nothing(text) => Some(None),
        Cell::Text(text) if !typed => text.parse::<f32>().ok().filter(|x| x.is_finite()).map(|x| Some(vec![x])),
        Cell::Text(_) | Cell::Bytes(_) => None,
        Cell::Other => Some(None),
    };
    let read: Vec<Option<Vec<f32>>> = cells.iter().map(|cell| read(cell)).collect::<Option<_>>()?;
    let width = read.iter().flatten().next()?.len();
    if read.iter().flatten().any(|row| row.len() != width) || width == 0 {
        return Some(Err("its lists are not equally long".to_owned()));
    }
    let missing = read.iter().map(|row| row.as_ref().is_none_or(|row| row.iter().any(|x| !x.is_finite()))).collect();
    let values = read.into_iter().flat_map(|row| row.unwrap_or_else(|| vec![0.0; width])).collect();
    let lists = cells.iter().any(|cell| matches!(cell, Cell::Numbers(_)));
    let kind = if lists { ColumnKind::Numbers(width) } else { ColumnKind::Number };
    Some(Ok((kind, Values::Numbers(values), missing)))
}

fn texts(cells: &[&Cell], tokens: &Tokens) -> Made {
    if cells.iter().any(|cell| matches!(cell, Cell::Other | Cell::Numbers(_))) {
        return Err("what it holds is neither numbers nor text".to_owned());
    }
    let texts: Vec<Option<String>> = cells.iter().map(|cell| cell.text()).collect();
    let missing = texts.iter().map(Option::is_none).collect();
    Ok((tokens.kind(), Values::Texts(texts.into_iter().map(Option::unwrap_or_default).collect()), missing))
}

/// Classes by number: in the order of numbers if all are whole ones, else by the alphabet.
fn classes(cells: &[&Cell]) -> (ColumnKind, Values, Vec<bool>) {
    let names: Vec<Option<String>> = cells.iter().map(|cell| cell.text()).collect();
    let whole = names.iter().flatten().all(|name| name.parse::<i64>().is_ok());
    let key = |name: &String| if whole { name.parse().unwrap_or(0) } else { 0i64 };
    let mut known: BTreeMap<(i64, &String), usize> =
        names.iter().flatten().map(|name| ((key(name), name), 0)).collect();
    known.values_mut().enumerate().for_each(|(number, slot)| *slot = number);
    let number = |name: &Option<String>| name.as_ref().map_or(0, |name| known[&(key(name), name)]) as f32;
    let values = names.iter().map(number).collect();
    let missing = names.iter().map(Option::is_none).collect();
    (ColumnKind::Class(known.len()), Values::Numbers(values), missing)
}

fn pictures(cells: &[&Cell], sheet: &Sheet) -> (ColumnKind, Values, Vec<bool>) {
    let all: Vec<Picture> = cells.iter().map(|cell| Picture::of(cell, &sheet.folder)).collect();
    let missing = all.iter().map(|picture| *picture == Picture::None).collect();
    (ColumnKind::Picture, Values::Pictures(all), missing)
}
