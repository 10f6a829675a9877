//! The gradient of a convolution's weight as products of input windows with dy, summed over pixels.
use super::Conv2d;
use super::panels::{Panel, panels, split};
use super::simd::{Run, Simd, Task, Tile};
use crate::kernels::parallel;

/// dw, given x and dy.
pub struct WeightGrad<'a> {
    /// The sizes.
    pub cfg: &'a Conv2d,
    /// The input.
    pub x: &'a [f32],
    /// The gradient of the output.
    pub dy: &'a [f32],
    /// The result.
    pub dw: &'a mut [f32],
}

/// Pixels over which one pass of the inner loop sums.
const PIXELS: usize = 512;
/// Pieces of work to aim for.
const PIECES: usize = 16;

impl Task for WeightGrad<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let cfg = self.cfg;
        let panels = panels(cfg.co, S::LANES);
        let bands = bands(cfg);
        // Parts of the bands, each with sums of its own; their number depends on sizes alone.
        let parts = (PIECES / panels.len()).clamp(1, bands.len().max(1));
        let steps = cfg.taps() * cfg.ci;
        let mut sums = vec![0.0; parts * panels.len() * 2 * S::LANES * steps];
        let pieces = sums.chunks_mut(2 * S::LANES * steps).enumerate();
        parallel::each(pieces, |(i, sum)| {
            let (part, panel) = (i / panels.len(), &panels[i % panels.len()]);
            let bands = &bands[bands.len() * part / parts..bands.len() * (part + 1) / parts];
            for group in groups(bands, cfg.out_w()) {
                let piece = Piece::<S>::new(cfg, panel, group, self.x, self.dy);
                piece.add_to(simd, sum);
            }
        });
        collect::<S>(cfg, &panels, &sums, self.dw);
    }
}

/// Output rows `first..last` of an image.
#[derive(Clone, Copy, Debug)]
struct Band {
    image: usize,
    first: usize,
    last: usize,
}

impl Band {
    /// The input rows that its windows reach.
    fn lines(&self, cfg: &Conv2d) -> std::ops::Range<usize> {
        let inside = |line: usize| line.saturating_sub(cfg.padding).min(cfg.h);
        inside(self.first * cfg.stride)..inside((self.last - 1) * cfg.stride + cfg.kh)
    }
}

/// All output rows, in bands of about [`PIXELS`].
fn bands(cfg: &Conv2d) -> Vec<Band> {
    let rows = (PIXELS / cfg.out_w()).max(1);
    (0..cfg.n)
        .flat_map(|image| split(cfg.out_h(), rows).map(move |(first, len)| Band { image, first, last: first + len }))
        .collect()
}

/// Bands that together have about [`PIXELS`].
fn groups(bands: &[Band], width: usize) -> impl Iterator<Item = &[Band]> {
    let pixels = bands.first().map_or(1, |b| (b.last - b.first) * width);
    bands.chunks((PIXELS / pixels).max(1))
}

/// The inputs of one pass: x by blocks of channels, rows padded; one panel of dy.
struct Piece<'a, S> {
    cfg: &'a Conv2d,
    panel: &'a Panel,
    bands: &'a [Band],
    a: Vec<f32>,
    b: Vec<f32>,
    simd: std::marker::PhantomData<S>,
}

/// Channels of x in a block.
const BLOCK: usize = 16;

impl<'a, S: Simd> Piece<'a, S> {
    fn new(cfg: &'a Conv2d, panel: &'a Panel, bands: &'a [Band], x: &[f32], dy: &[f32]) -> Self {
        let lines: usize = bands.iter().map(|band| band.lines(cfg).len()).sum();
        let mut a = vec![0.0; lines * Self::width(cfg) * cfg.ci];
        let mut done = 0;
        for band in bands {
            for line in band.lines(cfg) {
                let x = &x[(band.image * cfg.h + line) * cfg.w * cfg.ci..][..cfg.w * cfg.ci];
                for (first, block) in blocks(cfg.ci) {
                    let at = first * lines * Self::width(cfg) + (done * Self::width(cfg) + cfg.padding) * block;
                    let out = a[at..].chunks_exact_mut(block);
                    x.chunks_exact(cfg.ci).zip(out).for_each(|(x, out)| out.copy_from_slice(&x[first..first + block]));
                }
                done += 1;
            }
        }
        let b = pack_panel(cfg, panel, bands, panel.vectors * S::LANES, dy);
        Piece { cfg, panel, bands, a, b, simd: std::marker::PhantomData }
    }

    /// The width of the padded rows of x.
    fn width(cfg: &Conv2d) -> usize {
        cfg.padding + cfg.w.max((cfg.out_w() - 1) * cfg.stride + cfg.kw - cfg.padding)
    }

    /// Adds the products to `sum`, laid out `[ky][block of x][kx][channel of the block][channel of the panel]`.
    fn add_to(&self, simd: S, sum: &mut [f32]) {
        let (cfg, width) = (self.cfg, self.panel.vectors * S::LANES);
        let lines: usize = self.bands.iter().map(|band| band.lines(cfg).len()).sum();
        let mut runs = vec![];
        for ky in 0..cfg.kh {
            for (first, block) in blocks(cfg.ci) {
                self.runs(ky, block, width, &mut runs);
                let a = &self.a[first * lines * Self::width(cfg)..][..block * lines * Self::width(cfg)];
                let sum = &mut sum[(ky * cfg.ci + first) * cfg.kw * width..];
                for (i, rows) in split(cfg.kw * block, S::rows(self.panel.vectors)) {
                    let tile = Tile {
                        rows,
                        vectors: self.panel.vectors,
                        cols: width,
                        a_row: 1,
                        a_step: cfg.stride * block,
                        c_row: width,
                        add: true,
                    };
                    simd.tile(&tile, &runs, &a[i..], &self.b, &mut sum[i * width..]);
                }
            }
        }
    }

    /// One run for each output row whose tap `ky` lies inside the image.
    fn runs(&self, ky: usize, block: usize, width: usize, runs: &mut Vec<Run>) {
        let cfg = self.cfg;
        runs.clear();
        let (mut lines, mut rows) = (0, 0);
        for band in self.bands {
            let own = band.lines(cfg);
            for oy in band.first..band.last {
                let line = (oy * cfg.stride + ky).checked_sub(cfg.padding).filter(|&line| line < cfg.h);
                runs.extend(line.map(|line| Run {
                    a: (lines + line - own.start) * Self::width(cfg) * block,
                    b: rows * cfg.out_w() * width,
                    len: cfg.out_w(),
                }));
                rows += 1;
            }
            lines += own.len();
        }
    }
}

/// The blocks of channels of x: (first, length).
fn blocks(ci: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..ci).step_by(BLOCK).map(move |first| (first, BLOCK.min(ci - first)))
}

/// One panel of dy for the bands' pixels, `[pixel][channel]`, zeros where it has no channel.
fn pack_panel(cfg: &Conv2d, panel: &Panel, bands: &[Band], width: usize, dy: &[f32]) -> Vec<f32> {
    let (ow, co) = (cfg.out_w(), cfg.co);
    let pixels: usize = bands.iter().map(|band| (band.last - band.first) * ow).sum();
    let mut b = vec![0.0; pixels * width];
    let mut out = b.chunks_exact_mut(width);
    for band in bands {
        let from = (band.image * cfg.out_h() + band.first) * ow * co;
        let dy = &dy[from..][..(band.last - band.first) * ow * co];
        for (pixel, out) in dy.chunks_exact(co).zip(&mut out) {
            out[..panel.cols].copy_from_slice(&pixel[panel.first..][..panel.cols]);
        }
    }
    b
}

/// Adds the parts in order and puts the sums into the layout of the weight.
fn collect<S: Simd>(cfg: &Conv2d, panels: &[Panel], sums: &[f32], dw: &mut [f32]) {
    let (taps, ci) = (cfg.taps(), cfg.ci);
    let piece = 2 * S::LANES * taps * ci;
    let parts = sums.len() / (piece * panels.len());
    parallel::chunks(dw, ci * taps, |start, dw| {
        let o = start / (ci * taps);
        let (p, lane) = (o / (2 * S::LANES), o % (2 * S::LANES));
        let width = panels[p].vectors * S::LANES;
        for (first, block) in blocks(ci) {
            for k in 0..taps * block {
                let (ky, kx, i) = (k / (cfg.kw * block), k / block % cfg.kw, k % block);
                let at = ((ky * ci + first) * cfg.kw + kx * block + i) * width + lane;
                let sum = (0..parts).map(|part| sums[(part * panels.len() + p) * piece + at]).sum();
                dw[(first + i) * taps + ky * cfg.kw + kx] = sum;
            }
        }
    });
}
