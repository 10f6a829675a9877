//! Work split in pieces whose borders depend on sizes alone, never on the number of threads.
use rayon::prelude::*;

/// How many elements of cheap work make one piece.
pub const CHUNK: usize = 1 << 14;

/// Runs `f(start, piece)` on fixed pieces of `out`, in parallel where there are several.
pub fn chunks<T: Send>(out: &mut [T], chunk: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if out.len() <= chunk {
        if !out.is_empty() {
            f(0, out);
        }
        return;
    }
    out.par_chunks_mut(chunk).enumerate().for_each(|(i, piece)| f(i * chunk, piece));
}

/// Runs `f(first row, rows)` on fixed pieces of whole rows of `width` elements.
pub fn rows<T: Send>(out: &mut [T], width: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if width > 0 {
        chunks(out, rows_per_chunk(width) * width, |start, piece| f(start / width, piece));
    }
}

/// How many rows of `width` elements make one piece.
pub fn rows_per_chunk(width: usize) -> usize {
    (CHUNK / width.max(1)).max(1)
}

/// `f` of every number below `n`, in order of the numbers.
pub fn map<R: Send>(n: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if n == 1 { vec![f(0)] } else { (0..n).into_par_iter().map(&f).collect() }
}

/// Runs `f` on every item, in parallel where there are several.
pub fn each<I: Iterator<Item: Send>>(items: I, f: impl Fn(I::Item) + Sync) {
    let items: Vec<_> = items.collect();
    if items.len() <= 1 { items.into_iter().for_each(&f) } else { items.into_par_iter().for_each(&f) }
}

/// [`each`], with scratch that is reused from item to item.
pub fn each_with<T: Send, W>(
    items: Vec<T>,
    scratch: impl Fn() -> W + Sync + Send,
    f: impl Fn(&mut W, T) + Sync + Send,
) {
    items.into_par_iter().for_each_init(scratch, f);
}
