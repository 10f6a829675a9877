//! The transformed weight, in panels of output channels.
use super::points;
use super::transform::PLANES;
use crate::kernels::panels::Panel;
use crate::kernels::parallel;
use crate::kernels::scratch::Buffer;
use crate::kernels::tile::{Simd, Vector, VectorTask};

/// A 3 x 3 weight whose value for (tap, input channel i, output channel o) is `w[tap + i * per_input + o * per_output]`.
#[derive(Clone, Copy)]
pub struct Weight<'a> {
    /// The values.
    pub w: &'a [f32],
    /// The distance of input channels.
    pub per_input: usize,
    /// The distance of output channels.
    pub per_output: usize,
    /// Take the taps from the last to the first.
    pub flip: bool,
    /// Input channels.
    pub inputs: usize,
}

/// Planes of `[input][output channel of the panel]`, panel by panel.
pub struct Transformed {
    data: Buffer,
    panel: usize,
    /// The distance of planes.
    pub plane: usize,
}

impl Transformed {
    /// The planes of a panel.
    pub fn panel(&self, index: usize) -> &[f32] {
        &self.data[index * self.panel..][..self.panel]
    }

    /// Transforms a weight.
    pub fn new<S: Simd>(simd: S, weight: Weight, panels: &[Panel]) -> Self {
        // A line more than needed, so that the planes do not fight for the same cache lines.
        let plane = weight.inputs * 2 * S::LANES + 16;
        let panel = PLANES * plane;
        let mut data = Buffer::default();
        parallel::each(data.reset(panel * panels.len()).chunks_exact_mut(panel).zip(panels), |(out, panel)| {
            simd.vectors(PanelTask { weight, panel, out, plane });
        });
        Transformed { data, panel, plane }
    }
}

/// Transforms one panel.
struct PanelTask<'a> {
    weight: Weight<'a>,
    panel: &'a Panel,
    out: &'a mut [f32],
    plane: usize,
}

impl VectorTask for PanelTask<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Weight { w, per_input, per_output, flip, inputs } = self.weight;
        let width = self.panel.vectors * V::LANES;
        for at in (0..inputs * width).step_by(V::LANES) {
            let (i, o) = (at / width, at % width);
            let mut taps = [[0.0f32; 16]; 9];
            for lane in 0..V::LANES {
                let from: &[f32; 9] = w[i * per_input + (self.panel.first + o + lane) * per_output..]
                    .first_chunk()
                    .expect("nine taps a pair of channels");
                for (t, values) in taps.iter_mut().enumerate() {
                    values[lane] = from[if flip { 8 - t } else { t }];
                }
            }
            let out = &mut self.out[at..][..(PLANES - 1) * self.plane + V::LANES];
            // SAFETY: `taps` holds 16 values a tap, and `out` reaches to the last plane's vector. (No closures: code in them would
            // not see the vector instructions.)
            unsafe {
                let mut rows = [[V::splat(0.0); 3]; 6];
                for x in 0..3 {
                    let [a, b, c] = [taps[x].as_ptr(), taps[3 + x].as_ptr(), taps[6 + x].as_ptr()];
                    let column = points::weight([V::load(a), V::load(b), V::load(c)]);
                    for y in 0..6 {
                        rows[y][x] = column[y];
                    }
                }
                for (y, &row) in rows.iter().enumerate() {
                    let points = points::weight(row);
                    for (x, &value) in points.iter().enumerate() {
                        value.store(out.as_mut_ptr().add((y * 6 + x) * self.plane));
                    }
                }
            }
        }
    }
}
