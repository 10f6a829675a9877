//! The two operands of a weight's gradient, packed for the inner loop.
//!
//! x is kept by blocks of channels. On wide maps a block holds padded rows, and the inner loop's rows are a window of `kw` pixels of a
//! block, its steps the pixels of an output row. On small maps a block holds each pixel of all images side by side, the inner loop's rows
//! are one pixel of a block, its steps the images; so taps that fall outside the image cost nothing.
use super::Conv2d;
use crate::kernels::panels::{Panel, split};
use crate::kernels::scratch::{Buffer, copy_few};
use crate::kernels::tile::Run;

/// Output rows `first..last` of an image.
#[derive(Clone, Copy, Debug)]
pub struct Band {
    image: usize,
    first: usize,
    last: usize,
}

/// Channels of x in a block.
const BLOCK: usize = 16;
/// Pixels over which one call of the inner loop sums, about.
const PIXELS: usize = 512;
/// Up to this width a map is small.
const SMALL: usize = 8;

/// How the operands are packed: which sizes, and which of the two ways.
#[derive(Clone, Copy)]
pub struct Windows<'a> {
    /// The sizes.
    pub cfg: &'a Conv2d,
    small: bool,
}

impl<'a> Windows<'a> {
    /// The way that suits the sizes.
    pub fn new(cfg: &'a Conv2d) -> Self {
        Windows { cfg, small: cfg.out_w() <= SMALL && cfg.w <= 4 * SMALL && cfg.n >= 4 && cfg.ci >= BLOCK }
    }

    /// All output rows, in bands of about [`PIXELS`]; whole images if the map is small.
    pub fn bands(&self) -> Vec<Band> {
        let height = self.cfg.out_h();
        let rows = if self.small { height } else { (PIXELS / self.cfg.out_w()).max(1) };
        let band = |image| split(height, rows).map(move |(first, len)| Band { image, first, last: first + len });
        (0..self.cfg.n).flat_map(band).collect()
    }

    /// Bands that are packed together.
    pub fn groups<'b>(&self, bands: &'b [Band]) -> impl Iterator<Item = &'b [Band]> + use<'b> {
        let pixels = bands.first().map_or(1, |b| (b.last - b.first) * self.cfg.out_w());
        let together = if self.small { (2 * PIXELS / pixels).clamp(8, 32) } else { (PIXELS / pixels).max(1) };
        bands.chunks(together)
    }

    /// The blocks of channels of x: (first, length).
    pub fn blocks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let ci = self.cfg.ci;
        (0..ci).step_by(BLOCK).map(move |first| (first, BLOCK.min(ci - first)))
    }

    /// Pixels in the window that is the inner loop's rows.
    pub fn window(&self) -> usize {
        if self.small { 1 } else { self.cfg.kw }
    }

    /// The distance of the inner loop's steps, in pixels of a block.
    pub fn step(&self) -> usize {
        if self.small { 1 } else { self.cfg.stride }
    }

    /// Pixels of a block of these bands.
    pub fn pixels(&self, bands: &[Band]) -> usize {
        bands.iter().map(|band| self.lines(band).len()).sum::<usize>() * self.width()
    }

    /// Packs x.
    pub fn pack_input(&self, bands: &[Band], x: &[f32], buffer: &mut Buffer) {
        let (cfg, pixels) = (self.cfg, self.pixels(bands));
        let row = cfg.w * cfg.ci;
        let a = buffer.reset(pixels * cfg.ci);
        a.fill(0.0);
        let mut done = 0;
        for (image, band) in bands.iter().enumerate() {
            for line in self.lines(band) {
                let x = &x[(band.image * cfg.h + line) * row..][..row];
                let (at, apart) = match self.small {
                    true => (line * cfg.w * bands.len() + image, bands.len()),
                    false => (done * self.width() + cfg.padding, 1),
                };
                for (first, block) in self.blocks() {
                    let out = a[first * pixels + at * block..].chunks_mut(apart * block);
                    x.chunks_exact(cfg.ci)
                        .zip(out)
                        .for_each(|(x, out)| copy_few(&x[first..first + block], &mut out[..block]));
                }
                done += 1;
            }
        }
    }

    /// Packs one panel of dy, with zeros where it has no channel.
    pub fn pack_panel(&self, bands: &[Band], panel: &Panel, width: usize, dy: &[f32], buffer: &mut Buffer) {
        let (co, ow) = (self.cfg.co, self.cfg.out_w());
        let pixels: usize = bands.iter().map(|band| (band.last - band.first) * ow).sum();
        let b = buffer.reset(pixels * width);
        if panel.cols < width {
            b.fill(0.0);
        }
        let mut done = 0;
        for (image, band) in bands.iter().enumerate() {
            let own = (band.last - band.first) * ow;
            let dy = &dy[(band.image * self.cfg.out_h() + band.first) * ow * co..][..own * co];
            let (at, apart) = if self.small { (image, bands.len()) } else { (done, 1) };
            let out = b[at * width..].chunks_mut(apart * width);
            dy.chunks_exact(co).zip(out).for_each(|(dy, out)| copy_few(&dy[panel.first..], &mut out[..panel.cols]));
            done += own;
        }
    }

    /// Where the inner loop finds its operands for tap `(ky, kx)` (on wide maps, for the window that starts there).
    pub fn runs(&self, bands: &[Band], (ky, kx): (usize, usize), block: usize, width: usize, runs: &mut Vec<Run>) {
        runs.clear();
        if self.small {
            self.runs_small(bands.len(), (ky, kx), block, width, runs)
        } else {
            self.runs_wide(bands, ky, block, width, runs)
        }
    }

    fn runs_wide(&self, bands: &[Band], ky: usize, block: usize, width: usize, runs: &mut Vec<Run>) {
        let (mut lines, mut rows) = (0, 0);
        for band in bands {
            let own = self.lines(band);
            for oy in band.first..band.last {
                runs.extend(self.input_line(oy, ky).map(|line| Run {
                    a: (lines + line - own.start) * self.width() * block,
                    b: rows * self.cfg.out_w() * width,
                    len: self.cfg.out_w(),
                }));
                rows += 1;
            }
            lines += own.len();
        }
    }

    fn runs_small(&self, images: usize, (ky, kx): (usize, usize), block: usize, width: usize, runs: &mut Vec<Run>) {
        let cfg = self.cfg;
        for oy in 0..cfg.out_h() {
            let Some(iy) = self.input_line(oy, ky) else { continue };
            for ox in 0..cfg.out_w() {
                let ix = (ox * cfg.stride + kx).checked_sub(cfg.padding).filter(|&ix| ix < cfg.w);
                runs.extend(ix.map(|ix| Run {
                    a: (iy * cfg.w + ix) * images * block,
                    b: (oy * cfg.out_w() + ox) * images * width,
                    len: images,
                }));
            }
        }
    }

    /// The input row that tap `ky` of an output row reads, if it lies inside the image.
    fn input_line(&self, oy: usize, ky: usize) -> Option<usize> {
        (oy * self.cfg.stride + ky).checked_sub(self.cfg.padding).filter(|&line| line < self.cfg.h)
    }

    /// The width of the rows kept of x.
    fn width(&self) -> usize {
        let cfg = self.cfg;
        match self.small {
            true => cfg.w,
            false => cfg.padding + cfg.w.max(((cfg.out_w() - 1) * cfg.stride + cfg.kw).saturating_sub(cfg.padding)),
        }
    }

    /// The input rows that a band's windows reach; on small maps all.
    fn lines(&self, band: &Band) -> std::ops::Range<usize> {
        let cfg = self.cfg;
        let inside = |line: usize| line.saturating_sub(cfg.padding).min(cfg.h);
        match self.small {
            true => 0..cfg.h,
            false => inside(band.first * cfg.stride)..inside((band.last - 1) * cfg.stride + cfg.kh),
        }
    }
}
