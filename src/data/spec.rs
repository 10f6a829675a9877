//! Data sets named on the command line, and the defaults of a word spelled out.

use std::path::Path;

use super::{CHANNELS, DataError, sets};
use crate::catalog::{Arg, Config, Entry, Param, ParamType};

/// The data set written as `NAME`, `NAME:PATH` or `NAME:PATH,ARGUMENT=VALUE,...` (the first value of a data set without a
/// path is its first argument; several numbers have an `x` between them, as in `size=64x128`, several texts a `+`): `shapes`, `shapes:train=2000,seed=1`, `cifar10:../data/cifar10,train=10000`.
///
/// A path alone stands for the data set that it looks like.
pub fn parse_spec(spec: &str) -> Result<Config, DataError> {
    let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
    let set = match sets::find(name.trim()) {
        Ok(set) => set,
        Err(_) if Path::new(spec).exists() => return of_path(Path::new(spec)),
        // What looks like a path was meant as one.
        Err(_) if name.contains(['/', '.']) => {
            let error = DataError::new(format!("there is no file or folder `{spec}`"));
            return Err(error.help(FORM));
        }
        Err(error) => return Err(error.help(format!("{}; {FORM}", sets::names()))),
    };
    let mut config = defaults(&set.entry);
    let mut given: Vec<&str> = Vec::new();
    for (place, part) in rest.split(',').filter(|p| !p.trim().is_empty()).enumerate() {
        let (param, value) = argument(&set.entry, place, part.trim())?;
        if given.contains(&param.name) {
            return Err(DataError::new(format!("`{}` of {name} is given twice", param.name)));
        }
        given.push(param.name);
        let value = parse(param, value).ok_or_else(|| {
            DataError::new(format!("`{value}` is no value for `{}` of {name}: {}", param.name, param.doc))
        })?;
        if let Some(slot) = config.args.iter_mut().find(|(n, _)| n == param.name) {
            slot.1 = value;
        }
    }
    match set.entry.params.iter().find(|p| p.default.is_none() && *config.arg(p.name) == Arg::None) {
        Some(p) => {
            Err(DataError::new(format!("{name} needs its {}", p.name))
                .help(format!("{name}:{}", p.name.to_uppercase())))
        }
        None => Ok(config),
    }
}

const FORM: &str =
    "a data set is written NAME:PATH,ARGUMENT=VALUE, or as in a recipe, or is the path of a folder of pictures";

/// The data set that a path looks like, everything else by default.
fn of_path(path: &Path) -> Result<Config, DataError> {
    let set = sets::recognised(path).ok_or_else(|| {
        DataError::new("looks like no data set").in_file(path).help(format!("{}; {FORM}", sets::names()))
    })?;
    let mut config = defaults(&set.entry);
    let place = set.entry.params.iter().find(|p| p.ty == ParamType::Path).map(|p| p.name);
    config.args.iter_mut().filter(|(name, _)| Some(name.as_str()) == place).for_each(|(_, value)| {
        *value = Arg::Text(absolute(path));
    });
    Ok(config)
}

/// A path that leads to the same file from wherever it is read, and by no folder that need not be there; one to what is not there is
/// only made absolute.
pub fn absolute(path: &Path) -> String {
    let whole = path.canonicalize().or_else(|_| std::path::absolute(path));
    whole.unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Says that pictures have so many channels, where a data set can be told and nobody has.
pub fn say_channels(config: &mut Config, channels: usize) {
    let open = config.args.iter_mut().find(|(name, value)| name == "channels" && *value == Arg::None);
    if channels != CHANNELS {
        open.into_iter().for_each(|(_, value)| *value = Arg::Number(channels as f64));
    }
}

/// Whether a data set is read from files.
pub fn has_path(config: &Config) -> bool {
    let given = |p: &Param| p.ty == ParamType::Path && *config.arg(p.name) != Arg::None;
    sets::of(config).is_some_and(|set| set.entry.params.iter().any(given))
}

/// A call of the word without arguments: every default filled in, what must be given left out.
pub fn defaults(entry: &'static Entry) -> Config {
    let value = |p: &Param| p.default.and_then(|text| parse(p, text)).unwrap_or(Arg::None);
    Config { entry, args: entry.params.iter().map(|p| (p.name.to_string(), value(p))).collect(), span: None }
}

/// Which parameter a part of the specification gives, and its value.
fn argument<'a>(entry: &Entry, place: usize, part: &'a str) -> Result<(&'static Param, &'a str), DataError> {
    let named =
        part.split_once('=').and_then(|(n, v)| Some((entry.params.iter().find(|p| p.name == n.trim())?, v.trim())));
    let first = entry.params.first().filter(|p| place == 0 && p.ty == ParamType::Path);
    named.or(first.map(|p| (p, part))).ok_or_else(|| {
        let names: Vec<_> = entry.params.iter().map(|p| p.name).collect();
        DataError::new(format!("`{part}` is no argument of {}", entry.name))
            .help(format!("its arguments: {}; {FORM}", names.join(", ")))
    })
}

/// A literal as the parameter reads it, within the parameter's bounds.
fn parse(param: &Param, text: &str) -> Option<Arg> {
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    if text == "none" && param.default == Some("none") {
        return Some(Arg::None);
    }
    match param.ty {
        ParamType::Int { min, max } => {
            // A whole number above 2^53 would be another one as a number of the language.
            let exact = text.trim().parse::<i128>().map_or(true, |whole| whole.unsigned_abs() <= 1 << 53);
            number(text)
                .filter(|_| exact)
                .filter(|x| x.fract() == 0.0 && (min as f64..=max as f64).contains(x))
                .map(Arg::Number)
        }
        ParamType::Number { min, max } => number(text).filter(|x| (min..=max).contains(x)).map(Arg::Number),
        ParamType::Range { min, max } => {
            let (low, high) = text.split_once("..").unwrap_or((text, text));
            let (low, high) = (number(low)?, number(high)?);
            (min <= low && low <= high && high <= max).then_some(Arg::Range(low, high))
        }
        ParamType::Numbers => {
            let all = text.trim().split('x').map(|side| number(side).map(Arg::Number)).collect::<Option<Vec<_>>>()?;
            Some(Arg::List(all))
        }
        ParamType::Bool => text.parse().ok().map(Arg::Bool),
        ParamType::Choice(choices) => choices.contains(&text).then(|| Arg::Text(text.to_string())),
        ParamType::Texts => Some(Arg::List(text.split('+').map(|t| Arg::Text(t.trim().to_owned())).collect())),
        ParamType::Text => Some(Arg::Text(text.to_string())),
        ParamType::Path => Some(Arg::Text(absolute(Path::new(text)))),
        _ => None,
    }
}
