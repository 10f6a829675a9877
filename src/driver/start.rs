//! Loads the weights that parts of a recipe start with from files, before the first step, and reports what was taken.

use super::{Checked, Failure};
use crate::check::Recipe;
use crate::exec::{Buffer, Store};
use crate::train::Event;
use crate::weights::{KnownNorm, Taking, Wanted, WeightsFile, take};

/// How many groups of names, and how many problems, are named.
const NAMED: usize = 6;

/// Starts what is to start with weights from files, and what follows it.
pub(super) fn start(
    recipe: &Recipe,
    checked: &Checked,
    store: &mut Store,
    on_event: &mut dyn FnMut(&Event),
) -> Result<(), Failure> {
    for started in &recipe.starts {
        let file = started.config.text("path");
        let failed = |message: String| Failure::run(message).at(started.span, &checked.sources);
        let file = WeightsFile::open(std::path::Path::new(file)).map_err(failed)?;
        let at = started.config.text("at");
        let taking = take(&file, &wanted(store, &started.path), (!at.is_empty()).then_some(at)).map_err(failed)?;
        if !taking.problems.is_empty() && started.config.bool("strict") {
            let head = format!("{} does not hold the weights of `{}`:", file.path().display(), started.path);
            return Err(failed(head + &problems(&taking.problems)).maybe_help(help(&taking)));
        }
        for path in copies(recipe, &started.path) {
            put(store, &path, &taking);
        }
        let message = told(&format!("`{}` starts", started.path), &file, &taking, started.norm.as_ref());
        on_event(&Event::Preparing { message });
    }
    Ok(())
}

/// The tensors below a path.
pub(super) fn wanted(store: &Store, path: &str) -> Vec<Wanted> {
    let below = |buffer: Buffer<f32>| {
        let name = buffer.name.strip_prefix(path)?.strip_prefix('.')?.to_owned();
        Some(Wanted { name, shape: buffer.shape.to_vec() })
    };
    store.iter().filter_map(below).collect()
}

/// Puts what was taken below a path.
pub(super) fn put(store: &mut Store, path: &str, taking: &Taking) {
    for (name, numbers) in &taking.taken {
        store.named_mut(&format!("{path}.{name}")).into_iter().for_each(|mine| mine.copy_from_slice(numbers));
    }
}

/// What is wrong, a line each.
pub(super) fn problems(problems: &[String]) -> String {
    let more = problems.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!("\n  - and {more} more") } else { String::new() };
    problems.iter().take(NAMED).map(|p| format!("\n  - {p}")).collect::<String>() + &rest
}

fn help(taking: &Taking) -> Option<String> {
    let (count, place) = (taking.taken.len(), below(&taking.prefix));
    (count > 0).then(|| {
        format!(
            "{count} tensors{place} fit; `weights(.., strict: false)` takes these and leaves the rest as it was drawn"
        )
    })
}

fn below(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!(" below `{prefix}`") }
}

/// The path itself, and those of averages and copies of its branch, which begin as it does.
fn copies(recipe: &Recipe, path: &str) -> Vec<String> {
    let (branch, rest) = path.split_once('.').map_or((path, String::new()), |(b, rest)| (b, format!(".{rest}")));
    let mut same = vec![branch.to_owned()];
    let mut known = 0;
    while known < same.len() {
        let of = same[known].clone();
        let follows =
            recipe.branches.iter().filter(|b| b.derived.as_ref().is_some_and(|d| d.follows() == Some(of.as_str())));
        same.extend(follows.map(|b| b.name.clone()));
        known += 1;
    }
    same.into_iter().map(|branch| branch + &rest).collect()
}

/// What was taken, changed, left over and left out, and how pixels are normalised.
pub(super) fn told(what: &str, file: &WeightsFile, taking: &Taking, norm: Option<&KnownNorm>) -> String {
    let mut parts = vec![format!("{} tensors{} by {}", taking.taken.len(), below(&taking.prefix), taking.layout)];
    parts.extend(taking.changed.iter().cloned());
    let list = |names: Vec<String>| {
        let more = names.len().saturating_sub(NAMED);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        names[..names.len() - more].join(", ") + &rest
    };
    let quoted = |names: &[String]| list(names.iter().map(|name| format!("`{name}`")).collect());
    let mut say = |what: &str, names: String| parts.extend((!names.is_empty()).then(|| format!("{what}: {names}")));
    say("left over", list(taking.left.iter().map(|(name, count)| format!("`{name}` ({count})")).collect()));
    say("left as they were drawn", quoted(&taking.fresh));
    say("fitting as well", quoted(&taking.others));
    say("objects that were not built", quoted(file.others()));
    say("not taken, as `strict` is false", list(taking.problems.clone()));
    let norm = match norm {
        Some(known) => format!(
            "pixels are normalised by mean {:?} and deviation {:?}, {}",
            known.norm.mean, known.norm.std, known.by
        ),
        None => "pixels are normalised as those of the data".to_owned(),
    };
    format!("{what} from {}: {}\n  {norm}", file.path().display(), parts.join("; "))
}
