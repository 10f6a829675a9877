//! Patterns of paths, by which pictures are told to belong together.

use crate::data::DataError;

/// A path with `*` for any text within a folder's or file's name, and one `{}` for the text that names a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Any,
    Group,
}

impl Pattern {
    /// Reads a pattern such as `*/{}_*.jpg`.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let next = rest.find(['*', '{']).unwrap_or(rest.len());
            if next > 0 {
                parts.push(Part::Text(rest[..next].to_owned()));
            }
            rest = &rest[next..];
            if let Some(after) = rest.strip_prefix('*') {
                parts.push(Part::Any);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("{}") {
                parts.push(Part::Group);
                rest = after;
            } else if !rest.is_empty() {
                return Err(wrong(text));
            }
        }
        match parts.iter().filter(|p| **p == Part::Group).count() {
            1 => Ok(Self { parts }),
            _ => Err(wrong(text)),
        }
    }

    /// The group of a path: what stands for `{}`, or the whole path where the pattern does not fit.
    pub fn group(&self, path: &str) -> String {
        fit(&self.parts, path).flatten().unwrap_or(path).to_owned()
    }
}

/// Whether parts fit a text, and what stands for the group among them; the shortest texts are tried first.
fn fit<'a>(parts: &[Part], text: &'a str) -> Option<Option<&'a str>> {
    let Some((first, rest)) = parts.split_first() else { return text.is_empty().then_some(None) };
    if let Part::Text(wanted) = first {
        return fit(rest, text.strip_prefix(wanted.as_str())?);
    }
    let within = text.find('/').unwrap_or(text.len());
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]).take_while(|at| *at <= within);
    for end in ends {
        if let Some(group) = fit(rest, &text[end..]) {
            return Some(if *first == Part::Group { Some(&text[..end]) } else { group });
        }
    }
    None
}

fn wrong(text: &str) -> DataError {
    DataError::new(format!("`{text}` is no pattern of groups"))
        .help("write `*` for any text within a name, and `{}` once, for what names the group: \"*/{}_*.jpg\"")
}
