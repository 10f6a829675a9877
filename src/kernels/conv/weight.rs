//! The gradient of a convolution's weight: products of input windows with dy, summed over pixels.
use super::Conv2d;
use super::windows::{Band, Windows};
use crate::kernels::panels::{Panel, panels};
use crate::kernels::parallel;
use crate::kernels::scratch::Buffer;
use crate::kernels::tile::{Ahead, Simd, Strip, Task};

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

/// From this size on a weight has one set of sums, whose pieces are shared out; a smaller one has a set for each part of the batch.
const LARGE: usize = 100_000;
/// Parts of the batch.
const PARTS: usize = 16;
/// Values of x that are packed at once.
const PACKED: usize = 1 << 21;

impl Task for WeightGrad<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let (windows, panels) = (Windows::new(self.cfg), panels(self.cfg.co, S::LANES));
        let job = Job { windows, panels: &panels, x: self.x, dy: self.dy, simd };
        let bands = windows.bands();
        let sums = if self.dw.len() < LARGE { job.by_parts(&bands) } else { job.by_pieces(&bands) };
        job.collect(&sums, self.dw);
    }
}

/// What every piece of work reads. Sums are laid out `[part][panel][ky][block of x][kx][channel of the block][channel of the panel]`.
struct Job<'a, S> {
    windows: Windows<'a>,
    panels: &'a [Panel],
    x: &'a [f32],
    dy: &'a [f32],
    simd: S,
}

impl<S: Simd> Job<'_, S> {
    /// Rows of all panels' sums in one part.
    fn steps(&self) -> usize {
        self.windows.cfg.taps() * self.windows.cfg.ci
    }

    /// One set of sums for each of a fixed number of parts of the batch.
    fn by_parts(&self, bands: &[Band]) -> Buffer {
        let parts = PARTS.clamp(1, bands.len().max(1));
        let panel = 2 * S::LANES * self.steps();
        let mut sums = Buffer::zeros(parts * self.panels.len() * panel);
        parallel::each(sums.chunks_mut(self.panels.len() * panel).enumerate(), |(part, sums)| {
            let (mut a, mut b) = (Buffer::default(), Buffer::default());
            for group in self.windows.groups(&bands[bands.len() * part / parts..bands.len() * (part + 1) / parts]) {
                self.windows.pack_input(group, self.x, &mut a);
                for (panel, sums) in self.panels.iter().zip(sums.chunks_mut(panel)) {
                    self.windows.pack_panel(group, panel, panel.vectors * S::LANES, self.dy, &mut b);
                    let rows = sums.chunks_mut(self.row(panel)).enumerate();
                    rows.take(self.windows.cfg.kh).for_each(|(ky, sums)| self.add(group, panel, ky, &a, &b, sums));
                }
            }
        });
        sums
    }

    /// One set of sums, whose pieces (one row of the kernel, one panel) are computed side by side from operands packed once.
    fn by_pieces(&self, bands: &[Band]) -> Buffer {
        let panel = 2 * S::LANES * self.steps();
        let mut sums = Buffer::zeros(self.panels.len() * panel);
        let groups: Vec<&[Band]> = self.windows.groups(bands).collect();
        let largest = groups.first().map_or(1, |group| self.windows.pixels(group) * self.windows.cfg.ci);
        for groups in groups.chunks((PACKED / largest).max(1)) {
            let inputs = parallel::map(groups.len(), |i| {
                let mut a = Buffer::default();
                self.windows.pack_input(groups[i], self.x, &mut a);
                a
            });
            let pieces = self.panels.iter().zip(sums.chunks_mut(panel)).flat_map(|(panel, sums)| {
                sums.chunks_mut(self.row(panel))
                    .take(self.windows.cfg.kh)
                    .enumerate()
                    .map(move |(ky, sums)| (panel, ky, sums))
            });
            parallel::each(pieces, |(panel, ky, sums)| {
                let mut b = Buffer::default();
                for (group, a) in groups.iter().zip(&inputs) {
                    self.windows.pack_panel(group, panel, panel.vectors * S::LANES, self.dy, &mut b);
                    self.add(group, panel, ky, a, &b, sums);
                }
            });
        }
        sums
    }

    /// Sums of one row of the kernel in one panel.
    fn row(&self, panel: &Panel) -> usize {
        self.windows.cfg.kw * self.windows.cfg.ci * panel.vectors * S::LANES
    }

    /// Adds the products of packed bands to the sums of row `ky` of the kernel.
    fn add(&self, bands: &[Band], panel: &Panel, ky: usize, a: &[f32], b: &[f32], sums: &mut [f32]) {
        let (windows, kw) = (&self.windows, self.windows.cfg.kw);
        let (pixels, width) = (windows.pixels(bands), panel.vectors * S::LANES);
        let mut runs = vec![];
        for (first, block) in windows.blocks() {
            for kx in (0..kw).step_by(windows.window()) {
                windows.runs(bands, (ky, kx), block, width, &mut runs);
                let sums = &mut sums[(first * kw + kx * block) * width..];
                let strip = Strip {
                    rows: windows.window() * block,
                    vectors: panel.vectors,
                    cols: width,
                    a_row: 1,
                    a_step: windows.step() * block,
                    a_tile: None,
                    b_step: width,
                    c_row: width,
                    add: true,
                    ahead: Ahead::default(),
                };
                self.simd.strip(&strip, &runs, &a[first * pixels..][..block * pixels], b, sums);
            }
        }
    }

    /// Adds the parts in order and puts the sums into the layout of the weight.
    fn collect(&self, sums: &[f32], dw: &mut [f32]) {
        let cfg = self.windows.cfg;
        let (taps, kw, ci) = (cfg.taps(), cfg.kw, cfg.ci);
        let panel_sums = 2 * S::LANES * self.steps();
        let part_sums = panel_sums * self.panels.len();
        let pieces = dw.chunks_mut(2 * S::LANES * ci * taps).zip(self.panels).enumerate();
        parallel::each(pieces, |(p, (dw, panel))| {
            let width = panel.vectors * S::LANES;
            for (first, block) in self.windows.blocks() {
                for k in 0..block * taps {
                    let (i, ky, kx) = (k / taps, k / kw % cfg.kh, k % kw);
                    let at = ((ky * ci + first) * kw + kx * block + i) * width + p * panel_sums;
                    let mut total = [0.0f32; 32];
                    for part in sums.chunks_exact(part_sums) {
                        total.iter_mut().zip(&part[at..at + width]).for_each(|(t, v)| *t += v);
                    }
                    let out = dw[first * taps + k..].iter_mut().step_by(ci * taps);
                    out.zip(total).take(panel.cols).for_each(|(o, v)| *o = v);
                }
            }
        });
    }
}
