//! What takes part in a comparison: recipes, each with every seed and value it is tried with, and finished runs.

use std::path::{Path, PathBuf};

use super::Contest;
use crate::driver::Failure;

/// More runs than this are no comparison but a slip.
const MOST: usize = 1000;

/// The most characters of a value in the name of a run.
const LABEL: usize = 40;

/// A run that is to be, or that has been.
pub(super) struct Entrant {
    /// Its recipe, or its folder.
    pub path: PathBuf,
    /// What no other is called.
    pub name: String,
    /// The same for all that differ in their seeds alone.
    pub group: String,
    /// What is set for it besides what is set for all.
    pub sets: Vec<String>,
}

/// Everything that takes part, in the order in which it was named; the seeds of a recipe side by side.
pub(super) fn entrants(contest: &Contest) -> Result<Vec<Entrant>, Failure> {
    let variants = product(&contest.grid)?;
    let mut all: Vec<Entrant> = Vec::new();
    for (path, name) in contest.recipes.iter().zip(names(&contest.recipes)?) {
        if path.is_dir() {
            all.push(Entrant { path: path.clone(), group: name.clone(), name, sets: Vec::new() });
            continue;
        }
        for variant in &variants {
            let group: String = std::iter::once(name.clone()).chain(variant.iter().map(label)).collect();
            let group = free(&group, all.iter().map(|e| e.group.as_str()));
            let sets: Vec<String> = variant.iter().map(|(path, value)| format!("{path}={value}")).collect();
            let Some(seeds) = contest.seeds else {
                all.push(Entrant { path: path.clone(), name: group.clone(), group, sets });
                continue;
            };
            all.extend((0..seeds).map(|seed| Entrant {
                path: path.clone(),
                name: format!("{group}-seed{seed}"),
                group: group.clone(),
                sets: sets.iter().cloned().chain([format!("train.seed={seed}")]).collect(),
            }));
        }
    }
    if all.len() > MOST {
        return Err(Failure::usage(format!("these are {} runs, and at most {MOST} are compared", all.len())));
    }
    Ok(all)
}

/// Names of files and folders, a number behind those that occur again.
fn names(recipes: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    for path in recipes {
        if path == Path::new("-") {
            return Err(Failure::usage("a comparison takes files and folders, not standard input".to_owned()));
        }
        let word = if path.is_dir() { path.file_name() } else { path.file_stem() };
        let word = word.map_or_else(|| "run".to_owned(), |w| w.to_string_lossy().into_owned());
        names.push(free(&word, names.iter().map(String::as_str)));
    }
    Ok(names)
}

/// A name, with a number behind it if it is taken.
fn free<'n>(name: &str, taken: impl Iterator<Item = &'n str> + Clone) -> String {
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| taken.clone().all(|other| other != name)).unwrap_or_default()
}

/// Every choice of one value of each `PATH=VALUE,VALUE`, the last changing first.
fn product(grid: &[String]) -> Result<Vec<Vec<(String, String)>>, Failure> {
    let mut all: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for line in grid {
        let wrong =
            || Failure::usage(format!("`--grid {line}` is to be `PATH=VALUE,VALUE`, as in `train.epochs=5,10`"));
        let (path, values) = line.split_once('=').ok_or_else(wrong)?;
        let values = apart(values);
        if path.trim().is_empty() || values.iter().any(String::is_empty) {
            return Err(wrong());
        }
        if all.len().saturating_mul(values.len()) > MOST {
            return Err(Failure::usage(format!("`--grid {line}` makes more than {MOST} runs of a recipe")));
        }
        let more = |choice: &Vec<(String, String)>, value: &String| {
            choice.iter().cloned().chain([(path.trim().to_owned(), value.clone())]).collect()
        };
        all = all.iter().flat_map(|choice| values.iter().map(move |value| more(choice, value))).collect();
    }
    Ok(all)
}

/// The values of a list, which is parted by commas outside of brackets and quotes.
fn apart(values: &str) -> Vec<String> {
    let (mut depth, mut quoted) = (0_i32, false);
    let parts = values.split(|c: char| {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0 && !quoted
    });
    parts.map(|part| part.trim().to_owned()).collect()
}

/// What a value adds to the name of a run, which is that of a folder, too.
fn label((path, value): &(String, String)) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    let kept = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    let words: Vec<&str> = value.split(|c| !kept(c)).filter(|word| !word.is_empty()).collect();
    format!("-{last}={}", words.join("_").chars().take(LABEL).collect::<String>())
}
