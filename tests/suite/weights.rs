//! Weights of packages: what `torch.save` and safetensors hold, found by what fits, gives the packages' features.

use crate::cli::{place_of, unwrapped};
use crate::fixtures::{Fixture, assert_close};
use crate::train::folder;
use sslrun::compile::Program;
use sslrun::data;
use sslrun::driver::{self, Request};
use sslrun::exec::{EngineKind, Feed, Store, engine};
use sslrun::train::{Checkpoint, Control, Event, last_checkpoint};
use sslrun::weights::{Wanted, WeightsFile, take};
use std::path::{Path, PathBuf};

/// A checkpoint of a package.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/fixtures/weights").join(name)
}

fn text(encoder: &str, size: usize, more: &str) -> String {
    format!(
        "views {{ a, b: resize({size}) }}
         branch f {{ encoder: {encoder}; head: linear(4) }}
         branch slow = ema(f, decay: 0.5)
         loss {{ l: mse(f(a), slow(b).head) + hinge_variance(f(b)) }}
         train {{ epochs: 1; batch: 8; optimizer: sgd(lr: 0.2) }}
         evaluate {{ every: 100; probes: [knn()] }}
         {more}"
    )
}

fn request(folder: &Path, text: &str, size: usize) -> Request {
    let recipe = folder.join("recipe.ssl");
    std::fs::write(&recipe, text).expect("a recipe can be written");
    let data = Some(format!("shapes:train=16,test=8,size={size}"));
    Request { recipe: Some(recipe), data, out: Some(folder.join("run")), ..Request::default() }
}

/// Stops a run before its first step: what it said it did first.
fn begun(request: &Request) -> Result<String, String> {
    let checked = request.check().map_err(|e| e.to_string())?;
    if checked.recipe.is_none() {
        return Err(sslrun::diag::render(&checked.diagnostics, &checked.sources));
    }
    let control = Control::default();
    control.stop();
    let mut said = String::new();
    let report = driver::run(request, &checked, &control, &mut |event| {
        if let Event::Preparing { message } = event {
            said += message;
        }
    });
    report.map(|_| said).map_err(|e| e.to_string())
}

/// The features of pictures by an encoder of a run as its last checkpoint has it.
fn features(run: &Path, sets: &[String], x: &[f32]) -> Vec<f32> {
    let checked = driver::check_run(run, sets).expect("a run");
    let encoder = checked.recipe.expect("a sound recipe").evaluate.encoder.expect("an encoder");
    let size = |_: &str| Some(2);
    let mut memory = Store::<f32>::new(&encoder.graph, &size, 0).expect("an encoder that can be made");
    Checkpoint::read(&last_checkpoint(run)).expect("a checkpoint").restore_store(&mut memory).expect("its encoder");
    let program = Program::forward(encoder.graph.clone(), vec![encoder.features]);
    let mut engine = engine::<f32>(EngineKind::Planned, &program, &size).expect("an engine");
    engine.run(&mut memory, &Feed { inputs: vec![("image", x)], ..Feed::default() }).expect("features");
    engine.output(0).to_vec()
}

/// What the fixture says of a file: the encoder it is of, and the size of its pictures.
fn case(fixture: &Fixture, name: &str) -> (String, usize) {
    let said: serde_json::Value = serde_json::from_str(&fixture.cases[name]).expect("JSON");
    (said["encoder"].as_str().expect("a word").to_owned(), said["size"].as_u64().expect("a size") as usize)
}

#[test]
fn what_starts_from_a_packages_file_gives_the_packages_features_before_its_first_step() {
    let fixture = Fixture::load("weights");
    assert!(fixture.cases.len() >= 17);
    let folder = folder("weights-features");
    for (i, name) in fixture.cases.keys().enumerate() {
        let (encoder, size) = case(&fixture, name);
        let here = folder.join(i.to_string());
        std::fs::create_dir_all(&here).expect("a folder");
        let start = format!("start f.encoder = weights(\"{}\")", file(name).display());
        let said =
            begun(&request(&here, &text(&encoder, size, &start), size)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(said.starts_with("`f.encoder` starts from"), "{said}");
        let x = &fixture.get(&format!("x/{size}")).values;
        let want = &fixture.get(&format!("{name}/out")).values;
        assert_close(name, &features(&here.join("run"), &[], x), want, 1e-5);
        // What follows it begins as it does, its statistics too.
        let slow = ["evaluate.on=slow.encoder".to_owned()];
        assert_close(name, &features(&here.join("run"), &slow, x), want, 1e-5);
    }
}

#[test]
fn what_was_taken_and_what_was_left_over_is_told() {
    let folder = folder("weights-told");
    let told = |name: &str, encoder: &str, size: usize, more: &str| {
        let here = folder.join(name.replace('/', "-"));
        std::fs::create_dir_all(&here).expect("a folder");
        let start = format!("start f.encoder = weights(\"{}\"{more})", file(name).display());
        begun(&request(&here, &text(encoder, size, &start), size))
    };
    let resnet = "resnet18(width: 4)";
    let said = told("contrast.pth.tar", resnet, 48, "").unwrap();
    for part in [
        "100 tensors below `state_dict.module.encoder_q`",
        "`state_dict.module.encoder_k` (102)",
        "`state_dict.module.encoder_q.fc` (2)",
        "`state_dict.module.queue` (1)",
        "`optimizer` (1)",
        "as ImageNet's are",
        "[0.485, 0.456, 0.406]",
    ] {
        assert!(said.contains(part), "`{part}` is not in {said}");
    }
    let said = told("distilled.pth", "vit(dim: 16, depth: 2, heads: 2, patch: 8, mlp_ratio: 2)", 32, "").unwrap();
    assert!(said.contains("below `teacher.module.backbone`") && said.contains("`student.module.backbone`"), "{said}");
    let said = told("lightning.ckpt", "resnet18(stem: small, width: 4)", 24, "").unwrap();
    assert!(said.contains("objects that were not built: `argparse.Namespace`"), "{said}");
    let said =
        told("hf_vit/model.safetensors", "vit(dim: 16, depth: 2, heads: 2, patch: 8, mlp_ratio: 2)", 32, "").unwrap();
    assert!(said.contains("as preprocessor_config.json beside it says") && said.contains("[0.5, 0.5, 0.5]"), "{said}");
    let given = ", mean: [0.4, 0.4, 0.4], std: [0.2, 0.2, 0.2]";
    let said = told("torchvision.pth", resnet, 48, given).unwrap();
    assert!(said.contains("[0.4, 0.4, 0.4] and deviation [0.2, 0.2, 0.2], as the recipe says"), "{said}");
    // The place may be said.
    let at = told("torchvision_old.pth", resnet, 48, ", at: \"module\"").expect_err("nothing is there");
    assert!(at.contains("there is no `module.bn1"), "{at}");
}

/// A small transformer, but for its last arguments.
const VIT: &str = "vit(dim: 16, depth: 2, heads: 2, mlp_ratio: 2, ";

/// The statement that starts the encoder with the weights of a file.
fn start_of(name: &str) -> String {
    format!("start f.encoder = weights(\"{}\")", file(name).display())
}

#[test]
fn what_does_not_fit_is_an_error_that_lists_it() {
    let folder = folder("weights-misfits");
    let mut number = 0;
    let mut says = |name: &str, encoder: &str, size: usize, parts: &[&str]| {
        number += 1;
        let here = folder.join(number.to_string());
        std::fs::create_dir_all(&here).expect("a folder");
        let said = begun(&request(&here, &text(encoder, size, &start_of(name)), size)).expect_err(name);
        for part in parts {
            assert!(said.contains(part), "`{part}` is not in {said}");
        }
    };
    let vit = |more: &str| format!("{VIT}{more})");
    says(
        "torchvision.pth",
        "resnet18(width: 8)",
        48,
        &["does not hold the weights of `f.encoder`:", "is [4, 3, 7, 7] instead of [8, 3, 7, 7]", "and "],
    );
    says(
        "torchvision.pth",
        "resnet18(width: 4, stem: small)",
        24,
        &["[4, 3, 7, 7] instead of [4, 3, 3, 3]: the file's has `stem: imagenet`", "strict: false"],
    );
    says("torchvision.pth", "resnet34(width: 4)", 48, &["there is no `layer1.2.bn1"]);
    says("timm.pth", &vit("patch: 4"), 32, &["the file's patches have 8 x 8 pixels, the recipe's 4 x 4", "`patch: 8`"]);
    says("timm.pth", &vit("patch: 8, registers: 2"), 32, &["there is no `model.reg_token`, which is [1, 2, 16]"]);
    says(
        "timm_registers.pth",
        &vit("patch: 8"),
        32,
        &["`reg_token`, which is [1, 3, 16], has no place in the recipe's encoder"],
    );
    says(
        "timm.pth",
        &vit("patch: 8, positions: sincos2d"),
        32,
        &["`model.pos_embed`, which is [1, 17, 16], has no place"],
    );
    says(
        "timm.pth",
        "vit(dim: 16, depth: 1, heads: 2, mlp_ratio: 2, patch: 8)",
        32,
        &["`model.blocks.1.attn.proj.bias`, which is [16], has no place"],
    );
    says(
        "whole_model.pth",
        "resnet18()",
        32,
        &["it holds no tensor, but `torch.nn.modules.linear.Linear`", "save `model.state_dict()`"],
    );
    says("caller.pth", "resnet18()", 32, &["it holds no tensor, but `", ".system`"]);
    assert!(!Path::new("called").exists());
    says(
        "lightly_row.pth",
        "resnet18(stem: small, width: 4)",
        24,
        &["no activation behind its first norm", "100 tensors below `backbone` fit"],
    );
    says("nowhere.pth", "resnet18()", 32, &["cannot read"]);
}

#[test]
fn what_does_not_fit_may_be_left_out() {
    let loose = start_of("timm.pth").replace("\")", "\", strict: false)");
    let recipe = text(&format!("{VIT}patch: 4)"), 32, &loose);
    let said = begun(&request(&folder("weights-loose"), &recipe, 32)).unwrap();
    assert!(said.contains("not taken, as `strict` is false: `model.patch_embed.proj.weight`"), "{said}");
    assert!(said.contains("positions of 4 x 4 patches interpolated to 8 x 8"), "{said}");
}

#[test]
fn positions_of_another_grid_are_timms() {
    let fixture = Fixture::load("weights");
    let timm = WeightsFile::open(&file("timm.pth")).unwrap();
    for side in [3, 7] {
        let want = fixture.get(&format!("positions/{side}"));
        let wanted = |name: &str, shape: &[usize]| Wanted { name: name.to_owned(), shape: shape.to_vec() };
        let wanted = [wanted("pos_embed", &want.shape), wanted("cls_token", &[1, 1, 16])];
        let taking = take(&timm, &wanted, Some("model")).unwrap();
        assert_close("positions", &taking.taken["pos_embed"], &want.values, 1e-6);
    }
}

#[test]
fn a_start_from_outside_is_in_the_recipe_of_the_run_and_needs_its_file_no_more() {
    let place = place_of("start", &text("resnet18(width: 4)", 48, ""));
    std::fs::copy(file("torchvision.pth"), place.folder.join("w.pth")).expect("a copy");
    let data = "shapes:train=16,test=8,size=48";
    let args = ["tiny.ssl", "--data", data, "--start", "f.encoder=w.pth", "-o", "run", "--set", "train.epochs=0.5"];
    let (_, err) = place.expect(0, &args);
    assert!(err.contains("`f.encoder` starts from"), "{err}");
    let recipe = place.read("run/recipe.ssl");
    let at = recipe.find("start f.encoder = weights(").unwrap_or_else(|| panic!("{recipe}"));
    assert!(unwrapped(&recipe[at..]).contains("mean: [0.485, 0.456, 0.406]"), "{recipe}");
    assert!(recipe.contains("pixel_norm(mean: [0.485, 0.456, 0.406]"), "{recipe}");
    let encoder = place.read("run/run.ron");
    assert!(encoder.contains("Finished"), "{encoder}");
    // The file may go: a run that goes on needs it no more, and prepares pictures as before.
    std::fs::remove_file(place.folder.join("w.pth")).expect("it can be removed");
    let (_, err) = place.expect(0, &["--resume", "run", "--set", "train.epochs=1"]);
    assert!(!err.contains("starts from"), "{err}");
    let (_, err) = place.expect(2, &["tiny.ssl", "--start", "w.pth"]);
    assert!(err.contains("not of the form PATH=FILE"), "{err}");
    let (_, err) = place.expect(1, &["tiny.ssl", "--start", "g.encoder=w.pth", "--data", data]);
    assert!(err.contains("`g.encoder` names nothing that has weights of its own"), "{err}");
    let (_, err) = place.expect(1, &["tiny.ssl", "--start", "slow.encoder=w.pth", "--data", data]);
    assert!(unwrapped(&err).contains("start `f`"), "{err}");
}

#[test]
fn a_frozen_branch_reads_packages_files_too() {
    let folder = folder("weights-frozen");
    let fixture = Fixture::load("weights");
    let teacher = |name: &str| {
        format!(
            "views {{ a, b: resize(48) }}
             branch g {{ encoder: resnet18(width: 4) }}
             branch f {{ encoder: conv2d(4, stride: 8) | global_avgpool | linear(32) }}
             branch fixed = frozen(\"{}\", of: g)
             loss {{ l: mse(f(a), fixed(b)) + 0 * mse(g(a), g(b)) }}
             train {{ epochs: 1; batch: 8; optimizer: sgd(lr: 0.2) }}
             evaluate {{ every: 100; probes: [knn()]; on: fixed.encoder }}",
            file(name).display()
        )
    };
    for name in ["torchvision.pth", "contrast.pth.tar", "hf_resnet.safetensors"] {
        let here = folder.join(name);
        std::fs::create_dir_all(&here).expect("a folder");
        let said = begun(&request(&here, &teacher(name), 48)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(said.contains("`fixed` is frozen from") && said.contains("ImageNet's"), "{said}");
        let found = features(&here.join("run"), &[], &fixture.get("x/48").values);
        assert_close(name, &found, &fixture.get(&format!("{name}/out")).values, 1e-5);
    }
}

/// No damage to a file makes it more than an error.
#[test]
fn damaged_files_are_refused_or_read_as_what_they_say() {
    let folder = folder("weights-damaged");
    let wanted = |name: &str, shape: &[usize]| Wanted { name: name.to_owned(), shape: shape.to_vec() };
    let wanted = [wanted("conv1.weight", &[4, 3, 7, 7]), wanted("bn1.weight", &[4]), wanted("pos_embed", &[1, 17, 16])];
    let mut refused = 0;
    for name in ["torchvision.pth", "torchvision_old.pth", "torchvision.safetensors", "timm.pth"] {
        let whole = std::fs::read(file(name)).expect("a file");
        let damaged = folder.join("damaged");
        let mut random = 12345u64;
        for round in 0..120usize {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let mut bytes = whole.clone();
            match round % 3 {
                0 => bytes.truncate((random >> 33) as usize % whole.len()),
                // Most of what says what is where stands at the begin, in zips at the end, too.
                1 => bytes[(random >> 33) as usize % 4000.min(whole.len())] ^= 1 << (random % 8),
                _ => {
                    let end = bytes.len();
                    bytes[end - 1 - (random >> 33) as usize % 4000] ^= 1 << (random % 8);
                }
            }
            std::fs::write(&damaged, &bytes).expect("a file");
            match WeightsFile::open(&damaged) {
                Err(message) => {
                    assert!(message.contains("damaged"), "{message}");
                    refused += 1;
                }
                Ok(read) => drop(take(&read, &wanted, None)),
            }
        }
    }
    assert!(refused > 120, "{refused}");
}

#[test]
fn views_are_normalised_as_they_were_for_the_weights() {
    let folder = folder("weights-norm");
    let start = format!("start f.encoder = weights(\"{}\")", file("torchvision.pth").display());
    let norms = |more: &str, views: &str| {
        let text = text("resnet18(width: 4)", 48, more).replace("resize(48) }", views);
        let checked = request(&folder, &text, 48).check().expect("a recipe");
        let recipe = checked.recipe.expect("a sound recipe");
        let data = data::open(&recipe.data, data::Split::Train, &data::Access::default()).expect("data");
        let views = data::Views::new(&sslrun::train::view_specs(&recipe), &*data).expect("views");
        // What a grey picture becomes.
        let grey = data::Image::new(48, 48, vec![128; 48 * 48 * 3]);
        let mut shop = data::Workshop::default();
        let made = views.make(&grey.into(), [0; 3], &views.shared_masks(0, 0), &mut shop).expect("views");
        let mut out = vec![0.0; 48 * 48 * 3];
        views.write(0, made.pixels(0), &mut out);
        [out[0], out[1], out[2]]
    };
    let of = |mean: [f32; 3], std: [f32; 3]| [0, 1, 2].map(|c| (128.0 / 255.0 - mean[c]) / std[c]);
    let near = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    let imagenet = of([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    assert!(near(norms(&start, "resize(48) }"), imagenet));
    assert!(!near(norms("", "resize(48) }"), imagenet));
    let own = "resize(48) | pixel_norm([0.1, 0.2, 0.3], [0.5, 0.5, 0.5]) }";
    assert!(near(norms(&start, own), of([0.1, 0.2, 0.3], [0.5; 3])));
}

#[test]
fn scales_of_layers_that_the_encoder_has_not_are_multiplied_into_its_maps() {
    let (fixture, folder) = (Fixture::load("weights"), folder("weights-folded"));
    for name in ["hf_scaled.safetensors", "hf_registers.safetensors"] {
        let (encoder, size) = case(&fixture, name);
        let plain = encoder.replace(", layer_scale: 1", "");
        assert_ne!(plain, encoder);
        let here = folder.join(name);
        std::fs::create_dir_all(&here).expect("a folder");
        let start = format!("start f.encoder = weights(\"{}\")", file(name).display());
        let said = begun(&request(&here, &text(&plain, size, &start), size)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(said.contains("layer scales multiplied into the maps before them"), "{said}");
        let (x, want) = (&fixture.get(&format!("x/{size}")).values, &fixture.get(&format!("{name}/out")).values);
        assert_close(name, &features(&here.join("run"), &[], x), want, 1e-5);
    }
}
