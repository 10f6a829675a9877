//! Data sets, augmentations and the seeded loader.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "types of files that others have made: what is not read is reported"
)]

mod access;
pub mod augment;
mod bands;
mod column;
mod dataset;
mod decode;
mod error;
mod frame;
mod gallery;
mod image;
mod joined;
mod loader;
mod loose;
pub mod mask;
mod npy;
mod pace;
mod pipeline;
mod plain;
mod prefetch;
mod preprocess;
pub mod sets;
mod sheet;
mod spec;
mod splits;
mod subset;
pub mod tokens;
mod views;

pub use access::Access;
pub use column::{Column, ColumnKind};
pub use dataset::{DataSet, InMemory, Split, open, present};
pub use decode::MOST_PIXELS;
pub use error::DataError;
pub use frame::Frame;
pub use gallery::{Catalogue, Gallery, Origin};
pub use image::{CHANNELS, Image, MOST_CHANNELS, Pixels};
pub use joined::joined;
pub use loader::{Batch, Epoch, Loader, Read};
pub use loose::{Loose, loose};
pub use mask::{Drawn, Grid, Layout, Mask};
pub use pace::{Pace, pace};
pub use pipeline::Pipeline;
pub use plain::{PlainBatches, plain_batches};
pub use preprocess::{KEY as PREPROCESS, Prepared, Preprocess};
pub use sheet::{contact_sheet, picture_sheet};
pub use spec::{absolute, defaults, has_path, parse_spec, say_channels};
pub use splits::{Opened, Splits};
pub use subset::{chosen, labelled, subset, telling};
pub use tokens::Tokens;
pub use views::{Made, Pictures, ViewSpec, Views, Workshop};
