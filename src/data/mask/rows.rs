//! The masks of a batch, as the graph takes them.

use super::{Drawn, Layout};
use crate::graph::MaskPart;

/// The masks of one view in a batch, sample after sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MaskRows {
    hides: Vec<f32>,
    visible: Vec<f32>,
    hidden: Vec<f32>,
    targets: Vec<Vec<f32>>,
}

impl MaskRows {
    /// Forgets all samples and keeps their memory.
    pub fn clear(&mut self) {
        self.hides.clear();
        self.visible.clear();
        self.hidden.clear();
        self.targets.iter_mut().for_each(Vec::clear);
    }

    /// Adds one sample's mask. Numbers of patches are kept only where there are always equally many.
    pub fn push(&mut self, drawn: &Drawn, layout: &Layout) {
        self.hides.extend(drawn.hidden.iter().map(|&h| f32::from(u8::from(h))));
        if layout.hidden.is_some() {
            for (patch, &hidden) in drawn.hidden.iter().enumerate() {
                if hidden { &mut self.hidden } else { &mut self.visible }.push(patch as f32);
            }
        }
        self.targets.resize(drawn.targets.len(), Vec::new());
        for (all, target) in self.targets.iter_mut().zip(&drawn.targets) {
            all.extend(target.iter().map(|&patch| patch as f32));
        }
    }

    /// One part of all masks; `None` for a target there is not.
    pub fn part(&self, part: MaskPart) -> Option<&[f32]> {
        match part {
            MaskPart::Hides => Some(&self.hides),
            MaskPart::Visible => Some(&self.visible),
            MaskPart::Hidden => Some(&self.hidden),
            MaskPart::Target(i) => self.targets.get(i).map(Vec::as_slice),
        }
    }
}
