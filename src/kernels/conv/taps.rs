//! Convolution as products of input pixels with taps, without ever laying out patches: the forward pass, and the gradient of the
//! input, which is a convolution of dy for each residue of the stride.
use super::Conv2d;
use crate::kernels::panels::{Panel, panels};
use crate::kernels::parallel;
use crate::kernels::scratch::Buffer;
use crate::kernels::tile::{Ahead, Run, Simd, Strip, Task};

/// Images `[n, h, w, c]`.
#[derive(Clone, Copy, Debug)]
pub struct Images {
    n: usize,
    h: usize,
    w: usize,
    c: usize,
}

/// A convolution whose outputs are every `out_stride`-th pixel from `(first_y, first_x)`. Output `(y, x)` reads input
/// `(y stride + ky - top, x stride + kx - left)`.
#[derive(Clone, Debug)]
struct Pass {
    kh: usize,
    kw: usize,
    stride: usize,
    top: isize,
    left: isize,
    out_stride: usize,
    first_y: usize,
    first_x: usize,
    /// Steps of the packed weight before this pass's.
    steps: usize,
}

/// What [`Task::run`] computes: passes over an input with one weight.
pub struct Taps<'a> {
    x: &'a [f32],
    input: Images,
    y: &'a mut [f32],
    output: Images,
    passes: Vec<Pass>,
    weight: Weight<'a>,
}

/// A weight whose value for (tap, input channel i, output channel o) is `w[tap + i * per_input + o * per_output]`.
struct Weight<'a> {
    w: &'a [f32],
    per_input: usize,
    per_output: usize,
    /// The taps in the order of the passes.
    taps: Vec<usize>,
}

impl<'a> Taps<'a> {
    /// y = conv(x, w).
    pub fn forward(cfg: &Conv2d, x: &'a [f32], w: &'a [f32], y: &'a mut [f32]) -> Self {
        let (ci, taps) = (cfg.ci, cfg.taps());
        let pad = cfg.padding as isize;
        let pass = Pass {
            kh: cfg.kh,
            kw: cfg.kw,
            stride: cfg.stride,
            top: pad,
            left: pad,
            out_stride: 1,
            first_y: 0,
            first_x: 0,
            steps: 0,
        };
        Taps {
            x,
            input: Images { n: cfg.n, h: cfg.h, w: cfg.w, c: ci },
            y,
            output: Images { n: cfg.n, h: cfg.out_h(), w: cfg.out_w(), c: cfg.co },
            passes: vec![pass],
            weight: Weight { w, per_input: taps, per_output: ci * taps, taps: (0..taps).collect() },
        }
    }

    /// dx, given dy.
    pub fn input_grad(cfg: &Conv2d, dy: &'a [f32], w: &'a [f32], dx: &'a mut [f32]) -> Self {
        let (ci, co, taps, kw) = (cfg.ci, cfg.co, cfg.taps(), cfg.kw);
        // Which kernel row or column feeds residue r of the input, in the order of the dy it meets.
        let feeding = |r: usize, k: usize| -> Vec<usize> {
            (0..k).rev().filter(|&t| (r + cfg.padding + k * cfg.stride - t).is_multiple_of(cfg.stride)).collect()
        };
        let before = |r: usize, t: Option<&usize>| {
            t.map_or(0, |&t| -((r + cfg.padding) as isize - t as isize).div_euclid(cfg.stride as isize))
        };
        let (mut passes, mut order) = (vec![], vec![]);
        for first_y in 0..cfg.stride.min(cfg.h) {
            for first_x in 0..cfg.stride.min(cfg.w) {
                let (ys, xs) = (feeding(first_y, cfg.kh), feeding(first_x, kw));
                let (top, left) = (before(first_y, ys.first()), before(first_x, xs.first()));
                let steps = order.len() * co;
                let (kh, kw) = (ys.len(), xs.len());
                passes.push(Pass { kh, kw, stride: 1, top, left, out_stride: cfg.stride, first_y, first_x, steps });
                order.extend(ys.iter().flat_map(|ky| xs.iter().map(move |kx| ky * cfg.kw + kx)));
            }
        }
        Taps {
            x: dy,
            input: Images { n: cfg.n, h: cfg.out_h(), w: cfg.out_w(), c: co },
            y: dx,
            output: Images { n: cfg.n, h: cfg.h, w: cfg.w, c: ci },
            passes,
            weight: Weight { w, per_input: ci * taps, per_output: taps, taps: order },
        }
    }
}

/// The parts of [`Taps`] that every piece of work reads.
struct Shared<'a> {
    x: &'a [f32],
    input: Images,
    output: Images,
    passes: &'a [Pass],
    packed: &'a [f32],
    panels: &'a [Panel],
    steps: usize,
    /// Columns of zeros needed left and right of the input.
    margins: (usize, usize),
}

impl Task for Taps<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let panels = panels(self.output.c, S::LANES);
        let (input, output) = (self.input, self.output);
        let packed = self.weight.pack::<S>(&panels, input.c);
        let shared = Shared {
            x: self.x,
            input,
            output,
            passes: &self.passes,
            packed: &packed,
            panels: &panels,
            steps: self.weight.taps.len() * input.c,
            margins: margins(&self.passes, input, output),
        };
        let image = output.h * output.w * output.c;
        if output.w <= SMALL_MAP && output.n >= 4 {
            let per = output.n.div_ceil(output.n.div_ceil(BATCH));
            return parallel::chunks(self.y, per * image, |start, y| shared.small_maps(simd, start / image, y));
        }
        let row = output.w * output.c;
        let rows = (BAND / row).clamp(1, output.h);
        // Bands do not cross images: pieces are cut image by image.
        let bands = self
            .y
            .chunks_mut(image)
            .enumerate()
            .flat_map(|(n, y)| y.chunks_mut(rows * row).enumerate().map(move |(i, band)| (n, i * rows, band)));
        parallel::each(bands, |(n, first, y)| shared.band(simd, n, first, y));
    }
}

/// Up to this width, a tile's rows are the same pixel of several images rather than neighbours in one.
const SMALL_MAP: usize = 8;
/// Images in such a tile.
const BATCH: usize = 8;
/// Output values in a band of rows.
const BAND: usize = 1 << 16;

impl Shared<'_> {
    /// Computes output rows from `first` of image `n`.
    fn band<S: Simd>(&self, simd: S, n: usize, first: usize, y: &mut [f32]) {
        let (input, output) = (self.input, self.output);
        let row = output.w * output.c;
        let last = first + y.len() / row;
        let image = &self.x[n * input.h * input.w * input.c..][..input.h * input.w * input.c];
        let lines = self.lines(first, last);
        let mut buffer = vec![];
        let width = self.margins.0 + input.w + self.margins.1;
        let padded = if width == input.w {
            &image[lines.start * input.w * input.c..lines.end * input.w * input.c]
        } else {
            pad_lines(&image[lines.start * input.w * input.c..], lines.len(), input, self.margins, &mut buffer);
            &buffer
        };
        let mut runs = vec![];
        for (panel, pass) in self.panels.iter().flat_map(|panel| self.passes.iter().map(move |pass| (panel, pass))) {
            let b = self.weight(panel);
            for oy in (first..last).filter(|oy| oy % pass.out_stride == pass.first_y) {
                runs.clear();
                let top = (oy / pass.out_stride * pass.stride) as isize - pass.top;
                let shift = (self.margins.0 as isize - pass.left) as usize;
                runs.extend(valid(top, pass.kh, input.h).map(|ky| Run {
                    a: (((top + ky as isize) as usize - lines.start) * width + shift) * input.c,
                    b: (pass.steps + ky * pass.kw * input.c) * panel.vectors * S::LANES,
                    len: pass.kw * input.c,
                }));
                runs.retain(|run| run.len > 0);
                let out = &mut y[(oy - first) * row..][..row];
                self.line::<S>(simd, pass, panel, &runs, padded, b, out);
            }
        }
    }

    /// Computes one pass's pixels of one output row, for one panel; the runs are those of its first pixel.
    #[expect(clippy::too_many_arguments, reason = "the innermost step of a loop nest")]
    fn line<S: Simd>(&self, simd: S, pass: &Pass, panel: &Panel, runs: &[Run], a: &[f32], b: &[f32], out: &mut [f32]) {
        let c = self.output.c;
        let pixels = (self.output.w - pass.first_x).div_ceil(pass.out_stride);
        let strip = Strip {
            rows: pixels,
            vectors: panel.vectors,
            cols: panel.cols,
            a_row: pass.stride * self.input.c,
            a_step: 1,
            a_tile: None,
            b_step: panel.vectors * S::LANES,
            c_row: pass.out_stride * c,
            add: false,
            ahead: Ahead::default(),
        };
        simd.strip(&strip, runs, a, b, &mut out[pass.first_x * c + panel.first..]);
    }

    /// Computes whole images from `first`, pixel by pixel over all of them.
    fn small_maps<S: Simd>(&self, simd: S, first: usize, y: &mut [f32]) {
        let (input, output) = (self.input, self.output);
        let (from, to) = (input.h * input.w * input.c, output.h * output.w * output.c);
        let images = y.len() / to;
        // A distance that is no power of two, so that the images do not fight for the same cache lines.
        let apart = from + 16;
        let mut buffer = vec![0.0; images * apart];
        for (i, copy) in buffer.chunks_exact_mut(apart).enumerate() {
            copy[..from].copy_from_slice(&self.x[(first + i) * from..][..from]);
        }
        let mut runs = vec![];
        for (panel, pass) in self.panels.iter().flat_map(|panel| self.passes.iter().map(move |pass| (panel, pass))) {
            let b = self.weight(panel);
            for oy in (pass.first_y..output.h).step_by(pass.out_stride) {
                for ox in (pass.first_x..output.w).step_by(pass.out_stride) {
                    self.runs::<S>(pass, panel, oy, ox, &mut runs);
                    let strip = Strip {
                        rows: images,
                        vectors: panel.vectors,
                        cols: panel.cols,
                        a_row: apart,
                        a_step: 1,
                        a_tile: None,
                        b_step: panel.vectors * S::LANES,
                        c_row: to,
                        add: false,
                        ahead: Ahead::default(),
                    };
                    let out = &mut y[(oy * output.w + ox) * output.c + panel.first..];
                    simd.strip(&strip, &runs, &buffer, b, out);
                }
            }
        }
    }

    /// The runs of one pixel over the taps that fall inside the image.
    fn runs<S: Simd>(&self, pass: &Pass, panel: &Panel, oy: usize, ox: usize, runs: &mut Vec<Run>) {
        let input = self.input;
        let corner = |o: usize, before: isize| (o / pass.out_stride * pass.stride) as isize - before;
        let (top, left) = (corner(oy, pass.top), corner(ox, pass.left));
        let columns = valid(left, pass.kw, input.w);
        runs.clear();
        if columns.is_empty() {
            return;
        }
        runs.extend(valid(top, pass.kh, input.h).map(|ky| Run {
            a: ((top + ky as isize) as usize * input.w + (left + columns.start as isize) as usize) * input.c,
            b: (pass.steps + (ky * pass.kw + columns.start) * input.c) * panel.vectors * S::LANES,
            len: columns.len() * input.c,
        }));
    }

    /// The packed weight of a panel.
    fn weight(&self, panel: &Panel) -> &[f32] {
        &self.packed[panel.first * self.steps..]
    }

    /// The input rows that output rows `first..last` read.
    fn lines(&self, first: usize, last: usize) -> std::ops::Range<usize> {
        let h = self.input.h as isize;
        let inside = |line: isize| line.clamp(0, h) as usize;
        let used = self.passes.iter().filter(|pass| pass.kh > 0);
        let low = |pass: &Pass| inside((first / pass.out_stride * pass.stride) as isize - pass.top);
        let high = |pass: &Pass| inside(((last - 1) / pass.out_stride * pass.stride + pass.kh) as isize - pass.top);
        let start = used.clone().map(low).min().unwrap_or(0);
        start..used.map(high).max().unwrap_or(0).max(start)
    }
}

/// Which of `k` taps from position `first` fall inside `0..size`.
fn valid(first: isize, k: usize, size: usize) -> std::ops::Range<usize> {
    let start = (-first).clamp(0, k as isize) as usize;
    let end = (size as isize - first).clamp(0, k as isize) as usize;
    start..end.max(start)
}

/// How many columns left and right of the input the passes reach.
fn margins(passes: &[Pass], input: Images, output: Images) -> (usize, usize) {
    let used = passes.iter().filter(|pass| pass.kw > 0);
    let left = used.clone().map(|pass| pass.left).max().unwrap_or(0).max(0);
    let reach = |pass: &Pass| {
        let pixels = (output.w - pass.first_x).div_ceil(pass.out_stride);
        ((pixels - 1) * pass.stride + pass.kw) as isize - pass.left - input.w as isize
    };
    (left as usize, used.map(reach).max().unwrap_or(0).max(0) as usize)
}

/// Copies `lines` rows of an image with zeros left and right of each.
fn pad_lines(image: &[f32], lines: usize, input: Images, margins: (usize, usize), buffer: &mut Vec<f32>) {
    let row = input.w * input.c;
    let (left, right) = (margins.0 * input.c, margins.1 * input.c);
    buffer.clear();
    buffer.reserve(lines * (left + row + right));
    for line in image.chunks_exact(row).take(lines) {
        buffer.resize(buffer.len() + left, 0.0);
        buffer.extend_from_slice(line);
        buffer.resize(buffer.len() + right, 0.0);
    }
}

impl Weight<'_> {
    /// In panels of `[tap][input channel][output channel]`, zeros where the last panel has no channel.
    fn pack<S: Simd>(&self, panels: &[Panel], inputs: usize) -> Buffer {
        let steps = self.taps.len() * inputs;
        let total: usize = panels.iter().map(|p| p.vectors * S::LANES).sum();
        let mut packed = Buffer::zeros(total * steps);
        let pieces = packed.chunks_mut((2 * S::LANES * steps).max(1)).zip(panels);
        parallel::each(pieces, |(piece, panel)| {
            let width = panel.vectors * S::LANES;
            for i in 0..inputs {
                for (k, tap) in self.taps.iter().enumerate() {
                    let from = self.w[tap + i * self.per_input + panel.first * self.per_output..].iter();
                    let out = piece[(k * inputs + i) * width..][..panel.cols].iter_mut();
                    out.zip(from.step_by(self.per_output)).for_each(|(o, &v)| *o = v);
                }
            }
        });
        packed
    }
}
