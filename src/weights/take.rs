//! Takes an encoder's tensors out of a file, and says what was taken, left over, missing, or of another shape.

use std::collections::{BTreeMap, BTreeSet};

use super::file::WeightsFile;
use super::fit::{Names, Place, Wanted, below, has_shape, place};
use super::positions::{self, Tokens};
use super::stem::{fitted, is_stem, other_channels};

/// What came of looking for an encoder's tensors in a file.
#[derive(Debug, Default)]
pub struct Taking {
    /// What stands before their names there.
    pub prefix: String,
    /// By which names they were found.
    pub layout: &'static str,
    /// Other places that fit as well.
    pub others: Vec<String>,
    /// What was taken, by our name.
    pub taken: BTreeMap<String, Vec<f32>>,
    /// What was done to what was taken, in words.
    pub changed: Vec<String>,
    /// Names of ours that are not there but need not be.
    pub fresh: Vec<String>,
    /// What is wrong, a line each: missing, misshaped, or more than the encoder has, so that it computed something else.
    pub problems: Vec<String>,
    /// What is left over: groups of names, and how many tensors they have.
    pub left: Vec<(String, usize)>,
}

/// Tensors without which an encoder sees the same.
const OPTIONAL: [&str; 1] = ["mask_token"];
/// Names that end so hold nothing that is computed with here.
const COUNTERS: [&str; 3] = ["num_batches_tracked", "relative_position_index", "mask_token"];
/// Parts of an encoder that change what it computes, and stand beside what both sides have.
const PARTS: [&str; 10] = [
    "cls_token",
    "dist_token",
    "reg_token",
    "register_tokens",
    "storage_tokens",
    "pos_embed",
    "rope_embed",
    "norm_pre",
    "ln_pre",
    "fc_norm",
];

/// Maps of a block, and the scales of their results.
const SCALED: [(&str, &str); 2] = [("attn.proj", "ls1.gamma"), ("mlp.fc2", "ls2.gamma")];

/// Looks for tensors in a file, only at `at` where that is said.
pub fn take(file: &WeightsFile, wanted: &[Wanted], at: Option<&str>) -> Result<Taking, String> {
    let names = Names::of(file);
    let Some(found) = place(file, &names, wanted, at) else { return Ok(nothing(file, wanted, at)) };
    let mut taker =
        Taker { file, names: &names, wanted, place: &found, used: BTreeSet::new(), taking: Taking::default() };
    for tensor in wanted {
        taker.one(tensor)?;
    }
    taker.fold_scales()?;
    taker.leave()?;
    let mut taking = taker.taking;
    taking.problems.extend((!found.layout.differs.is_empty()).then(|| found.layout.differs.to_owned()));
    (taking.prefix, taking.layout, taking.others) = (found.prefix, found.layout.name, found.others);
    Ok(taking)
}

/// What to say where not one name is there.
fn nothing(file: &WeightsFile, wanted: &[Wanted], at: Option<&str>) -> Taking {
    let missing = |tensor: &Wanted| {
        format!("there is no `{}`, which is {:?}", below(at.unwrap_or(""), &tensor.name), tensor.shape)
    };
    let has: Vec<&str> = file.names().take(3).collect();
    let problems = wanted.iter().map(missing).chain([format!("it has `{}`, ..", has.join("`, `"))]).collect();
    Taking { problems, ..Taking::default() }
}

struct Taker<'a> {
    file: &'a WeightsFile,
    names: &'a Names,
    wanted: &'a [Wanted],
    place: &'a Place,
    /// What has been used, by names as they are looked for.
    used: BTreeSet<String>,
    taking: Taking,
}

impl Taker<'_> {
    /// The names of a tensor that are all there, or those it would have first.
    fn parts(&self, ours: &str) -> (Vec<String>, bool) {
        let ways = self.place.layout.theirs(ours);
        let full = |way: &Vec<String>| way.iter().map(|part| below(&self.place.prefix, part)).collect::<Vec<_>>();
        let there = ways.iter().map(full).find(|way| way.iter().all(|name| self.names.real(name).is_some()));
        match there {
            Some(way) => (way, true),
            None => (ways.first().map_or_else(|| vec![below(&self.place.prefix, ours)], full), false),
        }
    }

    fn one(&mut self, tensor: &Wanted) -> Result<(), String> {
        let (parts, there) = self.parts(&tensor.name);
        let last = tensor.name.rsplit('.').next().unwrap_or_default();
        if !there {
            match OPTIONAL.contains(&last) {
                true => self.taking.fresh.push(tensor.name.clone()),
                false => self.taking.problems.push(format!("there is no `{}`, which is {:?}", parts[0], tensor.shape)),
            }
            return Ok(());
        }
        self.used.extend(parts.iter().cloned());
        let reals: Vec<String> = parts.iter().filter_map(|name| self.names.real(name)).map(str::to_owned).collect();
        if last == "pos_embed" {
            return self.positions(tensor, &reals[0]);
        }
        let stored: Vec<_> = reals.iter().filter_map(|name| self.file.get(name)).collect();
        let mut joined = stored[0].clone();
        if stored.len() > 1 {
            let alike =
                stored.iter().all(|part| part.shape.get(1..) == joined.shape.get(1..) && !part.shape.is_empty());
            if !alike {
                self.taking.problems.push(format!("`{}` and what is joined to it have different shapes", parts[0]));
                return Ok(());
            }
            joined.shape[0] = stored.iter().map(|part| part.shape[0]).fold(0, usize::saturating_add);
        }
        if let Some(channels) = other_channels(&joined.shape, &tensor.shape).filter(|_| is_stem(&tensor.name)) {
            let how = if channels == 1 { "summed for one".to_owned() } else { format!("repeated for {channels}") };
            self.taking.changed.push(format!("its filters of red, green and blue are {how}"));
            let numbers = self.file.numbers(&reals[0])?;
            self.put(&tensor.name, fitted(&numbers, tensor.shape[0], channels));
            return Ok(());
        }
        if !has_shape(&joined, &tensor.shape) {
            let reason = why(&tensor.name, &joined.shape, &tensor.shape);
            let problem = format!("`{}` is {:?} instead of {:?}{reason}", reals[0], joined.shape, tensor.shape);
            self.taking.problems.push(problem);
            return Ok(());
        }
        let mut numbers = Vec::new();
        for name in &reals {
            numbers.extend(self.file.numbers(name)?);
        }
        self.put(&tensor.name, numbers);
        Ok(())
    }

    /// Registers may have got their positions before they come themselves, or come first.
    fn put(&mut self, name: &str, numbers: Vec<f32>) {
        let known = self.taking.taken.entry(name.to_owned()).or_insert_with(|| vec![0.0; numbers.len()]);
        known.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x);
    }

    fn positions(&mut self, tensor: &Wanted, real: &str) -> Result<(), String> {
        let inner = tensor.name.strip_suffix("pos_embed").unwrap_or_default();
        let (class, registers) = (format!("{inner}cls_token"), format!("{inner}reg_token"));
        let mine = |name: &str| self.wanted.iter().find(|tensor| tensor.name == name);
        let width = tensor.shape.last().copied().unwrap_or(0);
        let has = self.file.get(real).map(|stored| stored.shape.clone()).unwrap_or_default();
        if has.last() != Some(&width) || has.len() < 2 {
            let problem = format!("`{real}` is {has:?} instead of {:?}", tensor.shape);
            self.taking.problems.push(problem);
            return Ok(());
        }
        let tokens = Tokens {
            class: mine(&class).is_some(),
            registers: mine(&registers).map_or(0, |tensor| tensor.shape[1]),
            width,
            wanted: tensor.shape[tensor.shape.len() - 2],
        };
        let Some(found) = positions::converted(&self.file.numbers(real)?, tokens) else {
            let problem =
                format!("`{real}` is {has:?}: positions of no square can't become those of {:?}", tensor.shape);
            self.taking.problems.push(problem);
            return Ok(());
        };
        if let Some((from, to)) = found.resized {
            self.taking.changed.push(format!("positions of {from} x {from} patches interpolated to {to} x {to}"));
        }
        if !found.registers.is_empty() && mine(&registers).is_some() {
            self.taking.changed.push("positions of registers added to these".to_owned());
            self.put(&registers, found.registers);
        }
        self.put(&tensor.name, found.rows);
        Ok(())
    }

    /// Scales of what blocks add, for which the encoder has no place, are multiplied into the maps whose results they scale: it computes
    /// the same.
    fn fold_scales(&mut self) -> Result<(), String> {
        let mut folded = false;
        for (map, scale) in SCALED {
            let end = format!("{map}.weight");
            for tensor in self.wanted.iter().filter(|tensor| tensor.name.ends_with(&end)) {
                let block = tensor.name.strip_suffix(&end).unwrap_or_default();
                let (parts, there) = self.parts(&format!("{block}{scale}"));
                let own = self.wanted.iter().any(|other| other.name == format!("{block}{scale}"));
                let (true, false, Some(real)) = (there, own, self.names.real(&parts[0])) else { continue };
                let scales = self.file.numbers(real)?;
                let rows = tensor.shape.first().copied().unwrap_or(0);
                if scales.len() != rows || rows == 0 {
                    continue;
                }
                for name in [&tensor.name, &format!("{block}{map}.bias")] {
                    let Some(values) = self.taking.taken.get_mut(name) else { continue };
                    let each = (values.len() / rows).max(1);
                    values.chunks_mut(each).zip(&scales).for_each(|(row, s)| row.iter_mut().for_each(|x| *x *= s));
                }
                self.used.insert(parts[0].clone());
                folded = true;
            }
        }
        if folded {
            self.taking.changed.push("layer scales multiplied into the maps before them".to_owned());
        }
        Ok(())
    }

    /// Sorts out what is left over: what is part of the encoder, and what stands beside it.
    fn leave(&mut self) -> Result<(), String> {
        let own = |name: &str| -> Option<String> {
            let prefix = self.place.prefix.as_str();
            if prefix.is_empty() {
                Some(name.to_owned())
            } else {
                Some(name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned())
            }
        };
        let root = |inner: &str| inner.split('.').next().unwrap_or_default().to_owned();
        let roots: BTreeSet<String> = self.used.iter().filter_map(|name| own(name)).map(|inner| root(&inner)).collect();
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        let mut sines = false;
        for (name, real) in self.names.iter().filter(|(name, _)| !self.used.contains(*name)) {
            if COUNTERS.iter().any(|end| name.rsplit('.').next() == Some(end)) {
                continue;
            }
            let inner = own(name);
            let part = inner.as_deref().map(root).filter(|root| roots.contains(root) || PARTS.contains(&root.as_str()));
            if part.as_deref() == Some("pos_embed") && self.are_sines(real)? {
                sines = true;
            } else if part.is_some() {
                let shape = self.file.get(real).map(|stored| stored.shape.clone()).unwrap_or_default();
                self.taking
                    .problems
                    .push(format!("`{real}`, which is {shape:?}, has no place in the recipe's encoder"));
            } else {
                *groups.entry(group(&self.place.prefix, name)).or_default() += 1;
            }
        }
        if sines {
            self.taking.changed.push("its positions are fixed sines and cosines".to_owned());
        }
        self.taking.left = groups.into_iter().collect();
        Ok(())
    }

    fn are_sines(&self, real: &str) -> Result<bool, String> {
        let width = self.file.get(real).and_then(|stored| stored.shape.last().copied()).unwrap_or(0);
        Ok(positions::are_sines(&self.file.numbers(real)?, width))
    }
}

/// The first part of a name that is not also the beginning of the encoder's.
fn group(prefix: &str, name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let same = parts.iter().zip(prefix.split('.')).take_while(|(a, b)| *a == b).count();
    let same = if prefix.is_empty() { 0 } else { same };
    parts[..(same + 1).min(parts.len())].join(".")
}

/// Why a tensor has another shape, where that can be said.
fn why(name: &str, has: &[usize], wants: &[usize]) -> String {
    let ([.., _, own_channels, own_rows, own_columns], [.., _, channels, rows, columns]) = (wants, has) else {
        return String::new();
    };
    if name.ends_with("patch_embed.proj.weight") && (rows, columns) != (own_rows, own_columns) {
        return format!(
            ": the file's patches have {rows} x {columns} pixels, the recipe's {own_rows} x {own_columns}, and patches of another size \
             see something else; say `patch: {rows}`"
        );
    }
    if channels != own_channels && is_stem(name) {
        return format!(": the file's encoder sees {channels} channels, the recipe's {own_channels}");
    }
    match (name.rsplit_once("conv1.weight"), rows, own_rows) {
        (Some((before, _)), 7, 3) if !before.contains("layer") => ": the file's has `stem: imagenet`".to_owned(),
        (Some((before, _)), 3, 7) if !before.contains("layer") => ": the file's has `stem: small`".to_owned(),
        _ => String::new(),
    }
}
