//! Where the samples of a batch lie in the result of an operation, if each element of it depends on one sample alone.
//!
//! An operation is right about samples in the dimension it is told of. What it cannot tell it calls mixed: a false alarm is a warning, a
//! missed one a wrong number.

use crate::graph::{Dim, Lying, Mixed, Mixing};

/// What a rule answers: the dimension along which the samples lie, nothing where none are left, or that they are mixed.
type Lies = Result<Option<usize>, Mixed>;

/// Samples are brought together so, and then lie there.
fn mixed(how: Mixing, axis: Option<usize>) -> Lies {
    Err(Mixed { how, axis })
}

/// Where the samples of the first input that has any lie in a result whose dimensions are aligned with it from the end.
fn first_aligned(x: &Lying) -> Option<usize> {
    let rank = x.output.shape.rank();
    let mut places =
        x.axes.iter().enumerate().filter_map(|(i, axis)| (axis.as_ref()? + rank).checked_sub(x.shape(i).len()));
    places.next()
}

/// Element by element, with broadcasting: samples of all inputs must meet themselves.
pub fn each(x: &Lying) -> Lies {
    let rank = x.output.shape.rank();
    let mut found = None;
    for (i, axis) in x.axes.iter().enumerate() {
        let Some(axis) = axis else { continue };
        let Some(place) = (axis + rank).checked_sub(x.shape(i).len()) else { return mixed(Mixing::Other, None) };
        if found.is_some_and(|other| other != place) {
            return mixed(Mixing::Pairs, found);
        }
        found = Some(place);
    }
    Ok(found)
}

/// A sum over the dimensions `axes`.
pub fn sums(x: &Lying) -> Lies {
    fold(x, &x.attrs.get_axes("axes"), Mixing::Sum)
}

/// Another reduction over the dimensions `axes`.
pub fn reduces(x: &Lying) -> Lies {
    fold(x, &x.attrs.get_axes("axes"), Mixing::Other)
}

/// A reduction over the dimension `axis`.
pub fn reduces_one(x: &Lying) -> Lies {
    fold(x, &[x.attrs.get_usize("axis")], Mixing::Other)
}

fn fold(x: &Lying, axes: &[usize], how: Mixing) -> Lies {
    let Some(axis) = x.axes[0] else { return Ok(None) };
    let gone = axes.iter().filter(|&&a| a < axis).count();
    match axes.contains(&axis) {
        true => mixed(how, None),
        false => Ok(Some(if x.attrs.get_bool("keepdim") { axis } else { axis - gone })),
    }
}

/// Moved along the dimension `axis`, or cut there, or put one behind the other.
pub fn moved_along_axis(x: &Lying) -> Lies {
    along(x, x.attrs.get_usize("axis"), Mixing::Place)
}

/// Along the dimension `axis`, element by element in the others.
pub fn along_axis(x: &Lying) -> Lies {
    along(x, x.attrs.get_usize("axis"), Mixing::Other)
}

/// Along the last dimension, element by element in the others.
pub fn along_last(x: &Lying) -> Lies {
    along(x, x.shape(0).len().saturating_sub(1), Mixing::Other)
}

/// Over the last dimension, which goes.
pub fn last_goes(x: &Lying) -> Lies {
    match x.axes[0] {
        Some(axis) if axis + 1 == x.shape(0).len() => mixed(Mixing::Other, None),
        axis => Ok(axis),
    }
}

/// Along all dimensions but the first.
pub fn by_first(x: &Lying) -> Lies {
    match each(x)? {
        None => Ok(None),
        Some(_) if x.axes.iter().flatten().all(|axis| *axis == 0) => Ok(Some(0)),
        Some(axis) => mixed(Mixing::Other, Some(axis)),
    }
}

/// Along the last two dimensions, which are matrices.
pub fn by_matrix(x: &Lying) -> Lies {
    matrices(x, Mixing::Products)
}

/// Along the last two dimensions, whose rows and columns share.
pub fn balances(x: &Lying) -> Lies {
    matrices(x, Mixing::Share)
}

fn matrices(x: &Lying, how: Mixing) -> Lies {
    let inside = |(i, axis): (usize, &Option<usize>)| axis.is_some_and(|a| a + 2 >= x.shape(i).len());
    if x.axes.iter().enumerate().any(inside) {
        return mixed(how, first_aligned(x));
    }
    // Dimensions before the matrices are counted from the front.
    let mut places = x.axes.iter().flatten();
    let first = places.next().copied();
    if places.all(|place| Some(*place) == first) { Ok(first) } else { mixed(Mixing::Pairs, first) }
}

/// A statistic over everything there is.
pub fn statistic(x: &Lying) -> Lies {
    everything(x, Mixing::Statistic)
}

/// Groups made of everything there is.
pub fn groups(x: &Lying) -> Lies {
    everything(x, Mixing::Products)
}

fn everything(x: &Lying, how: Mixing) -> Lies {
    if x.axes.iter().all(Option::is_none) { Ok(None) } else { mixed(how, None) }
}

/// No recipe can ask for it: only gradients and the planned engine do.
pub fn unasked(_: &Lying) -> Lies {
    mixed(Mixing::Other, None)
}

/// Made from nothing: samples cannot lie in it, unless its size says so, and then its places tell them apart.
pub fn of_size(x: &Lying) -> Lies {
    let sized = |d: &Dim| d.symbols().contains(&"N");
    if x.output.shape.0.iter().any(sized) { mixed(Mixing::Place, None) } else { Ok(None) }
}

/// Drawn at random: for each sample by itself where the first dimension counts samples.
pub fn drawn(x: &Lying) -> Lies {
    let (first, rest) = x.output.shape.0.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
    let counts = |d: &Dim| d.symbols().contains(&"N");
    match first.is_some_and(counts) {
        _ if rest.iter().any(counts) => mixed(Mixing::Place, None),
        true if x.attrs.get_bool("by_sample") => Ok(Some(0)),
        true => mixed(Mixing::Place, None),
        false => Ok(None),
    }
}

/// The same elements in another shape. Samples that lie together before stay together where their dimension is split or merged
/// with those behind it.
pub fn reshape(x: &Lying) -> Lies {
    let Some(axis) = x.axes[0] else { return Ok(None) };
    let to = &x.output.shape.0;
    let before = Dim::product(&x.shape(0)[..axis]);
    let whole = |i: &usize| Dim::product(&to[..*i]) == before && to[*i].divide(&Dim::batch()).is_some();
    let batch = |i: &usize| to[*i].symbols().contains(&"N");
    match (0..to.len()).find(whole) {
        Some(axis) => Ok(Some(axis)),
        None => mixed(Mixing::Place, (0..to.len()).find(batch)),
    }
}

/// Dimension `i` of the result is dimension `axes[i]` of the input.
pub fn permute(x: &Lying) -> Lies {
    let axes = x.attrs.get_axes("axes");
    Ok(x.axes[0].and_then(|axis| axes.iter().position(|&from| from == axis)))
}

/// A product of matrices.
pub fn matmul(x: &Lying) -> Lies {
    let ranks = [x.shape(0).len(), x.shape(1).len()];
    let inner = [
        if x.attrs.get_bool("ta") { ranks[0] - 2 } else { ranks[0] - 1 },
        if x.attrs.get_bool("tb") { ranks[1] - 1 } else { ranks[1] - 2 },
    ];
    let rank = x.output.shape.rank();
    let summed = |i: usize| x.axes[i] == Some(inner[i]);
    // Where what is not summed over lies.
    let place = |i: usize| match x.axes[i] {
        Some(axis) if axis + 2 >= ranks[i] => Some(rank - 2 + i),
        Some(axis) => Some(axis + rank - ranks[i]),
        None => None,
    };
    match (summed(0), summed(1)) {
        (true, true) => mixed(Mixing::Products, None),
        (true, false) => mixed(Mixing::Sum, place(1)),
        (false, true) => mixed(Mixing::Sum, place(0)),
        (false, false) => match (place(0), place(1)) {
            (Some(a), Some(b)) if a != b && ranks == [2, 2] => mixed(Mixing::Pairs, Some(0)),
            (Some(a), Some(b)) if a != b => mixed(Mixing::Other, None),
            (a, b) => Ok(a.or(b)),
        },
    }
}

/// Elements of the first input chosen by the second, along `axis`.
pub fn gather(x: &Lying) -> Lies {
    choose(x, x.attrs.get_usize("axis"))
}

/// Rows of each sample chosen or placed by the second input.
pub fn rows(x: &Lying) -> Lies {
    choose(x, 1)
}

fn choose(x: &Lying, along: usize) -> Lies {
    match (x.axes[0], x.axes[1]) {
        (Some(axis), _) if axis == along => mixed(Mixing::Other, Some(axis)),
        (Some(a), Some(b)) if a != b => mixed(Mixing::Other, Some(a)),
        (a, b) => Ok(a.or(b)),
    }
}

/// Elements of the second input added where the first says, along `axis`.
pub fn scatter(x: &Lying) -> Lies {
    let along = x.attrs.get_usize("axis");
    if x.axes.iter().flatten().any(|axis| *axis == along) { mixed(Mixing::Other, Some(along)) } else { each(x) }
}

/// The first input by statistics of its channels, which must not have samples of their own.
pub fn by_channel(x: &Lying) -> Lies {
    if x.axes[1..].iter().any(Option::is_some) { mixed(Mixing::Statistic, x.axes[0]) } else { along_last(x) }
}

fn along(x: &Lying, dim: usize, how: Mixing) -> Lies {
    if x.axes.iter().flatten().any(|axis| *axis == dim) { mixed(how, first_aligned(x)) } else { each(x) }
}
