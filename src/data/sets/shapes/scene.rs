//! What is drawn: everything of a picture but which figure it shows.

use super::colour::{COLOURS, Colour, Ground, shade};
use super::figure::Point;
use super::layout::layout;
use crate::data::CHANNELS;
use crate::random::Rng;

/// A picture's ground and the copies of its figure. The frame is the square from -1 to 1, y downwards.
pub struct Scene {
    /// The word for the ground's brightness.
    pub ground: Ground,
    /// The ground's colours.
    pub clouds: Clouds,
    /// Where and how the figure stands.
    pub copies: Vec<Copy>,
}

/// Smooth coloured noise: random colours at the points of a lattice, to be blended in between.
pub struct Clouds {
    /// By row and column of the lattice.
    pub colours: [[Colour; LATTICE]; LATTICE],
}

/// Points a side of the clouds' lattice.
pub const LATTICE: usize = 5;

/// How much a channel of a cloud is lighter or darker than the ground, at most.
const CLOUDS: f32 = 0.03;

/// A figure's place, pose and colour.
pub struct Copy {
    /// Where the figure's centre of mass lies.
    pub centre: Point,
    /// What a length of 1 of the figure is in the frame, along its width and its height.
    pub scale: Point,
    /// Sine and cosine of the angle it is turned by.
    pub turn: (f32, f32),
    /// Which of the named colours it has.
    pub name: usize,
    /// The figure's colour.
    pub colour: Colour,
    /// The colour of the line around it.
    pub rim: Colour,
}

/// How far a copy is turned either way, at most, in radians.
const TURN: f64 = 0.1;

/// The logarithm of a copy's width over its height, at most: what its picture has, and what is its own.
const ASPECTS: (f64, f64) = (0.2, 0.06);

/// The size that the copies of a picture have, at least, as a part of what their circles have room for.
const SMALLEST: f64 = 0.85;

/// A copy's own size, as a part of that.
const SIZES: (f64, f64) = (1.0, 1.05);

/// How much lighter or darker than the ground a copy is.
const CONTRAST: (f64, f64) = (0.3, 0.36);

/// How much of the contrast the line around a copy has, on the other side of the ground: so the outline of a light copy
/// is like that of a dark one. With half of that, light and dark copies have little in common for who has seen ten thousand
/// pictures: few methods learn more than an untrained encoder has.
const RIM: f32 = 0.8;

impl Scene {
    /// All that is random of a picture but for its class and its noise.
    pub fn draw(rng: &mut Rng) -> Self {
        let (ground, brightness) = Ground::draw(rng);
        let clouds = Clouds::draw(brightness, rng);
        let (centres, radius) = layout(rng);
        let size = radius * rng.range(SMALLEST.ln(), 0.0).exp() as f32;
        let aspect = rng.range(-ASPECTS.0, ASPECTS.0);
        let poses = Pose::draw(centres.len(), rng);
        let copies = centres.into_iter().zip(poses);
        let copies = copies.map(|(centre, pose)| Copy::new(centre, size, aspect, brightness, &pose, rng)).collect();
        Self { ground, clouds, copies }
    }

    /// What the picture shows, in words: `two red and three blue hearts on a light ground`.
    pub fn caption(&self, figure: &str) -> String {
        let count = |name: usize| self.copies.iter().filter(|copy| copy.name == name).count();
        let present: Vec<(usize, &str)> = COLOURS.iter().enumerate().map(|(i, (name, _))| (count(i), *name)).collect();
        let told =
            present.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{} {name}", number(*count)));
        let told: Vec<String> = told.collect();
        let colours = match told.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => told.concat(),
        };
        let ending = if figure.ends_with('s') { "es" } else { "s" };
        format!("{colours} {figure}{ending} on a {} ground", self.ground.name())
    }
}

/// How a copy differs from the others of its picture; each number is from -1 to 1.
struct Pose {
    turn: f64,
    size: f64,
    aspect: f64,
    contrast: f64,
    lighter: bool,
}

impl Pose {
    /// Those of all copies of a picture. The values of each kind are spread over their range, and half of the copies are lighter
    /// than the ground, so that what is common to them is the figure, and not how they happen to stand.
    fn draw(count: usize, rng: &mut Rng) -> Vec<Self> {
        let [turns, sizes, aspects, contrasts] = std::array::from_fn(|_| spread(count, rng));
        let (order, first) = (rng.permutation(count), rng.below(2));
        let pose = |i: usize| Self {
            turn: turns[i],
            size: sizes[i],
            aspect: aspects[i],
            contrast: contrasts[i],
            lighter: (order[i] + first) % 2 == 0,
        };
        (0..count).map(pose).collect()
    }
}

/// Numbers from -1 to 1, one in each of as many equal parts, in random order.
fn spread(count: usize, rng: &mut Rng) -> Vec<f64> {
    let order = rng.permutation(count);
    order.into_iter().map(|part| 2.0 * (part as f64 + rng.uniform()) / count as f64 - 1.0).collect()
}

/// A small number in words.
fn number(count: usize) -> &'static str {
    ["no", "one", "two", "three", "four", "five", "six"][count]
}

impl Clouds {
    fn draw(brightness: f32, rng: &mut Rng) -> Self {
        let mut value = || brightness + rng.range(-1.0, 1.0) as f32 * CLOUDS;
        let mut colour = || -> Colour { std::array::from_fn::<_, CHANNELS, _>(|_| value()) };
        Self { colours: std::array::from_fn(|_| std::array::from_fn(|_| colour())) }
    }
}

impl Copy {
    /// A copy of about this size, of any colour.
    fn new(centre: Point, size: f32, aspect: f64, ground: f32, pose: &Pose, rng: &mut Rng) -> Self {
        let within = |(low, high): (f64, f64), at: f64| (low + (high - low) * (at + 1.0) / 2.0) as f32;
        let size = size * within(SIZES, pose.size);
        let aspect = ((aspect + ASPECTS.1 * pose.aspect) as f32 / 2.0).exp();
        let turn = ((TURN * pose.turn) as f32).sin_cos();
        let contrast = if pose.lighter { 1.0 } else { -1.0 } * within(CONTRAST, pose.contrast);
        let name = rng.below(COLOURS.len());
        let (colour, rim) = (shade(name, ground + contrast), shade(name, ground - RIM * contrast));
        Self { centre, scale: [size * aspect, size / aspect], turn, name, colour, rim }
    }

    /// Points of the frame in the figure's own coordinates.
    #[inline(always)]
    pub fn local<const N: usize>(&self, xs: &[f32; N], y: f32) -> [[f32; N]; 2] {
        let (y, (sin, cos)) = (y - self.centre[1], self.turn);
        let mut local = [[0.0; N]; 2];
        for i in 0..N {
            let x = xs[i] - self.centre[0];
            local[0][i] = (cos * x + sin * y) / self.scale[0];
            local[1][i] = (cos * y - sin * x) / self.scale[1];
        }
        local
    }

    /// What a distance of 1 in the figure's coordinates is in the frame, about.
    #[inline(always)]
    pub fn length(&self) -> f32 {
        self.scale[0].min(self.scale[1])
    }
}
