//! Data sets, augmentations and the seeded loader.

mod access;
pub mod augment;
mod dataset;
mod error;
mod frame;
mod gallery;
mod image;
mod loader;
pub mod mask;
mod pipeline;
mod plain;
mod prefetch;
mod preprocess;
pub mod sets;
mod sheet;
mod spec;
mod splits;
mod subset;
mod views;

pub use access::Access;
pub use dataset::{DataSet, InMemory, Split, open, present};
pub use error::DataError;
pub use frame::Frame;
pub use gallery::{Catalogue, Gallery, Origin};
pub use image::{CHANNELS, Image, MOST_PIXELS, Pixels};
pub use loader::{Batch, Epoch, Loader};
pub use mask::{Drawn, Grid, Layout, Mask};
pub use pipeline::Pipeline;
pub use plain::{PlainBatches, plain_batches};
pub use preprocess::{KEY as PREPROCESS, Prepared, Preprocess};
pub use sheet::contact_sheet;
pub use spec::{absolute, defaults, has_path, parse_spec};
pub use splits::{Opened, Splits};
pub use subset::{chosen, labelled, subset};
pub use views::{Made, ViewSpec, Views};
