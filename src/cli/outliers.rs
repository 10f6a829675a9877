//! `sslrun outliers`: pictures of a data set that are like no others.

use super::args::OutliersArgs;
use super::{Exit, applied, output};
use crate::driver::{Failure, Trained};
use crate::eval::neighbours;
use crate::report::Table;

/// To which of the pictures most like it a picture's distance counts: a few odd ones may be alike.
const NEAREST: usize = 10;

/// Shows the pictures that are least like their tenth neighbour, the least first (Ramaswamy et al. 2000).
pub fn outliers(args: &OutliersArgs) -> Result<Exit, Failure> {
    let OutliersArgs { encoder, count, output } = args;
    output.iter().try_for_each(|path| output::ending(path, &["png", "jpg", "jpeg"]))?;
    let Some(checked) = applied::checked(encoder)? else { return Ok(Exit::RecipeErrors) };
    let mut trained = Trained::load(&encoder.run, &checked, encoder.checkpoint, encoder.engine.into())?;
    let data = applied::all(&trained, encoder)?;
    let rows = applied::features(&mut trained, &data)?;
    applied::tell_left_out(&[&*data]);
    let found = neighbours(&rows.values, &rows.values, rows.dim, NEAREST + 1);
    let lonely = |(row, found): (usize, &Vec<(f32, usize)>)| {
        let others: Vec<&(f32, usize)> = found.iter().filter(|(_, other)| *other != row).take(NEAREST).collect();
        Some((others.last()?.0, row, others[0].1))
    };
    let mut all: Vec<(f32, usize, usize)> = found.iter().enumerate().filter_map(lonely).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.truncate(*count as usize);
    let place = |row: usize| rows.index[row];
    let table = all.iter().map(|&(similarity, row, nearest)| {
        vec![
            format!("{similarity:.4}"),
            applied::name(&*data, place(row)),
            applied::class(&*data, place(row)),
            applied::name(&*data, place(nearest)),
        ]
    });
    let header = ["similarity", "picture", "class", "most like it"].map(str::to_owned).to_vec();
    output::result(&Table { header, rows: table.collect() }.render(160))?;
    if let Some(path) = output {
        let row = |&(_, row, nearest): &(f32, usize, usize)| vec![(&*data, place(row)), (&*data, place(nearest))];
        applied::sheet(path, &all.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(Exit::Fine)
}
