//! Pooling of images.

use super::{Build, Layer, Module, Output, Peer};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::graph::ops::window::{Window, image};
use crate::graph::{NodeId, ShapeError};

const SIDE: ParamType = ParamType::Int { min: 1, max: 1 << 12 };
const PARAMS: &[Param] = &[
    Param::optional("kernel", SIDE, "2", "the side of a window in pixels"),
    Param::optional("stride", SIDE, "none", "pixels from one window to the next; the kernel when left out"),
    Param::optional("padding", ParamType::Int { min: 0, max: 1 << 11 }, "0", "pixels added on each side"),
];
const FORMULA: &str = "[N, H, W, C] -> [N, (H + 2 padding - kernel) / stride + 1, .., C]";

/// `maxpool()`
pub static MAX: Layer = Layer {
    entry: Entry {
        name: "maxpool",
        kind: Kind::Layer,
        params: PARAMS,
        formula: FORMULA,
        doc: "The largest value of each window and channel; padding never wins.",
    },
    build: |config| Ok(Box::new(Pool::Max(window(config)?))),
};

/// `avgpool()`
pub static AVERAGE: Layer = Layer {
    entry: Entry {
        name: "avgpool",
        kind: Kind::Layer,
        params: PARAMS,
        formula: FORMULA,
        doc: "The mean of each window and channel; padding counts as zeros, as in PyTorch.",
    },
    build: |config| Ok(Box::new(Pool::Average(window(config)?))),
};

/// `global_avgpool()`
pub static GLOBAL: Layer = Layer {
    entry: Entry {
        name: "global_avgpool",
        kind: Kind::Layer,
        params: &[],
        formula: "[N, H, W, C] -> [N, C]: mean(x, dim: [1, 2])",
        doc: "The mean of each channel over all pixels: from a map to features.",
    },
    build: |_| Ok(Box::new(Pool::Global)),
};

/// A pooling of images.
#[derive(Clone, Copy, Debug)]
pub enum Pool {
    /// The largest of each window.
    Max(Window),
    /// The mean of each window.
    Average(Window),
    /// The mean of everything.
    Global,
}

fn window(config: &Config) -> Result<Window, String> {
    let (kernel, padding) = (config.int("kernel"), config.int("padding"));
    if 2 * padding > kernel {
        return Err(format!("padding {padding} is more than half the kernel {kernel}"));
    }
    Ok(Window { kernel, stride: config.maybe_number("stride").map_or(kernel, |s| s as usize), padding })
}

impl Module for Pool {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let result = match *self {
            Pool::Max(window) => cx.graph.max_pool(x, window)?,
            Pool::Average(window) => cx.graph.avg_pool(x, window)?,
            Pool::Global => {
                image("global_avgpool", cx.graph.shape(x))?;
                cx.graph.mean(x, &[1, 2], false)?
            }
        };
        Ok(result.into())
    }

    fn peer(&self) -> Option<Peer> {
        Some(match *self {
            Pool::Max(window) => Peer::MaxPool(window),
            Pool::Average(window) => Peer::AvgPool(window),
            Pool::Global => Peer::GlobalPool,
        })
    }
}
