//! Pickles, as far as PyTorch writes them: read as data. Nothing in them is called, imported or built; what they would build is named.

use std::io::{BufRead, Read};

/// An object of a pickle, by its place among the objects.
pub(super) type Id = usize;

/// An object of a pickle.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Bytes, and integers too long for use.
    Other,
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function: module and name.
    Global(String, String),
    /// What a class or function would make of arguments.
    Made(Id, Id),
    /// What lies outside of the pickle.
    Persistent(Id),
}

/// The most bytes of a pickle; its objects are no more than these.
const LONGEST: u64 = 1 << 27;

/// A pickle that has been read.
#[derive(Debug, Default)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    pub root: Id,
}

impl Pickle {
    pub fn get(&self, id: Id) -> &Object {
        &self.objects[id]
    }

    pub fn text(&self, id: Id) -> Option<&str> {
        if let Object::Text(text) = self.get(id) { Some(text) } else { None }
    }

    pub fn int(&self, id: Id) -> Option<i64> {
        if let Object::Int(n) = self.get(id) { Some(*n) } else { None }
    }

    pub fn tuple(&self, id: Id) -> Option<&[Id]> {
        if let Object::Tuple(items) = self.get(id) { Some(items) } else { None }
    }

    /// Every object that stands for something outside of the pickle.
    pub fn persistent(&self) -> impl Iterator<Item = Id> {
        (0..self.objects.len()).filter(|&id| matches!(self.objects[id], Object::Persistent(_)))
    }

    /// What a list or tuple of sizes says.
    pub fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        let (Object::Tuple(items) | Object::List(items)) = self.get(id) else { return None };
        items.iter().map(|&item| usize::try_from(self.int(item)?).ok()).collect()
    }

    /// A class or function, as `module.name`.
    pub fn global(&self, id: Id) -> Option<String> {
        if let Object::Global(module, name) = self.get(id) { Some(format!("{module}.{name}")) } else { None }
    }

    /// The class or function that would make an object, and its arguments.
    pub fn made(&self, id: Id) -> Option<(String, Id)> {
        if let Object::Made(callable, args) = self.get(id) { Some((self.global(*callable)?, *args)) } else { None }
    }
}

/// Reads one pickle to its end, and no further.
pub(super) fn read(from: &mut dyn BufRead) -> Result<Pickle, String> {
    let mut machine =
        Machine { from, left: LONGEST, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: Vec::new() };
    let root = machine.run()?;
    Ok(Pickle { objects: machine.objects, root })
}

struct Machine<'a> {
    from: &'a mut dyn BufRead,
    left: u64,
    objects: Vec<Object>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
}

/// What is wrong with bytes that are no pickle.
fn damaged<T>() -> Result<T, String> {
    Err("its pickle is damaged".to_owned())
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id, String> {
        loop {
            let [code] = self.bytes()?;
            if code == b'.' {
                return self.pop();
            }
            self.step(code)?;
        }
    }

    /// One instruction, by its code.
    fn step(&mut self, code: u8) -> Result<(), String> {
        match code {
            0x80 => drop(self.bytes::<1>()?),
            0x95 => drop(self.bytes::<8>()?),
            b'N' => self.push(Object::None),
            0x88 => self.push(Object::Bool(true)),
            0x89 => self.push(Object::Bool(false)),
            b'K' | b'M' | b'J' | 0x8a | 0x8b => self.whole(code)?,
            b'G' => {
                let number = f64::from_be_bytes(self.bytes()?);
                self.push(Object::Float(number));
            }
            b'X' | 0x8c | 0x8d | b'U' | b'T' => self.string(code)?,
            b'B' | b'C' | 0x8e => {
                let length = self.length(code)?;
                self.take(length)?;
                self.push(Object::Other);
            }
            b'(' => self.marks.push(self.stack.len()),
            b')' => self.push(Object::Tuple(Vec::new())),
            b']' | 0x8f => self.push(Object::List(Vec::new())),
            b'}' => self.push(Object::Dict(Vec::new())),
            b't' | b'l' | b'd' | 0x91 | 0x85..=0x87 => self.gather(code)?,
            b'a' | b'e' | 0x90 | b's' | b'u' => self.fill(code)?,
            b'c' | 0x93 => self.class(code)?,
            b'R' | 0x81 | 0x92 | b'b' | b'Q' => self.make(code)?,
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.remember(code)?,
            b'0' => drop(self.pop()?),
            b'1' => drop(self.since_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            other => return Err(format!("its pickle has an instruction that is not read (code {other:#04x})")),
        }
        Ok(())
    }

    fn whole(&mut self, code: u8) -> Result<(), String> {
        let value = match code {
            b'K' => Some(i64::from(u8::from_le_bytes(self.bytes()?))),
            b'M' => Some(i64::from(u16::from_le_bytes(self.bytes()?))),
            b'J' => Some(i64::from(i32::from_le_bytes(self.bytes()?))),
            _ => {
                let length =
                    if code == 0x8a { u64::from(u8::from_le_bytes(self.bytes()?)) } else { self.length(b'X')? };
                let bytes = self.take(length)?;
                let sign = bytes.last().is_some_and(|last| last & 0x80 != 0);
                let mut wide = [if sign { 0xff } else { 0 }; 8];
                let fits = bytes.len() <= 8;
                wide[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
                fits.then(|| i64::from_le_bytes(wide))
            }
        };
        self.push(value.map_or(Object::Other, Object::Int));
        Ok(())
    }

    /// The length that stands before a text or bytes.
    fn length(&mut self, code: u8) -> Result<u64, String> {
        Ok(match code {
            0x8c | b'U' | b'C' => u64::from(u8::from_le_bytes(self.bytes()?)),
            0x8d | 0x8e => u64::from_le_bytes(self.bytes()?),
            _ => u64::from(u32::from_le_bytes(self.bytes()?)),
        })
    }

    fn string(&mut self, code: u8) -> Result<(), String> {
        let length = self.length(code)?;
        let bytes = self.take(length)?;
        self.push(Object::Text(String::from_utf8_lossy(&bytes).into_owned()));
        Ok(())
    }

    /// A tuple, list, dictionary or set of what stands behind the mark, or of the last few.
    fn gather(&mut self, code: u8) -> Result<(), String> {
        let items = match code {
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let from = self.stack.len().checked_sub(count).ok_or("its pickle is damaged")?;
                self.stack.split_off(from)
            }
            _ => self.since_mark()?,
        };
        let object = match code {
            b'l' | 0x91 => Object::List(items),
            b'd' => Object::Dict(pairs(&items)?),
            _ => Object::Tuple(items),
        };
        self.push(object);
        Ok(())
    }

    /// Adds to the list or dictionary below what is to be added.
    fn fill(&mut self, code: u8) -> Result<(), String> {
        let items = match code {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.since_mark()?,
        };
        let top = self.top()?;
        match &mut self.objects[top] {
            Object::Dict(all) => all.extend(pairs(&items)?),
            Object::List(all) => all.extend(items),
            // Of what is not built nothing is kept.
            Object::Made(..) => {}
            _ => return damaged(),
        }
        Ok(())
    }

    fn class(&mut self, code: u8) -> Result<(), String> {
        let (module, name) = if code == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (&self.objects[module], &self.objects[name]) {
                (Object::Text(module), Object::Text(name)) => (module.clone(), name.clone()),
                _ => return damaged(),
            }
        };
        self.push(Object::Global(module, name));
        Ok(())
    }

    /// What would be made by a call is only noted; an ordered dictionary is a dictionary.
    fn make(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'Q' => {
                let id = self.pop()?;
                self.push(Object::Persistent(id));
            }
            // Attributes, such as the `_metadata` of a state dictionary, hold no tensors.
            b'b' => drop(self.pop()?),
            _ => {
                if code == 0x92 {
                    self.pop()?;
                }
                let (args, callable) = (self.pop()?, self.pop()?);
                let dictionary = matches!(&self.objects[callable], Object::Global(module, name)
                    if module == "collections" && matches!(name.as_str(), "OrderedDict" | "defaultdict"));
                self.push(if dictionary { Object::Dict(Vec::new()) } else { Object::Made(callable, args) });
            }
        }
        Ok(())
    }

    fn remember(&mut self, code: u8) -> Result<(), String> {
        let place = match code {
            b'q' | b'h' => usize::from(u8::from_le_bytes(self.bytes()?)),
            0x94 => self.memo.len(),
            _ => u32::from_le_bytes(self.bytes()?) as usize,
        };
        if matches!(code, b'h' | b'j') {
            let known = self.memo.get(place).copied().flatten();
            self.stack.push(known.ok_or("its pickle is damaged")?);
            return Ok(());
        }
        // Places are given one after the other: another one would only make the memory large.
        if place > self.objects.len() {
            return damaged();
        }
        let top = self.top()?;
        if place >= self.memo.len() {
            self.memo.resize(place + 1, None);
        }
        self.memo[place] = Some(top);
        Ok(())
    }

    fn push(&mut self, object: Object) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, String> {
        if self.stack.len() <= self.floor() {
            return damaged();
        }
        self.stack.pop().map_or_else(damaged, Ok)
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().map_or_else(damaged, Ok)
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, String> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => damaged(),
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.spend(N as u64)?;
        self.from.read_exact(&mut bytes).map_err(|_| "its pickle ends too early".to_owned())?;
        Ok(bytes)
    }

    fn take(&mut self, length: u64) -> Result<Vec<u8>, String> {
        self.spend(length)?;
        let mut bytes = Vec::new();
        match Read::take(&mut self.from, length).read_to_end(&mut bytes) {
            Ok(count) if count as u64 == length => Ok(bytes),
            _ => Err("its pickle ends too early".to_owned()),
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut bytes = Vec::new();
        let most = self.left.min(1 << 12);
        Read::take(&mut self.from, most).read_until(b'\n', &mut bytes).map_err(|e| e.to_string())?;
        self.spend(bytes.len() as u64)?;
        match bytes.pop() {
            Some(b'\n') => Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
            _ => damaged(),
        }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or("its pickle is longer than any of weights")?;
        Ok(())
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    match items.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
        _ => damaged(),
    }
}
