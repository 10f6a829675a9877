//! `sslrun neighbors`: the pictures of a data set that are most like given ones.

use super::args::NeighborsArgs;
use super::{Exit, applied, output};
use crate::driver::{Failure, Trained};
use crate::eval::neighbours;
use crate::report::Table;

/// Shows the nearest pictures as a table and, where that is asked for, as a contact sheet.
pub fn neighbors(args: &NeighborsArgs) -> Result<Exit, Failure> {
    let NeighborsArgs { encoder, pictures, count, output } = args;
    output.iter().try_for_each(|path| output::ending(path, &["png", "jpg", "jpeg"]))?;
    let Some(checked) = applied::checked(encoder)? else { return Ok(Exit::RecipeErrors) };
    let mut trained = Trained::load(&encoder.run, &checked, encoder.checkpoint, encoder.engine.into())?;
    let asked = applied::pictures(&trained, pictures, &encoder.change.access())?;
    let data = applied::all(&trained, encoder)?;
    let (queries, known) = (applied::features(&mut trained, &asked)?, applied::features(&mut trained, &data)?);
    applied::tell_left_out(&[&*asked, &*data]);
    let found = neighbours(&queries.values, &known.values, known.dim, *count as usize);
    let (mut rows, mut drawn) = (Vec::new(), Vec::new());
    for (query, found) in queries.index.iter().zip(&found) {
        let mut row = vec![(&*asked, *query)];
        for (place, (similarity, at)) in found.iter().enumerate() {
            let index = known.index[*at];
            rows.push(vec![
                applied::name(&*asked, *query),
                (place + 1).to_string(),
                format!("{similarity:.4}"),
                applied::name(&*data, index),
                applied::class(&*data, index),
            ]);
            row.push((&*data, index));
        }
        drawn.push(row);
    }
    let header = ["picture", "place", "similarity", "neighbour", "class"].map(str::to_owned).to_vec();
    output::result(&Table { header, rows }.render(160))?;
    if let Some(path) = output {
        applied::sheet(path, &drawn)?;
        output::message(&format!("{}: each picture, and behind it its neighbours", path.display()));
    }
    Ok(Exit::Fine)
}
