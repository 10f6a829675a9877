//! Pictures of one channel and of more than three: read, augmented, trained on, judged, embedded, exported.

use std::path::Path;

use serde_json::Value;
use sslrun::data::{Frame, Image, MOST_PIXELS, Pipeline, Pixels, augment};

use crate::augment::{pixels, replay};
use crate::cli::{Place, place_of, unwrapped};
use crate::data::step;
use crate::fixtures::{Fixture, assert_close};

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/fixtures/channels");

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(FILES).join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn files_of_any_channels_are_what_was_written() {
    let fixture = Fixture::load("channels");
    let files = fixture.cases.iter().filter(|(name, _)| name.contains('.'));
    let mut count = 0;
    for (name, channels) in files {
        let channels = channels.parse().expect("a number");
        let image = Image::decode_as(&bytes(name), MOST_PIXELS, channels).unwrap_or_else(|e| panic!("{name}: {e}"));
        let wanted = fixture.get(&format!("{name}/out"));
        assert_eq!([image.height, image.width, image.channels], wanted.shape[..], "{name}");
        assert!(image.data.iter().zip(&wanted.values).all(|(a, b)| f32::from(*a) == *b), "{name}");
        count += 1;
    }
    assert_eq!(count, 14);
    // As colours: what today's pictures are.
    let grey = Image::decode(&bytes("grey.png"), MOST_PIXELS).expect("a picture");
    assert!(grey.data.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b));
}

#[test]
fn pictures_of_other_channels_are_refused() {
    let refused = |name: &str, channels: usize, wanted: &str| {
        let error = Image::decode_as(&bytes(name), MOST_PIXELS, channels).expect_err(name).to_string();
        assert!(error.contains(wanted), "{name}: {error}");
    };
    refused("colour.png", 4, "3 channels, not 4");
    refused("four.png", 5, "4 channels, not 5");
    refused("five.tif", 4, "5 channels, not 4");
    refused("planes.tif", 1, "4 channels, not 1");
    refused("pages.tif", 4, "more than 4 pages");
    refused("pages.tif", 6, "5 channels, not 6");
    refused("last.npy", 7, "which of the sizes are channels is open");
    refused("flat.npy", 4, "1 channels, not 4");
    let whole = bytes("last.npy");
    let error = Image::decode_as(&whole[..whole.len() - 9], MOST_PIXELS, 5).expect_err("it is cut off").to_string();
    assert!(error.contains("ends too early"), "{error}");
    for cut in (0..whole.len()).step_by(97) {
        assert!(Image::decode_as(&whole[..cut], MOST_PIXELS, 5).is_err());
    }
    let header = |text: &str| {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((text.len() as u16).to_le_bytes());
        file.extend(text.as_bytes());
        Image::decode_as(&file, MOST_PIXELS, 1).expect_err(text).to_string()
    };
    let huge = header("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 99999999999), }");
    assert!(huge.contains("too much"), "{huge}");
    let object = header("{'descr': '|O', 'fortran_order': False, 'shape': (3, 4), }");
    assert!(object.contains("not read"), "{object}");
    assert!(header("{}").contains("cannot be read"));
    for name in ["five.tif", "planes.tif", "pages.tif", "floats.tif"] {
        let (whole, channels) = (bytes(name), if name.starts_with('f') && name != "floats.tif" { 5 } else { 4 });
        for place in (0..whole.len()).step_by(31) {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x55;
            drop(Image::decode_as(&damaged, MOST_PIXELS, channels));
            drop(Image::decode_as(&whole[..place], MOST_PIXELS, channels));
        }
    }
}

#[test]
fn augmentations_of_any_channels_are_torchvisions() {
    let fixture = Fixture::load("channels");
    let mut count = 0;
    for (name, text) in fixture.cases.iter().filter(|(name, _)| !name.contains('.')) {
        let case: Value = serde_json::from_str(text).expect("a case");
        let Some(input) = case["input"].as_str() else { continue };
        let mut image = pixels(fixture.get(&format!("{input}/image")));
        replay(&case, &mut image);
        let expected = fixture.get(&format!("{name}/out"));
        assert_eq!([image.height, image.width, image.channels], expected.shape[..], "{name}");
        let worst = image.data.iter().zip(&expected.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-5, "{name}: differs by {worst}");
        count += 1;
    }
    assert_eq!(count, 42);
}

#[test]
fn a_picture_is_cropped_from_bytes_as_from_numbers() {
    for channels in [1, 2, 4, 6] {
        let frame = Frame::nominal((16, 16)).of(channels);
        let steps = [step("crop", &[]), step("flip", &[]), step("blur", &[])];
        let pipeline = Pipeline::build(&steps, frame).expect("a pipeline");
        let data: Vec<u8> = (0..40 * 31 * channels).map(|i| (i * 29 % 251) as u8).collect();
        let image = Image::of(40, 31, channels, data);
        let (mut out, mut again) = (Pixels::default(), Pixels::default());
        let (mut scratch, rng) = (augment::Scratch::default(), || sslrun::random::Rng::new(&[3]));
        pipeline.apply_to(&image, &mut out, &mut scratch, &mut rng());
        again.load(&image);
        pipeline.apply(&mut again, &mut scratch, &mut rng());
        assert_eq!((out.height, out.width, out.channels), (16, 16, channels));
        assert_close("crop", &out.data, &again.data, 1e-6);
    }
}

const RECIPE: &str = "views { a, b: simclr_augment(colour: 0) }
branch f { encoder: resnet18(stem: small, width: 4); projector: mlp(16, 8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 1; batch: 8; optimizer: sgd(lr: 0.05) }
evaluate { probes: [knn(k: 3), linear(), finetune(epochs: 1)] }
";

/// Twenty arrays of two classes that their channels tell apart, `[H, W, channels]`.
fn arrays(place: &Place, channels: usize) {
    for number in 0..20 {
        let class = ["cats", "dogs"][number % 2];
        let path = place.folder.join(format!("pictures/{class}/{number:02}.npy"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let (height, width) = (18 + number % 3, 20);
        let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({height}, {width}, {channels}), }}");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((text.len() as u16).to_le_bytes());
        file.extend(text.as_bytes());
        let value = |i: usize| ((i / channels * 7 + i % channels * 40 * (1 + number % 2) + number * 5) % 256) as u8;
        file.extend((0..height * width * channels).map(value));
        std::fs::write(path, file).expect("a file");
    }
}

#[test]
fn recipes_train_on_pictures_of_one_and_of_four_channels() {
    for channels in [1, 4] {
        let place = place_of(&format!("channels-{channels}"), RECIPE);
        arrays(&place, channels);
        let data = format!("folder(\"pictures\", size: 16, channels: {channels})");
        // What is judged, too, is read with as many channels.
        let also = "evaluate.data=folder(\"pictures\")";
        let (out, _) = place.expect(0, &[&place.recipe, "--data", &data, "--set", also, "-o", "run"]);
        assert!(out.contains("k-NN") && out.contains("raw pixels") && out.contains("pictures: "), "{out}");
        let written = place.read("run/recipe.ssl");
        let mean = written.split_once("mean: [").expect("a mean").1.split_once(']').expect("a list").0;
        assert_eq!(mean.split(',').count(), channels, "{written}");
        let (again, _) = place.expect(0, &["eval", "run", "--quiet"]);
        assert_eq!(
            out.lines().skip_while(|l| !l.contains("k-NN")).count(),
            again.lines().skip_while(|l| !l.contains("k-NN")).count()
        );
        // What is applied to other data takes the channels of the encoder.
        place.expect(0, &["embed", "run", "--data", "pictures", "-o", "all.npy"]);
        place.expect(0, &["embed", "run", "pictures/cats/00.npy", "pictures/dogs", "-o", "some.npy"]);
        let features = |file: &str| std::fs::read(place.folder.join(file)).expect("features")[128..].to_vec();
        assert_eq!(features("all.npy").len(), 20 * 32 * 4);
        assert_eq!(features("some.npy").len(), 11 * 32 * 4);
        place.expect(0, &["neighbors", "run", "pictures/cats/00.npy", "--data", "pictures", "-o", "near.png"]);
        place.expect(0, &["views", &place.recipe, "--data", &data, "-o", "views.png"]);
        let sheet = std::fs::read(place.folder.join("views.png")).expect("a sheet");
        let sheet = Image::decode(&sheet, MOST_PIXELS).expect("a picture");
        let grey = sheet.data.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b);
        assert_eq!(grey, channels == 1, "four channels are shown by their first three");
        place.expect(0, &["export", "run", "-o", "encoder"]);
        let config: Value = serde_json::from_str(&place.read("encoder/config.json")).expect("JSON");
        assert_eq!(config["input_size"], serde_json::json!([channels, 16, 16]));
        assert_eq!(config["mean"].as_array().map(Vec::len), Some(channels));
        let stem = format!("nn.Conv2d({channels}, 4, 3, 1, 1, bias=False)");
        assert!(place.read("encoder/load.py").contains(&stem));
        // Pictures with other channels.
        let (_, err) = place.expect(3, &["embed", "run", "--data", "folder:pictures,channels=3", "-o", "x.npy"]);
        assert!(unwrapped(&err).contains(&format!("takes pictures of {channels} channels")), "{err}");
    }
}

#[test]
fn what_is_hidden_is_painted_in_any_channels() {
    let recipe = "views { a: crop(0.5..1) | flip(); m: a | mask(random, ratio: 0.5) }
branch f {
  encoder: vit(16, 1, 2, patch: 4, positions: sincos2d, pool: mean, masked: drop)
  decoder: vit_decoder(16, 1, 2, patch: 4) on encoder.tokens
}
loss { reconstruction: masked_mean((f(m) - patches(a)) ^ 2, m.mask) }
train { epochs: 1; batch: 8; optimizer: adamw(lr: 1e-3) }
evaluate { probes: [knn(k: 3)] }
";
    for channels in [1, 4] {
        let place = place_of(&format!("channels-painted-{channels}"), recipe);
        arrays(&place, channels);
        let data = format!("folder(\"pictures\", size: 16, channels: {channels})");
        place.expect(0, &[&place.recipe, "--data", &data, "-o", "run"]);
        assert!(place.read("run/metrics.jsonl").contains("reconstruction"));
        place.expect(0, &[&place.recipe, "--data", &data, "-o", "slow", "--engine", "candle", "--quiet"]);
        let weights = |run: &str| Fixture::read(&place.folder.join(format!("{run}/checkpoints/encoder.safetensors")));
        let (fast, slow) = (weights("run"), weights("slow"));
        let stem = fast.get("patch_embed.proj.weight");
        assert_eq!(stem.shape, [16, channels, 4, 4]);
        assert_close("stem", &stem.values, &slow.get("patch_embed.proj.weight").values, 1e-3);
    }
}

#[test]
fn what_means_colour_is_said_at_its_place() {
    let refused = |views: &str, channels: usize, wanted: &[&str]| {
        let place = place_of("channels-colour", &RECIPE.replace("simclr_augment(colour: 0)", views));
        arrays(&place, channels);
        let data = format!("folder(\"pictures\", size: 16, channels: {channels})");
        let (_, err) = place.expect(1, &["check", &place.recipe, "--data", &data]);
        let err = unwrapped(&err);
        assert!(wanted.iter().all(|wanted| err.contains(wanted)), "{wanted:?} in {err}");
    };
    refused(
        "crop() | jitter()",
        4,
        &["`jitter` changes red, green and blue, and these pictures have 4 channels", "1:24"],
    );
    refused("simclr_augment()", 4, &["`jitter` changes red", "colour: 0"]);
    refused("crop() | grayscale()", 2, &["`grayscale` changes red", "2 channels"]);
    refused("crop() | pixel_norm([0.1, 0.2, 0.3], [1, 1, 1])", 4, &["pixel_norm is of 3 channels", "pictures have 4"]);
    let allowed = |views: &str, channels: usize| {
        let place = place_of("channels-allowed", &RECIPE.replace("simclr_augment(colour: 0)", views));
        arrays(&place, channels);
        let data = format!("folder(\"pictures\", size: 16, channels: {channels})");
        place.expect(0, &["check", &place.recipe, "--data", &data]);
    };
    allowed("byol_augment(solarize: 0.2, blur: 0.5)", 1);
    allowed("multicrop(colour: 0, blur: 0.5, solarize: 0.1) | pixel_norm(0.5, 0.25)", 4);
    allowed("crop() | jitter(saturation: 0, hue: 0)", 4);
    allowed("crop() | pixel_norm([0.1, 0.2, 0.3, 0.4], [1, 1, 1, 1])", 4);
    let place = place_of("channels-set", &RECIPE.replace("colour: 0", ""));
    arrays(&place, 4);
    let data = "folder(\"pictures\", size: 16, channels: 4)";
    place.expect(0, &["check", &place.recipe, "--data", data, "--set", "a.colour=0"]);
    // Arrays are no pictures where nobody says what their channels are, and a mean has a number for each.
    let (_, err) = place.expect(1, &["check", &place.recipe, "--data", "pictures"]);
    assert!(err.contains("holds no pictures"), "{err}");
    let data = "folder(\"pictures\", channels: 4, mean: [0.1, 0.2, 0.3], std: [1, 1, 1])";
    let (_, err) = place.expect(1, &["check", &place.recipe, "--data", data, "--set", "a.colour=0"]);
    assert!(unwrapped(&err).contains("`mean` is 4 numbers, one for each channel"), "{err}");
}

#[test]
fn three_channels_are_what_they_were() {
    let place = place_of("channels-three", &RECIPE.replace("colour: 0", ""));
    for number in 0..12 {
        let data: Vec<u8> = (0..20 * 20 * 3).map(|i| ((i * 7 + number * 31) % 256) as u8).collect();
        let image = Image::new(20, 20, data);
        let path = place.folder.join(format!("pictures/{}/{number}.png", ["a", "b"][number % 2]));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, image.encode(&path).expect("bytes")).expect("a file");
    }
    let weights = |data: &str, run: &str| {
        place.expect(0, &[&place.recipe, "--data", data, "-o", run, "--quiet"]);
        std::fs::read(place.folder.join(run).join("checkpoints/encoder.safetensors")).expect("weights")
    };
    let tensors = |bytes: Vec<u8>| {
        let at = 8 + u64::from_le_bytes(bytes[..8].try_into().expect("a length")) as usize;
        bytes[at..].to_vec()
    };
    let (said, unsaid) = ("folder(\"pictures\", size: 16, channels: 3)", "folder(\"pictures\", size: 16)");
    assert_eq!(tensors(weights(said, "said")), tensors(weights(unsaid, "unsaid")));
    // A grey picture of one channel has what its brightness is.
    place.expect(0, &[&place.recipe, "--data", "folder(\"pictures\", size: 16, channels: 1)", "-o", "grey", "--quiet"]);
}

#[test]
fn weights_of_colour_start_other_channels() {
    let place = place_of("channels-start", RECIPE);
    let colour = ["--data", "shapes:train=16,test=8,size=16", "--set", "evaluate.probes=[knn(k: 3)]"];
    place.expect(0, &[&[place.recipe.as_str(), "-o", "colour", "--quiet"][..], &colour].concat());
    for channels in [1, 4] {
        arrays(&place, channels);
        let (data, out) = (format!("folder(\"pictures\", size: 16, channels: {channels})"), format!("run-{channels}"));
        let start = "f.encoder=colour/checkpoints/encoder.safetensors";
        let kept = "train.rules=[rule(f.encoder, frozen: 9)]";
        let args = [&place.recipe, "--data", &data, "--start", start, "--set", kept, "-o", &out];
        let (_, err) = place.expect(0, &args);
        let how = if channels == 1 { "summed for one" } else { "repeated for 4" };
        assert!(err.contains(how) && !err.contains("as it says itself"), "{err}");
        let stem = |run: &str| {
            let read = Fixture::read(&place.folder.join(run).join("checkpoints/encoder.safetensors"));
            read.get("conv1.weight").values.clone()
        };
        let (had, has) = (stem("colour"), stem(&out));
        // timm's `adapt_input_conv`.
        let wanted = |i: usize| {
            let (filter, channel, at) = (i / (9 * channels), i / 9 % channels, i % 9);
            let of = |c: usize| had[(filter * 3 + c) * 9 + at];
            if channels == 1 { of(0) + of(1) + of(2) } else { of(channel % 3) * 0.75 }
        };
        assert_close("stem", &has, &(0..has.len()).map(wanted).collect::<Vec<f32>>(), 1e-6);
    }
}
