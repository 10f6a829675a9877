//! Data sets, augmentations and the seeded loader.
