//! "Did you mean": the known name nearest to an unknown one.

/// Names longer than this are not compared: nobody mistypes them.
const LONGEST: usize = 64;

/// The candidate nearest to `name` in edit distance, if it is near enough to be a slip.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).clamp(1, 3);
    let begins = |c: &str| c.len() > 2 && name.len() > 2 && (c.starts_with(name) || name.starts_with(c));
    candidates
        .into_iter()
        .filter(|c| length <= LONGEST && c.chars().count() <= LONGEST)
        .filter(|c| c.chars().count().abs_diff(length) <= limit || begins(c))
        .map(|c| (distance(name, c), c))
        .filter(|&(d, c)| d <= limit || begins(c))
        .min()
        .map(|(_, c)| c)
}

/// "did you mean `x`?", or the list of what there is when nothing is near and the list is short.
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<&str> = candidates.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    if let Some(near) = nearest(name, all.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let quoted: Vec<String> = all.iter().map(|c| format!("`{c}`")).collect();
    (1..=12).contains(&quoted.len()).then(|| format!("there is {}", quoted.join(", ")))
}

/// Edit distance where an insertion, a deletion, a substitution and a swap of neighbours cost one each, and capitals nothing.
fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
}
