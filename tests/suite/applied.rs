//! A run's encoder applied to pictures: features in files, neighbours, duplicates, outliers.

use std::path::Path;
use std::process::Stdio;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use safetensors::SafeTensors;
use sslrun::data::Image;
use sslrun::eval::neighbours;

use crate::cli::{Place, place_of, unwrapped};

const RECIPE: &str = "data folder(\"pictures\", size: 24)
views { a, b: crop(0.5..1) | flip() }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 1; batch: 8; optimizer: sgd(lr: 0.1) }
evaluate { probes: [knn(k: 3)] }
";

/// A picture whose pixels follow from a number.
fn draw(path: &Path, number: usize) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let (height, width) = (24 + number % 3, 30);
    let pixel = |i: usize| ((i / 3 % (2 + number) * 40 + number * 29 + i % 3 * 60) % 256) as u8;
    let image = Image::new(height, width, (0..height * width * 3).map(pixel).collect::<Vec<_>>());
    std::fs::write(path, image.encode(path).expect("it can be encoded")).expect("it can be written");
}

/// A run `run` on twenty pictures of two classes.
fn run(name: &str) -> Place {
    let place = place_of(name, RECIPE);
    for number in 0..20 {
        draw(&place.folder.join(format!("pictures/{}/{number:02}.png", ["cats", "dogs"][number % 2])), number);
    }
    place.expect(0, &[&place.recipe, "-o", "run", "--quiet"]);
    place
}

#[test]
fn features_are_written_in_the_format_of_the_ending() {
    let place = run("applied-embed");
    place.expect(0, &["embed", "run", "--split", "all", "-o", "x.npy"]);
    let npy = std::fs::read(place.folder.join("x.npy")).unwrap();
    let values: Vec<f32> = npy[128..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let rows = place.read("x.rows.csv");
    assert_eq!(rows.lines().count(), 21);
    assert_eq!(rows.lines().next(), Some("split,index,path,label,class"));
    assert!(rows.lines().any(|line| line.ends_with("dogs/03.png,1,dogs")), "{rows}");
    place.expect(0, &["embed", "run", "--split", "all", "-o", "x.safetensors"]);
    let bytes = std::fs::read(place.folder.join("x.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("features").unwrap().data(), &npy[128..]);
    assert_eq!(tensors.tensor("labels").unwrap().shape(), [20]);
    place.expect(0, &["embed", "run", "--split", "all", "-o", "x.parquet"]);
    let reader = SerializedFileReader::new(std::fs::File::open(place.folder.join("x.parquet")).unwrap()).unwrap();
    let dim = values.len() / 20;
    for (i, row) in reader.get_row_iter(None).unwrap().enumerate() {
        let row = row.unwrap();
        let list = row.get_list(5).unwrap();
        let line = rows.lines().nth(i + 1).unwrap().to_owned();
        let told = format!(
            "{},{},{},{},{}",
            row.get_string(0).unwrap(),
            row.get_long(1).unwrap(),
            row.get_string(2).unwrap(),
            row.get_long(3).unwrap(),
            row.get_string(4).unwrap()
        );
        assert_eq!((told, list.len()), (line, dim));
        use parquet::record::ListAccessor;
        assert!((0..dim).all(|d| list.get_float(d).unwrap() == values[i * dim + d]));
    }
    let (_, err) = place.expect(2, &["embed", "run", "-o", "x.csv"]);
    assert!(err.contains("`.npy` or `.parquet` or `.safetensors`"), "{err}");
}

#[test]
fn pictures_are_embedded_one_by_one_by_folder_and_from_standard_input() {
    let place = run("applied-pictures");
    let rows = |file: &str| std::fs::read(place.folder.join(file)).unwrap()[128..].to_vec();
    place.expect(0, &["embed", "run", "pictures/cats/00.png", "pictures/dogs", "-o", "some.npy"]);
    let some = rows("some.npy");
    let told = place.read("some.rows.csv");
    assert!(told.lines().nth(1).unwrap().contains("pictures/cats/00.png") && told.lines().count() == 12, "{told}");
    let mut child = place.command(&["embed", "run", "-", "-o", "one.npy"]).stdin(Stdio::piped()).spawn().unwrap();
    let bytes = std::fs::read(place.folder.join("pictures/cats/00.png")).unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &bytes).unwrap();
    assert!(child.wait().unwrap().success());
    let one = rows("one.npy");
    assert_eq!(one, some[..one.len()]);
    // Another folder is embedded whole, without what cannot be used.
    draw(&place.folder.join("new/a.png"), 40);
    draw(&place.folder.join("new/b.png"), 41);
    std::fs::write(place.folder.join("new/c.png"), b"no picture").unwrap();
    let (_, err) = place.expect(0, &["embed", "run", "--data", "new", "-o", "new.npy"]);
    assert!(
        unwrapped(&err).contains("2 rows") && unwrapped(&err).contains("1 of 3 pictures were left out, as"),
        "{err}"
    );
    let (_, err) = place.expect(3, &["embed", "run", "new/c.png", "-o", "c.npy"]);
    assert!(unwrapped(&err).contains("new/c.png: cannot be decoded"), "{err}");
    let (_, err) = place.expect(2, &["embed", "run", "nowhere.png", "-o", "c.npy"]);
    assert!(unwrapped(&err).contains("nowhere.png: there is no such file"), "{err}");
}

#[test]
fn neighbours_duplicates_and_outliers_are_found_and_drawn() {
    let place = run("applied-search");
    let (out, _) = place.expect(0, &["neighbors", "run", "pictures/cats/04.png", "--count", "3", "-o", "near.png"]);
    let first = out.lines().find(|line| line.contains("cats/04.png")).expect("a row");
    assert!(first.contains(" 1 ") && first.contains("1.0000") && first.matches("cats/04.png").count() == 2, "{out}");
    assert_eq!(out.matches("pictures/cats/04.png").count(), 3, "{out}");
    let sheet = Image::decode(&std::fs::read(place.folder.join("near.png")).unwrap(), 1 << 24).unwrap();
    assert!(sheet.width > 4 * 24 && sheet.height < sheet.width, "{}x{}", sheet.height, sheet.width);
    // The same picture in another format has the same features.
    let copied = Image::decode(&std::fs::read(place.folder.join("pictures/dogs/07.png")).unwrap(), 1 << 24).unwrap();
    let path = place.folder.join("pictures/dogs/copy.bmp");
    std::fs::write(&path, copied.encode(&path).unwrap()).unwrap();
    let (out, err) =
        place.expect(0, &["duplicates", "run", "--above", "0.9999", "--data", "pictures", "-o", "twice.png"]);
    assert!(out.contains("dogs/07.png") && out.contains("dogs/copy.bmp"), "{out}{err}");
    // Files that are the same to the byte stand in both parts: to be judged by, they would be left out.
    for copy in 0..10 {
        let from = place.folder.join("pictures/cats/08.png");
        std::fs::copy(from, place.folder.join(format!("pictures/cats/same{copy}.png"))).unwrap();
    }
    let (out, _) = place.expect(0, &["duplicates", "run", "--above", "0.9999", "--data", "pictures"]);
    assert!((0..10).all(|copy| out.contains(&format!("cats/same{copy}.png"))), "{out}");
    let (_, err) = place.expect(0, &["embed", "run", "--data", "pictures", "-o", "every.npy"]);
    assert!(err.contains("31 rows") && !err.contains("warning"), "{err}");
    let (_, err) = place.expect(2, &["duplicates", "run", "--above", "1.5"]);
    assert!(err.contains("between -1 and 1"), "{err}");
    let (out, _) = place.expect(0, &["outliers", "run", "--count", "4", "-o", "odd.png"]);
    assert_eq!(out.lines().filter(|line| line.contains(".png")).count(), 4, "{out}");
}

#[test]
fn neighbours_are_in_order_and_of_equals_the_earlier() {
    let known = [1.0, 0.0, 0.0, 1.0, 2.0, 0.0, -1.0, 0.0, 1.0, 1.0];
    let found = neighbours(&[3.0, 0.0], &known, 2, 4);
    let order: Vec<usize> = found[0].iter().map(|(_, row)| *row).collect();
    assert_eq!(order, [0, 2, 4, 1]);
    assert!((found[0][2].0 - 0.5f32.sqrt()).abs() < 1e-6);
    assert_eq!(neighbours(&[3.0, 0.0], &known, 2, 100)[0].len(), 5);
}

#[test]
fn classes_are_told_by_the_probe_that_judged_the_run() {
    let place = run("applied-predict");
    let (_, err) = place.expect(3, &["predict", "run", "pictures/cats/00.png"]);
    assert!(
        unwrapped(&err).contains("linear.safetensors") && unwrapped(&err).contains("keeps its linear probe"),
        "{err}"
    );
    place.expect(0, &[&place.recipe, "-o", "probed", "--quiet", "--set", "evaluate.probes=linear()"]);
    let file = std::fs::read(place.folder.join("probed/checkpoints/linear.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let numbers = |name: &str| -> Vec<f32> {
        tensors.tensor(name).unwrap().data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    };
    let (weight, bias) = (numbers("weight"), numbers("bias"));
    place.expect(0, &["embed", "probed", "pictures/dogs/05.png", "-o", "x.npy"]);
    let npy = std::fs::read(place.folder.join("x.npy")).unwrap();
    let x: Vec<f32> = npy[128..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    // As a linear layer of PyTorch computes it.
    let logit = |c: usize| bias[c] + weight[c * x.len()..][..x.len()].iter().zip(&x).map(|(w, x)| w * x).sum::<f32>();
    let dogs = 1.0 / (1.0 + (logit(0) - logit(1)).exp());
    let (out, _) = place.expect(0, &["predict", "probed", "pictures/dogs/05.png", "-o", "p.csv"]);
    let told = place.read("p.csv");
    let cells: Vec<&str> = told.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(told.lines().next(), Some("picture,class,cats,dogs"));
    assert!((cells[3].parse::<f32>().unwrap() - dogs).abs() < 1e-4, "{told} {dogs}");
    assert!(out.contains("cats") && out.contains("dogs") && out.contains("pictures/dogs/05.png"), "{out}");
    let record = place.read("probed/run.ron");
    let (out, err) = place.expect(0, &["predict", "probed", "--confusion", "c.csv"]);
    assert!(out.contains("most often taken for") && unwrapped(&err).contains("of 2 are right"), "{out}{err}");
    let counts = place.read("c.csv");
    assert!(counts.starts_with("class,cats,dogs\n") && counts.lines().count() == 3, "{counts}");
    assert_eq!(place.read("probed/run.ron"), record);
    let (_, err) = place.expect(2, &["predict", "probed", "pictures/dogs/05.png", "--set", "evaluate.on=f.projector"]);
    assert!(unwrapped(&err).contains("takes features of `f.encoder`, not of `f.projector`"), "{err}");
}

/// Whose student learns from a frozen teacher, which is a recipe of its own.
const TAUGHT: &str = "data folder(\"pictures\", size: 24)
views { a, b: crop(0.5..1) | flip() }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
branch teacher = frozen(\"teacher.ssl\")
loss { l: nt_xent(f(a), f(b)); same: mse(f(a), teacher(a)) }
train { epochs: 1; batch: 8; optimizer: sgd(lr: 0.1) }
evaluate { probes: [linear()] }
";

#[test]
fn an_encoder_is_applied_by_its_file_alone() {
    let place = run("applied-file");
    std::fs::write(place.folder.join("teacher.ssl"), RECIPE).unwrap();
    std::fs::write(place.folder.join("recipe.ssl"), TAUGHT).unwrap();
    place.expect(0, &["recipe.ssl", "-o", "taught", "--quiet"]);
    place.expect(0, &["embed", "taught", "pictures", "-o", "before.npy"]);
    place.expect(0, &["predict", "taught", "pictures/cats/00.png", "-o", "before.csv"]);
    std::fs::create_dir(place.folder.join("kept")).unwrap();
    for file in ["encoder.safetensors", "last.safetensors", "linear.safetensors"] {
        std::fs::rename(place.folder.join("taught/checkpoints").join(file), place.folder.join("kept").join(file))
            .unwrap();
    }
    std::fs::remove_dir_all(place.folder.join("taught")).unwrap();
    for file in ["teacher.ssl", "recipe.ssl"] {
        std::fs::remove_file(place.folder.join(file)).unwrap();
    }
    std::fs::rename(place.folder.join("pictures"), place.folder.join("moved")).unwrap();
    let before = std::fs::read(place.folder.join("before.npy")).unwrap();
    for (i, file) in ["kept/encoder.safetensors", "kept/last.safetensors"].into_iter().enumerate() {
        let out = format!("after{i}.npy");
        place.expect(0, &["embed", file, "moved", "-o", &out]);
        assert!(std::fs::read(place.folder.join(&out)).unwrap() == before, "{file}");
        place.expect(0, &["eval", file, "--data", "moved", "--quiet"]);
        place.expect(0, &["predict", file, "moved/cats/00.png", "-o", "after.csv"]);
        assert_eq!(place.read("after.csv").replace("moved", "pictures"), place.read("before.csv"));
        place.expect(0, &["embed", file, "moved", "--set", "evaluate.view=center_crop(16)", "-o", "other.npy"]);
    }
    place.expect(0, &["embed", "kept/last.safetensors", "moved", "--set", "evaluate.on=f.projector", "-o", "p.npy"]);
    let (_, err) = place
        .expect(3, &["embed", "kept/encoder.safetensors", "moved", "--set", "evaluate.on=f.projector", "-o", "q.npy"]);
    assert!(
        unwrapped(&err).contains("it holds `f.encoder` alone; `f.projector` is in the checkpoint of its run"),
        "{err}"
    );
    let (_, err) = place.expect(2, &["embed", "kept/linear.safetensors", "moved", "-o", "q.npy"]);
    assert!(unwrapped(&err).contains("it does not say by which recipe it was trained"), "{err}");
    let mut bytes = std::fs::read(place.folder.join("kept/encoder.safetensors")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(place.folder.join("kept/spoilt.safetensors"), bytes).unwrap();
    let (_, err) = place.expect(3, &["embed", "kept/spoilt.safetensors", "moved", "-o", "q.npy"]);
    assert!(unwrapped(&err).contains("it is damaged"), "{err}");
}
