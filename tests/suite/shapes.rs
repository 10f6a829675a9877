//! The drawn data set: that its pictures are what their captions and masks say, and that their class is in the figures' form.

use sslrun::data::{DataSet, Split};
use sslrun::eval::{Features, LinearProbe, linear_probe};

use crate::data::{data, shapes};

#[test]
fn pictures_depend_on_their_place_and_seed_only() {
    let set = shapes("shapes:train=500");
    assert_eq!(set.image(30), shapes("shapes:train=31").image(30));
    assert_ne!(set.image(30), shapes("shapes:train=31,seed=1").image(30));
    let test = data("shapes:test=31", Split::Test).expect("the test split");
    assert_ne!(set.image(30), test.image(30));
}

#[test]
fn the_order_says_nothing_of_the_class() {
    let set = shapes("shapes:train=10000");
    let labels: Vec<usize> = (0..set.len()).map(|i| set.label(i).expect("a label") as usize).collect();
    let mut counts = [0.0; 10];
    labels.iter().for_each(|&label| counts[label] += 1.0);
    // Deviations of one in a thousand draws: 3.3 standard deviations, of a binomial count.
    assert!(counts.iter().all(|count: &f64| (count - 1000.0).abs() < 3.3 * 900f64.sqrt()), "{counts:?}");
    // Neither the place, by any of the usual periods, nor the classes before say which one comes.
    for period in [2, 5, 7, 10, 16, 20, 64, 100, 128] {
        let mut seen = vec![[0.0; 10]; period];
        labels.iter().enumerate().for_each(|(i, &label)| seen[i % period][label] += 1.0);
        assert!(chi_square(&seen) < 1.4, "period {period}: {}", chi_square(&seen));
    }
    for lag in [1, 2, 9, 10, 100] {
        let mut seen = vec![[0.0; 10]; 10];
        labels.windows(lag + 1).for_each(|pair| seen[pair[0]][pair[lag]] += 1.0);
        assert!(chi_square(&seen) < 1.6, "lag {lag}: {}", chi_square(&seen));
    }
}

/// Chi-square over its degrees of freedom: about 1 where rows have the same shares.
fn chi_square(seen: &[[f64; 10]]) -> f64 {
    let row: Vec<f64> = seen.iter().map(|row| row.iter().sum()).collect();
    let all: f64 = row.iter().sum();
    let column = |class: usize| seen.iter().map(|row| row[class]).sum::<f64>();
    let terms = (0..10).flat_map(|class| {
        let share = column(class) / all;
        seen.iter().zip(&row).map(move |(seen, row)| (seen[class] - row * share).powi(2) / (row * share))
    });
    terms.sum::<f64>() / (9 * (seen.len() - 1)) as f64
}

/// For each picture: number of pixels in the mask, and how much lighter and darker than the ground they are, at most.
fn seen(set: &dyn DataSet, index: usize) -> (Vec<bool>, Vec<f32>) {
    let image = set.image(index).expect("an image");
    let bright = |p: &[u8]| (0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2])) / 255.0;
    (set.mask(index).expect("a mask"), image.data.chunks(3).map(bright).collect())
}

#[test]
fn masks_are_where_the_figures_are() {
    let set = shapes("shapes:train=100,size=64");
    for index in 0..set.len() {
        let (mask, bright) = seen(&*set, index);
        assert_eq!(mask.len(), 64 * 64);
        let share = mask.iter().filter(|m| **m).count() as f32 / mask.len() as f32;
        assert!((0.05..0.4).contains(&share), "picture {index}: {share}");
        // Within a figure pixels are lighter or darker than the ground by 0.3; the ground is what is far from any.
        let far = |i: usize| {
            let (y, x) = (i / 64, i % 64);
            let near = (y.saturating_sub(12)..(y + 13).min(64))
                .flat_map(|v| (x.saturating_sub(12)..(x + 13).min(64)).map(move |u| v * 64 + u));
            near.into_iter().all(|j| !mask[j])
        };
        let ground: Vec<f32> = (0..mask.len()).filter(|&i| far(i)).map(|i| bright[i]).collect();
        if ground.len() < 20 {
            continue;
        }
        let ground_mean = ground.iter().sum::<f32>() / ground.len() as f32;
        // At its edge a figure is mixed with the line around it.
        let whole = |i: usize| {
            mask[i]
                && [i.wrapping_sub(64), i.wrapping_sub(1), i + 1, i + 64].iter().all(|&j| mask.get(j) == Some(&true))
        };
        let inside: Vec<f32> = (0..mask.len()).filter(|&i| whole(i)).map(|i| (bright[i] - ground_mean).abs()).collect();
        let clear = inside.iter().filter(|d| **d > 0.15).count() as f32 / inside.len() as f32;
        assert!(clear > 0.9, "picture {index}: {clear}");
    }
}

#[test]
fn captions_count_the_figures() {
    let set = shapes("shapes:train=200,size=128");
    let numbers = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
    for index in 0..set.len() {
        let caption = set.caption(index).expect("a caption");
        let told: usize =
            caption.split([' ', ',']).filter_map(|w| numbers.iter().position(|n| *n == w)).map(|n| n + 1).sum();
        let name = &set.classes()[set.label(index).expect("a label") as usize];
        assert!(caption.contains(name.as_str()), "{caption}: {name}");
        // What the frame cuts may be in two pieces.
        let mask = set.mask(index).expect("a mask");
        let cut = (0..128).any(|i| mask[i] || mask[127 * 128 + i] || mask[i * 128] || mask[i * 128 + 127]);
        let parts = parts(&mask, 128);
        assert!(if cut { parts >= told } else { parts == told }, "picture {index}: {parts} parts, {caption}");
        let (mask, bright) = seen(&*set, index);
        let ground: Vec<f32> = bright.iter().zip(&mask).filter(|(_, m)| !**m).map(|(b, _)| *b).collect();
        let mut sorted = ground;
        sorted.sort_by(f32::total_cmp);
        let middle = sorted[sorted.len() / 2];
        assert_eq!(caption.ends_with("on a light ground"), middle > 0.47, "{caption}: {middle}");
    }
}

#[test]
fn neither_area_nor_edges_tell_the_class() {
    let set = shapes("shapes:train=400,size=128");
    let mut sums = [[0.0; 3]; 10];
    for index in 0..set.len() {
        let mask = set.mask(index).expect("a mask");
        let sums = &mut sums[set.label(index).expect("a label") as usize];
        let inside = |y: usize, x: usize| mask.get(y * 128 + x).is_some_and(|m| *m && x < 128 && y < 128);
        // The length of an outline is a mean over directions of how often lines cross it (Crofton).
        for (y, x) in (0..127).flat_map(|y| (0..127).map(move |x| (y, x))) {
            let crossed = |v: usize, u: usize| f64::from(u8::from(inside(y, x) != inside(v, u)));
            sums[1] += crossed(y, x + 1) + crossed(y + 1, x) + crossed(y + 1, x + 1) / 2f64.sqrt();
            sums[1] += f64::from(u8::from(inside(y + 1, x) != inside(y, x + 1))) / 2f64.sqrt();
        }
        sums[0] += mask.iter().filter(|m| **m).count() as f64;
        sums[2] += 1.0;
    }
    for (what, column) in [("area", 0), ("edges", 1)] {
        let means: Vec<f64> = sums.iter().map(|s| s[column] / s[2]).collect();
        let mean = means.iter().sum::<f64>() / 10.0;
        // Copies are cut off by the frame, and their number and size are drawn: some percent of chance.
        assert!(means.iter().all(|m| (m / mean - 1.0).abs() < 0.15), "{what}: {means:.0?}");
    }
}

/// How many parts a mask has that do not touch, corners included; specks of some pixels, as at the tip of a horn, are none.
fn parts(mask: &[bool], size: usize) -> usize {
    let mut open: Vec<bool> = mask.to_vec();
    let mut parts = 0;
    while let Some(first) = open.iter().position(|m| *m) {
        let mut pixels = 0;
        let mut stack = vec![first];
        open[first] = false;
        while let Some(at) = stack.pop() {
            pixels += 1;
            let (y, x) = (at / size, at % size);
            for v in y.saturating_sub(1)..(y + 2).min(size) {
                for u in x.saturating_sub(1)..(x + 2).min(size) {
                    if std::mem::take(&mut open[v * size + u]) {
                        stack.push(v * size + u);
                    }
                }
            }
        }
        parts += usize::from(pixels > 8);
    }
    parts
}

#[test]
fn a_linear_map_of_pixels_does_not_tell_shapes_apart() {
    let (train, test) = ("shapes:train=2000,size=16", "shapes:test=1000,size=16");
    let test = data(test, Split::Test).expect("the test split");
    let accuracy = raw_linear(&*shapes(train), &*test);
    println!("raw pixels: {:.1} %", 100.0 * accuracy);
    assert!(accuracy < 0.2, "{accuracy}");
}

/// The linear probe on raw pixels.
fn raw_linear(train: &dyn DataSet, test: &dyn DataSet) -> f64 {
    let rows = |set: &dyn DataSet| -> (Vec<f32>, Vec<u32>) {
        let pixels = |i: usize| set.image(i).expect("an image").data.iter().map(|b| f32::from(*b) / 255.0).collect();
        let values: Vec<Vec<f32>> = (0..set.len()).map(pixels).collect();
        (values.concat(), (0..set.len()).map(|i| set.label(i).expect("a label")).collect())
    };
    let ((train, train_labels), (test, test_labels)) = (rows(train), rows(test));
    let dim = train.len() / train_labels.len();
    let settings = LinearProbe::default().of_pixels();
    linear_probe(Features::new(&train, &train_labels, dim), Features::new(&test, &test_labels, dim), settings)
}
