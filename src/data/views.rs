//! The views of a sample: pipelines over its image, or over another view.

use super::augment::{PixelNorm, Scratch};
use super::{DataError, DataSet, Drawn, Frame, Image, Layout, Pipeline, Pixels};
use crate::catalog::Config;
use crate::random::Rng;

/// How one view is made.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewSpec {
    /// What it is called.
    pub name: String,
    /// The earlier view it starts from; the sample itself where `None`.
    pub from: Option<usize>,
    /// The column whose picture of the sample it starts from, if that is not its first one.
    pub column: Option<usize>,
    /// Its augmentations in order.
    pub steps: Vec<Config>,
    /// What samples are taken for, also those of another data set; what the data set takes them for where left out.
    pub frame: Option<Frame>,
    /// How its pixels are normalised unless one of them does; as the data set's are where left out.
    pub norm: Option<PixelNorm>,
}

/// All views of a sample, ready to be made.
pub struct Views {
    views: Vec<View>,
    channels: usize,
}

struct View {
    name: String,
    from: Option<usize>,
    column: Option<usize>,
    pipeline: Pipeline,
    size: (usize, usize),
    normalised: bool,
    norm: PixelNorm,
    /// The view whose pixels it shows: itself, or the one it only masks.
    shows: usize,
    layout: Option<Layout>,
}

/// The memory in which views are made; one a thread.
#[derive(Default)]
pub struct Workshop {
    made: Vec<Pixels>,
    masks: Vec<Option<Drawn>>,
    scratch: Scratch,
}

/// The views of one sample, as they have been made.
pub struct Made<'a> {
    views: &'a [View],
    pixels: &'a [Pixels],
    masks: &'a [Option<Drawn>],
}

/// The pictures of a sample that its views start from, by column; its own without one.
pub struct Pictures<'a>(Vec<(Option<usize>, Image<'a>)>);

impl<'a> Pictures<'a> {
    /// Those of a sample from these sources; an error that is spoilt is of this sample alone.
    pub fn read(dataset: &'a dyn DataSet, index: usize, sources: &[Option<usize>]) -> Result<Self, DataError> {
        let read = |source: &Option<usize>| {
            let picture = source.map_or_else(|| dataset.image(index), |column| dataset.picture(column, index));
            Ok((*source, picture?))
        };
        sources.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The same, borrowed from nobody.
    pub fn into_owned(self) -> Pictures<'static> {
        Pictures(self.0.into_iter().map(|(column, image)| (column, image.into_owned())).collect())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Image<'a>> {
        self.0.iter().map(|(_, image)| image)
    }

    fn of(&self, column: Option<usize>) -> Result<&Image<'a>, DataError> {
        let found = self.0.iter().find(|(source, _)| *source == column).or(self.0.first());
        found.map(|(_, image)| image).ok_or_else(|| DataError::new("there is no picture to make views of"))
    }
}

impl<'a> From<Image<'a>> for Pictures<'a> {
    fn from(image: Image<'a>) -> Self {
        Self(vec![(None, image)])
    }
}

impl<'a> Made<'a> {
    /// The pixels that a view shows.
    pub fn pixels(&self, view: usize) -> &'a Pixels {
        &self.pixels[self.views[view].shows]
    }

    /// The mask of a view that has one, and what is known of all its masks.
    pub fn mask(&self, view: usize) -> Option<(&'a Drawn, &'a Layout)> {
        Some((self.masks[view].as_ref()?, self.views[view].layout.as_ref()?))
    }
}

impl Views {
    /// The views of a data set's samples.
    pub fn new(specs: &[ViewSpec], dataset: &dyn DataSet) -> Result<Self, DataError> {
        if dataset.is_empty() {
            return Err(DataError::new("the data set is empty"));
        }
        let (known, samples) = (dataset.mean_std(), dataset.frame());
        let mut views: Vec<View> = Vec::with_capacity(specs.len());
        for spec in specs {
            let base = match spec.from {
                None => None,
                Some(base) => Some(views.get(base).ok_or_else(|| {
                    DataError::new(format!("view `{}` starts from a view that does not come before it", spec.name))
                })?),
            };
            let frame = spec.frame.map_or(samples, |frame| frame.seeing(samples));
            if frame.channels != samples.channels {
                let (wanted, own) = (frame.channels, samples.channels);
                return Err(DataError::new(format!("pictures have {own} channels, views are made of {wanted}")));
            }
            let start = base.map_or(frame, |b| Frame { size: b.size, same: true, ..frame });
            let pipeline = Pipeline::build(&spec.steps, start)?;
            let size = pipeline.output_size();
            let normalised = pipeline.normalises() || base.is_some_and(|b| b.normalised);
            let shows = base.map_or(views.len(), |b| if pipeline.keeps_pixels() { b.shows } else { views.len() });
            let layout = pipeline.mask().map(|mask| mask.layout(size)).transpose()?;
            let norm = spec.norm.clone().unwrap_or_else(|| known.clone()).of(samples.channels)?;
            views.push(View {
                name: spec.name.clone(),
                from: spec.from,
                column: spec.column,
                pipeline,
                size,
                normalised,
                norm,
                shows,
                layout,
            });
        }
        Ok(Self { views, channels: samples.channels })
    }

    /// The columns of pictures that views start from; `None` is the samples' own.
    pub fn sources(&self) -> Vec<Option<usize>> {
        let mut all: Vec<_> = self.views.iter().filter(|v| v.from.is_none()).map(|v| v.column).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// How many views there are.
    pub fn count(&self) -> usize {
        self.views.len()
    }

    /// Height and width of each view.
    pub fn sizes(&self) -> Vec<(usize, usize)> {
        self.views.iter().map(|v| v.size).collect()
    }

    /// Channels of every view.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The view whose pixels this one shows: itself, or the one it only masks.
    pub fn shows(&self, view: usize) -> usize {
        self.views[view].shows
    }

    /// The masks that all samples of a step share.
    pub fn shared_masks(&self, seed: u64, step: usize) -> Vec<Option<Drawn>> {
        let draw = |(index, view): (usize, &View)| {
            let (mask, layout) = (view.pipeline.mask().filter(|m| m.shared)?, view.layout.as_ref()?);
            Some(mask.draw(layout, &mut Rng::new(&[seed, step as u64, index as u64])))
        };
        self.views.iter().enumerate().map(draw).collect()
    }

    /// Makes all views of one sample in order, in `0..=1` unless their own pipeline normalises; `seeds` are followed by
    /// the view's number, `shared` are the masks of this step that samples share.
    pub fn make<'a>(
        &'a self,
        pictures: &Pictures,
        seeds: [u64; 3],
        shared: &[Option<Drawn>],
        shop: &'a mut Workshop,
    ) -> Result<Made<'a>, DataError> {
        shop.made.resize(self.views.len(), Pixels::default());
        shop.masks.resize(self.views.len(), None);
        for (index, view) in self.views.iter().enumerate() {
            let mut rng = Rng::new(&[seeds[0], seeds[1], seeds[2], index as u64]);
            if view.shows == index {
                let image = pictures.of(view.column)?;
                let (before, rest) = shop.made.split_at_mut(index);
                let target = &mut rest[0];
                match view.from {
                    None => view.pipeline.apply_to(image, target, &mut shop.scratch, &mut rng),
                    Some(base) => {
                        target.copy_from(&before[self.views[base].shows]);
                        view.pipeline.apply(target, &mut shop.scratch, &mut rng);
                    }
                }
                view.check_size(target, image)?;
            }
            let own = view.pipeline.mask().zip(view.layout.as_ref());
            shop.masks[index] =
                own.map(|(mask, layout)| shared[index].clone().unwrap_or_else(|| mask.draw(layout, &mut rng)));
        }
        Ok(Made { views: &self.views, pixels: &shop.made, masks: &shop.masks })
    }

    /// Writes a made view, normalised, to `out`, `[height, width, channels]`.
    pub fn write(&self, view: usize, made: &Pixels, out: &mut [f32]) {
        if self.views[view].normalised {
            return out.copy_from_slice(&made.data);
        }
        self.views[view].norm.normalise(&made.data, out);
    }

    /// A made view as a picture for people: values that its own pipeline normalised are brought back.
    pub fn picture(&self, view: usize, made: &Pixels) -> Image<'static> {
        let mut pixels = made.clone();
        if self.views[view].normalised {
            self.views[view].norm.undo(&mut pixels);
        }
        pixels.to_image()
    }
}

impl View {
    fn check_size(&self, made: &Pixels, image: &Image) -> Result<(), DataError> {
        let (height, width) = self.size;
        if (made.height, made.width) == self.size {
            return Ok(());
        }
        Err(DataError::new(format!(
            "an image of {}x{} makes view `{}` {}x{} where the others are {height}x{width}",
            image.height, image.width, self.name, made.height, made.width
        ))
        .help("give the view a fixed size, as in crop(size: 32)"))
    }
}
