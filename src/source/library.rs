//! The texts of the standard library, which are part of the program: every [`super::Sources`] holds them.

use std::sync::LazyLock;

use super::{Origin, Source};

/// Name and text of each file of the standard library.
pub const LIBRARY: &[(&str, &str)] = &[
    ("std/losses.ssl", include_str!("../../grammar/std/losses.ssl")),
    ("std/targets.ssl", include_str!("../../grammar/std/targets.ssl")),
    ("std/views.ssl", include_str!("../../grammar/std/views.ssl")),
    ("std/modules.ssl", include_str!("../../grammar/std/modules.ssl")),
];

/// The file at that place of [`LIBRARY`].
pub(super) fn text(place: usize) -> &'static Source {
    static TEXTS: LazyLock<Vec<Source>> =
        LazyLock::new(|| LIBRARY.iter().map(|(name, text)| Source::new(*name, Origin::Library, *text)).collect());
    &TEXTS[place]
}
