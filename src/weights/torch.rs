//! What `torch.save` writes: a zip of a pickle and the numbers of tensors, or, before PyTorch 1.6, one stream of both.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

use super::element::Element;
use super::file::{Found, Stored};
use super::pickle::{self, Id, Object, Pickle};

/// How deep dictionaries may lie in one another, and how many of their entries are looked at.
const DEEPEST: usize = 12;
const MOST: usize = 1 << 20;
/// How many kinds of foreign objects are named.
const NAMED: usize = 4;

/// The tensors of a pickle with what is around it.
pub(super) fn read(file: &File) -> Result<Found, String> {
    let mut start = [0; 4];
    let mut from = file;
    from.read_exact(&mut start).and_then(|()| from.rewind()).map_err(|e| e.to_string())?;
    match &start {
        b"PK\x03\x04" => of_zip(file),
        _ => of_stream(file),
    }
}

/// Where the numbers of each storage lie: from which byte, and how many bytes.
type Places = HashMap<String, (u64, u64)>;

fn of_zip(file: &File) -> Result<Found, String> {
    let wrong = |e: zip::result::ZipError| format!("its archive is damaged: {e}");
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(wrong)?;
    let names: Vec<String> =
        zip.file_names().map(|name| name.map(|name| name.into_owned())).collect::<Result<_, _>>().map_err(wrong)?;
    let main = names.iter().find(|name| name.ends_with("/data.pkl"));
    let main = main.ok_or("it is an archive, but not one of `torch.save`")?.clone();
    let folder = main.strip_suffix("data.pkl").unwrap_or_default();
    let mut places = Places::new();
    for (i, name) in names.iter().enumerate() {
        let Some(key) = name.strip_prefix(folder).and_then(|inner| inner.strip_prefix("data/")) else { continue };
        let entry = zip.by_index_raw(i).map_err(wrong)?;
        if entry.compression() != CompressionMethod::Stored {
            return Err("its archive is compressed, which that of `torch.save` is not".to_owned());
        }
        places.insert(key.to_owned(), (entry.data_start().ok_or("its archive is damaged")?, entry.size()));
    }
    if let Ok(order) = zip.by_name(&format!("{folder}byteorder")) {
        let mut word = String::new();
        order.take(16).read_to_string(&mut word).map_err(|e| e.to_string())?;
        if word != "little" {
            return Err("its numbers are big-endian; save it on another machine".to_owned());
        }
    }
    let entry = zip.by_name(&main).map_err(wrong)?;
    if entry.compression() != CompressionMethod::Stored {
        return Err("its archive is compressed, which that of `torch.save` is not".to_owned());
    }
    let pickle = pickle::read(&mut BufReader::new(entry))?;
    found(&pickle, &places)
}

/// The number that stands first in a stream of `torch.save`: a long integer of ten bytes.
const MAGIC: &[u8] = &[0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The magic number, version and machine, each a pickle; then the objects, the keys of their storages, and those in that order.
fn of_stream(file: &File) -> Result<Found, String> {
    let mut from = BufReader::new(file);
    let head = from.fill_buf().map_err(|e| e.to_string())?;
    if !head.windows(MAGIC.len()).take(4).any(|window| window == MAGIC) {
        return Err("it is neither a safetensors file nor one of `torch.save`".to_owned());
    }
    for _ in 0..3 {
        pickle::read(&mut from)?;
    }
    let objects = pickle::read(&mut from)?;
    let keys = pickle::read(&mut from)?;
    let Object::List(order) = keys.get(keys.root) else { return Err("its list of storages is damaged".to_owned()) };
    let sizes = element_sizes(&objects);
    let mut places = Places::new();
    for &key in order {
        let key = keys.text(key).ok_or("its list of storages is damaged")?;
        let mut count = [0; 8];
        from.read_exact(&mut count).map_err(|_| "it ends too early".to_owned())?;
        let size = sizes.get(key).copied().ok_or("its list of storages is damaged")?;
        let bytes = u64::from_le_bytes(count).checked_mul(size).and_then(|n| i64::try_from(n).ok());
        let bytes = bytes.ok_or("its list of storages is damaged")?;
        let start = from.stream_position().map_err(|e| e.to_string())?;
        places.insert(key.to_owned(), (start, bytes as u64));
        from.seek(SeekFrom::Current(bytes)).map_err(|e| e.to_string())?;
    }
    found(&objects, &places)
}

/// How many bytes the numbers of each storage have that a pickle speaks of.
fn element_sizes(pickle: &Pickle) -> HashMap<String, u64> {
    let storages = pickle.persistent().filter_map(|id| storage(pickle, id));
    storages.map(|(key, element)| (key.to_owned(), element.size() as u64)).collect()
}

/// The key and type of a storage that a pickle speaks of: `("storage", torch.FloatStorage, key, ..)`.
fn storage(pickle: &Pickle, id: Id) -> Option<(&str, Element)> {
    let Object::Persistent(inner) = pickle.get(id) else { return None };
    let [kind, class, key, ..] = *pickle.tuple(*inner)? else { return None };
    if pickle.text(kind)? != "storage" {
        return None;
    }
    let class = pickle.global(class)?;
    Some((pickle.text(key)?, Element::of_storage(class.rsplit('.').next()?)?))
}

/// Every tensor that dictionaries hold, each under the path of its keys.
fn found(pickle: &Pickle, places: &Places) -> Result<Found, String> {
    let mut search = Search { pickle, places, found: Found::default(), looked: 0 };
    search.below(pickle.root, "", 0)?;
    let Search { found, .. } = search;
    if found.tensors.is_empty() {
        let others = found.others.join("`, `");
        let others = if others.is_empty() { "no tensor".to_owned() } else { format!("no tensor, but `{others}`") };
        return Err(format!(
            "it holds {others}: only dictionaries of tensors are read, and nothing in a pickle is built or called; \
             save `model.state_dict()`"
        ));
    }
    Ok(found)
}

struct Search<'a> {
    pickle: &'a Pickle,
    places: &'a Places,
    found: Found,
    /// Entries of dictionaries that have been looked at.
    looked: usize,
}

impl Search<'_> {
    fn below(&mut self, id: Id, path: &str, depth: usize) -> Result<(), String> {
        self.looked += 1;
        if self.looked > MOST || depth > DEEPEST {
            return Err("its dictionaries hold more than any of weights".to_owned());
        }
        let pickle = self.pickle;
        match pickle.get(id) {
            Object::Dict(entries) => {
                for &(key, value) in entries {
                    let key = match pickle.get(key) {
                        Object::Text(text) => text.clone(),
                        Object::Int(number) => number.to_string(),
                        _ => continue,
                    };
                    let inner = if path.is_empty() { key } else { format!("{path}.{key}") };
                    self.below(value, &inner, depth + 1)?;
                }
                Ok(())
            }
            Object::Made(..) => {
                if let Some(stored) = self.tensor(id, 0).map_err(|why| format!("`{path}`: {why}"))? {
                    self.found.tensors.insert(path.to_owned(), stored);
                } else if let Some((class, _)) = pickle.made(id)
                    && self.found.others.len() < NAMED
                    && !self.found.others.contains(&class)
                {
                    self.found.others.push(class);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A tensor or parameter; nothing where it is another object.
    fn tensor(&self, id: Id, depth: usize) -> Result<Option<Stored>, String> {
        let Some((callable, args)) = self.pickle.made(id) else { return Ok(None) };
        let args = self.pickle.tuple(args).unwrap_or(&[]);
        match (callable.as_str(), args) {
            ("torch._utils._rebuild_parameter", [inner, ..]) if depth == 0 => self.tensor(*inner, 1),
            ("torch._tensor._rebuild_from_type_v2", [_, _, inner, ..]) if depth == 0 => {
                // The arguments of a tensor, as its call has them.
                self.of_arguments(self.pickle.tuple(*inner).unwrap_or(&[])).map(Some)
            }
            ("torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor", args) => {
                self.of_arguments(args).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Storage, offset, size and strides.
    fn of_arguments(&self, args: &[Id]) -> Result<Stored, String> {
        let damaged = || "it is damaged".to_owned();
        let [held, offset, size, strides, ..] = *args else { return Err(damaged()) };
        let (key, element) = storage(self.pickle, held).ok_or("it is of a type that is not read")?;
        let &(start, bytes) = self.places.get(key).ok_or_else(damaged)?;
        let offset = self.pickle.int(offset).and_then(|n| u64::try_from(n).ok()).ok_or_else(damaged)?;
        let (shape, strides) = (self.pickle.sizes(size), self.pickle.sizes(strides));
        let (shape, strides) = shape.zip(strides).filter(|(a, b)| a.len() == b.len()).ok_or_else(damaged)?;
        let first = offset.checked_mul(element.size() as u64).ok_or_else(damaged)?;
        let room = bytes.checked_sub(first).ok_or_else(damaged)?;
        let stored = Stored { element, shape, strides, start: start + first };
        match stored.extent() {
            Some(extent) if extent <= room => Ok(stored),
            _ => Err("it is larger than what the file holds of it".to_owned()),
        }
    }
}
