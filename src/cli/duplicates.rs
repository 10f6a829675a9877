//! `sslrun duplicates`: pictures of a data set that are nearly the same.

use super::args::DuplicatesArgs;
use super::{Exit, applied, output};
use crate::driver::{Failure, Trained};
use crate::eval::neighbours;
use crate::report::Table;

/// How many pictures most like one are looked at.
const NEAREST: usize = 33;
/// The most pairs that are drawn.
const DRAWN: usize = 100;

/// Shows pairs of pictures that are more alike than a bound, the most alike first.
pub fn duplicates(args: &DuplicatesArgs) -> Result<Exit, Failure> {
    let DuplicatesArgs { encoder, above, output } = args;
    output.iter().try_for_each(|path| output::ending(path, &["png", "jpg", "jpeg"]))?;
    if !(-1.0..=1.0).contains(above) {
        return Err(Failure::usage(format!("`--above {above}`: a cosine lies between -1 and 1")));
    }
    let Some(checked) = applied::checked(encoder)? else { return Ok(Exit::RecipeErrors) };
    let mut trained = Trained::load(&encoder.run, &checked, encoder.checkpoint, encoder.engine.into())?;
    let data = applied::all(&trained, encoder)?;
    let rows = applied::features(&mut trained, &data)?;
    applied::tell_left_out(&[&*data]);
    let found = neighbours(&rows.values, &rows.values, rows.dim, NEAREST);
    let alike = |(a, found): (usize, &Vec<(f32, usize)>)| {
        let others = found.iter().filter(|(similarity, b)| similarity >= above && *b != a);
        others.map(|&(similarity, b)| (similarity, a.min(b), a.max(b))).collect::<Vec<_>>()
    };
    let mut pairs: Vec<(f32, usize, usize)> = found.iter().enumerate().flat_map(alike).collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut known = std::collections::HashSet::new();
    pairs.retain(|&(_, a, b)| known.insert((a, b)));
    let place = |row: usize| rows.index[row];
    let table = pairs.iter().map(|&(similarity, a, b)| {
        vec![format!("{similarity:.4}"), applied::name(&*data, place(a)), applied::name(&*data, place(b))]
    });
    let header = ["similarity", "picture", "picture like it"].map(str::to_owned).to_vec();
    if !pairs.is_empty() {
        output::result(&Table { header, rows: table.collect() }.render(160))?;
    }
    output::message(&format!("{} pairs of {} pictures are alike by {above} or more", pairs.len(), rows.index.len()));
    if let (Some(path), false) = (output, pairs.is_empty()) {
        let pair = |&(_, a, b): &(f32, usize, usize)| vec![(&*data, place(a)), (&*data, place(b))];
        applied::sheet(path, &pairs.iter().take(DRAWN).map(pair).collect::<Vec<_>>())?;
    }
    Ok(Exit::Fine)
}
