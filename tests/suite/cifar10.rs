//! CIFAR-10 in both formats, and what is said of files that are not right.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use sslrun::catalog::Arg;
use sslrun::data::{Access, DataSet, Frame, Image, Split, Splits, open, parse_spec};

const SCHEMA: &str = "message schema { optional group img { optional binary bytes; optional binary path (STRING); } \
                      optional int64 label; }";

/// A folder of this test's own, empty.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cifar10").join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}

fn picture(seed: usize, side: usize) -> Image<'static> {
    Image::new(side, side, (0..side * side * 3).map(|i| (i * 7 + seed * 31) as u8).collect::<Vec<u8>>())
}

fn png(image: &Image) -> Vec<u8> {
    let path = folder(&format!("png-{:?}", std::thread::current().id())).join("x.png");
    std::fs::write(&path, image.encode(&path).expect("a PNG")).expect("a file");
    std::fs::read(path).expect("the PNG")
}

/// One row of a file to be written; `None` is a missing value.
struct Row {
    bytes: Option<Vec<u8>>,
    label: Option<i64>,
}

fn rows(count: usize) -> Vec<Row> {
    (0..count).map(|i| Row { bytes: Some(png(&picture(i, 32))), label: Some(i as i64 % 10) }).collect()
}

/// Writes rows as Hugging Face does, two a row group.
fn write(path: &Path, rows: &[Row], schema: &str) {
    write_packed(path, rows, schema, Compression::SNAPPY);
}

/// Pictures that differ by their number, with what labels they have.
pub fn write_labelled(path: &Path, numbers: Range<usize>, label: impl Fn(usize) -> Option<i64>) {
    let row = |i: usize| Row { bytes: Some(png(&picture(i, 32))), label: label(i) };
    write(path, &numbers.map(row).collect::<Vec<_>>(), SCHEMA);
}

/// Writes rows, their pages packed in some way; labels are of the type that the schema names.
fn write_packed(path: &Path, rows: &[Row], schema: &str, compression: Compression) {
    let narrow = schema.contains("int32 label");
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let names = "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\"]";
    let info = format!("{{\"info\":{{\"features\":{{\"label\":{{\"names\":{names}}}}}}}}}");
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(vec![KeyValue::new("huggingface".to_string(), info)]))
        .set_compression(compression)
        .build();
    let file = std::fs::File::create(path).expect("a file");
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).expect("a writer");
    for pair in rows.chunks(2) {
        let mut group = writer.next_row_group().expect("a row group");
        let bytes: Vec<ByteArray> = pair.iter().filter_map(|r| r.bytes.clone().map(ByteArray::from)).collect();
        let present: Vec<i16> = pair.iter().map(|r| if r.bytes.is_some() { 2 } else { 0 }).collect();
        let labels: Vec<i64> = pair.iter().filter_map(|r| r.label).collect();
        let labelled: Vec<i16> = pair.iter().map(|r| i16::from(r.label.is_some())).collect();
        let mut column = 0;
        while let Some(mut open) = group.next_column().expect("a column") {
            match column {
                0 => open.typed::<ByteArrayType>().write_batch(&bytes, Some(&present), None).expect("bytes"),
                1 => open.typed::<ByteArrayType>().write_batch(&[], Some(&vec![1; pair.len()]), None).expect("paths"),
                _ if narrow => {
                    let labels: Vec<i32> = labels.iter().map(|&l| l as i32).collect();
                    open.typed::<Int32Type>().write_batch(&labels, Some(&labelled), None).expect("labels")
                }
                _ => open.typed::<Int64Type>().write_batch(&labels, Some(&labelled), None).expect("labels"),
            };
            open.close().expect("the column closes");
            column += 1;
        }
        group.close().expect("the group closes");
    }
    writer.close().expect("the file closes");
}

fn load(path: &Path, more: &str, split: Split) -> Result<Box<dyn DataSet>, String> {
    let config = parse_spec(&format!("cifar10:{}{more}", path.display())).map_err(|e| e.to_string())?;
    open(&config, split, &Access::default()).map_err(|e| e.to_string())
}

fn complaint(path: &Path, split: Split) -> String {
    load(path, "", split).err().expect("an error")
}

#[test]
fn parquet_is_read_over_row_groups_and_files() {
    let folder = folder("parquet");
    write(&folder.join("train-00000-of-00002.parquet"), &rows(5), SCHEMA);
    write(&folder.join("train-00001-of-00002.parquet"), &rows(3), SCHEMA);
    let set = load(&folder, "", Split::Train).expect("the set");
    assert_eq!(set.len(), 8);
    assert_eq!((0..8).map(|i| set.label(i).expect("a label")).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 0, 1, 2]);
    assert_eq!(set.image(3), Ok(picture(3, 32)));
    assert_eq!(set.image(7), Ok(picture(2, 32)));
    assert_eq!(set.classes()[9], "j");
    let some = load(&folder, ",train=6,test=1", Split::Train).expect("the set");
    assert_eq!((some.len(), some.image(5)), (6, Ok(picture(0, 32))));
    assert!(some.image(6).is_err());
}

#[test]
fn every_compression_and_width_of_labels_is_read() {
    let folder = folder("packed");
    let narrow = SCHEMA.replace("int64 label", "int32 label");
    let packed = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ];
    for (compression, schema) in packed.into_iter().flat_map(|c| [(c, SCHEMA), (c, narrow.as_str())]) {
        write_packed(&folder.join("test.parquet"), &rows(5), schema, compression);
        let set = load(&folder, "", Split::Test).unwrap_or_else(|e| panic!("{compression}: {e}"));
        assert_eq!((set.len(), set.label(3), set.image(4)), (5, Some(3), Ok(picture(4, 32))), "{compression}");
    }
}

#[test]
fn a_row_without_a_label_has_none() {
    let folder = folder("no-label");
    write_labelled(&folder.join("test.parquet"), 0..5, |i| (i != 3).then_some(i as i64));
    let set = load(&folder, "", Split::Test).expect("the set");
    assert_eq!((0..5).map(|i| set.label(i)).collect::<Vec<_>>(), [Some(0), Some(1), Some(2), None, Some(4)]);
}

/// Both splits of a folder, as a training opens them.
fn both(path: &Path) -> Result<(Splits, Vec<String>, Option<u64>), String> {
    let config = parse_spec(&format!("cifar10:{}", path.display())).map_err(|e| e.to_string())?;
    let opened = Splits::open(&config, &Access::default()).map_err(|e| e.to_string())?;
    Ok((opened.splits, opened.notes, opened.fingerprint))
}

#[test]
fn one_file_is_not_both_splits() {
    let folder = folder("one-file");
    let one = folder.join("all.parquet");
    write_labelled(&one, 0..20, |i| Some(i as i64 % 10));
    let said = both(&one).err().expect("an error");
    assert!(said.contains("all.parquet") && said.contains("test"), "{said}");
    // A copy beside it under another name is the same pictures.
    for name in ["train.parquet", "test.parquet"] {
        write_labelled(&folder.join(name), 0..20, |i| Some(i as i64 % 10));
    }
    let said = both(&folder).err().expect("an error");
    assert!(said.contains("every picture of the test split is in the training split, too"), "{said}");
}

#[test]
fn pictures_in_both_splits_are_counted_and_are_no_test() {
    let folder = folder("overlap");
    write_labelled(&folder.join("train.parquet"), 0..20, |i| Some(i as i64 % 10));
    write_labelled(&folder.join("test.parquet"), 15..30, |i| Some(i as i64 % 10));
    let (splits, notes, first) = both(&folder).expect("the sets");
    let told = "5 of 15 pictures of the test split are in the training split, too: they are left out";
    assert_eq!(notes, [told]);
    assert_eq!((splits.train.len(), splits.test.len()), (20, 10));
    assert_eq!((splits.test.image(0), splits.test.label(0)), (Ok(picture(20, 32)), Some(0)));
    // The number that stands for the pictures tells other labels and other pictures apart.
    assert_eq!(both(&folder).expect("the sets").2, first);
    write_labelled(&folder.join("test.parquet"), 15..30, |i| Some((i as i64 + 1) % 10));
    let relabelled = both(&folder).expect("the sets").2;
    write_labelled(&folder.join("test.parquet"), 16..31, |i| Some(i as i64 % 10));
    let moved = both(&folder).expect("the sets").2;
    assert!(first.is_some() && first != relabelled && first != moved && relabelled != moved);
}

#[test]
fn files_that_are_no_parts_of_one_split_are_refused() {
    let folder = folder("parts");
    let write = |name: &str| write_labelled(&folder.join(name), 0..4, |i| Some(i as i64));
    let remove = |name: &str| std::fs::remove_file(folder.join(name)).expect("the file is there");
    write("train.parquet");
    write("train_old.parquet");
    let said = complaint(&folder, Split::Train);
    assert!(said.contains("which of them it is made of is open: train.parquet, train_old.parquet"), "{said}");
    remove("train_old.parquet");
    write("train-00000-of-00002.parquet");
    let said = complaint(&folder, Split::Train);
    assert!(said.contains("train-00000-of-00002.parquet, train.parquet"), "{said}");
    remove("train.parquet");
    let said = complaint(&folder, Split::Train);
    assert!(said.contains("holds 1 of 2 parts of the train split"), "{said}");
    write("train-00001-of-00002.parquet");
    assert_eq!(load(&folder, "", Split::Train).expect("the set").len(), 8);
    // Parts are put together in the order of their numbers, whatever their width.
    for name in ["test-10.parquet", "test-9.parquet"] {
        let start = if name.contains("10") { 100 } else { 50 };
        write_labelled(&folder.join(name), start..start + 2, |i| Some(i as i64 % 10));
    }
    let set = load(&folder, "", Split::Test).expect("the set");
    assert_eq!((set.image(0), set.image(2)), (Ok(picture(50, 32)), Ok(picture(100, 32))));
}

#[test]
fn bad_parquet_is_refused_with_file_row_and_reason() {
    let cases: [(&str, Row, &str); 4] = [
        ("null", Row { bytes: None, label: Some(1) }, "row 3: has no image"),
        ("label", Row { bytes: Some(png(&picture(0, 32))), label: Some(10) }, "row 3: label 10 is not one of 0 to 9"),
        ("garbage", Row { bytes: Some(vec![1, 2, 3]), label: Some(1) }, "row 3: cannot be decoded as an image"),
        ("size", Row { bytes: Some(png(&picture(0, 16))), label: Some(1) }, "row 3: is 16x16, not 32x32"),
    ];
    for (name, bad, reason) in cases {
        let folder = folder(name);
        let mut all = rows(5);
        all[3] = bad;
        write(&folder.join("test.parquet"), &all, SCHEMA);
        let said = complaint(&folder, Split::Test);
        assert!(said.contains(reason) && said.contains("test.parquet"), "{said}");
    }
}

#[test]
fn files_that_are_not_parquet_or_cut_off_are_refused() {
    let folder = folder("broken");
    let path = folder.join("test.parquet");
    write(&path, &rows(4), SCHEMA);
    let whole = std::fs::read(&path).expect("the file");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("half of it");
    assert!(complaint(&folder, Split::Test).contains("test.parquet: is no readable Parquet file"));
    std::fs::write(&path, "version https://git-lfs.github.com/spec/v1\n").expect("a pointer");
    assert!(complaint(&folder, Split::Test).contains("Git LFS pointer"));
    // Damage inside the first pages, with the footer whole.
    let mut damaged = whole.clone();
    damaged[4..60].fill(0xff);
    std::fs::write(&path, damaged).expect("the file");
    let said = complaint(&folder, Split::Test);
    assert!(said.contains("test.parquet, row 0"), "{said}");
}

#[test]
fn parquet_of_something_else_is_refused() {
    let folder = folder("columns");
    let schema = "message schema { optional group pic { optional binary bytes; optional binary path (STRING); } \
                  optional int64 label; }";
    write(&folder.join("train.parquet"), &rows(2), schema);
    let said = complaint(&folder, Split::Train);
    assert!(said.contains("no column `img.bytes` or `image.bytes`; its columns: pic.bytes, pic.path, label"), "{said}");
    write(&folder.join("train.parquet"), &[], SCHEMA);
    assert!(complaint(&folder, Split::Train).contains("train.parquet: holds no rows"));
}

#[test]
fn missing_files_are_named_with_what_is_looked_for() {
    let empty = folder("empty");
    assert!(complaint(&empty, Split::Train).contains("no CIFAR-10 train files: the folder is empty"));
    std::fs::write(empty.join("readme.txt"), "").expect("a file");
    let said = complaint(&empty, Split::Test);
    assert!(said.contains("it holds readme.txt") && said.contains("test*.parquet or test_batch.bin"), "{said}");
    let said = complaint(Path::new("no/such/folder"), Split::Train);
    assert!(said.contains("no/such/folder: cannot be read"), "{said}");
}

/// Two records as in the original files: a label and three planes.
fn records(labels: [u8; 2]) -> Vec<u8> {
    let record = |label: u8| {
        let image = picture(label.into(), 32);
        let plane = move |c: usize| image.data.clone().into_owned().into_iter().skip(c).step_by(3);
        std::iter::once(label).chain((0..3).flat_map(plane))
    };
    labels.into_iter().flat_map(record).collect()
}

#[test]
fn binary_files_are_read_and_checked() {
    let folder = folder("binary");
    let inner = folder.join("cifar-10-batches-bin");
    std::fs::create_dir(&inner).expect("a folder");
    for i in 1..=5 {
        std::fs::write(inner.join(format!("data_batch_{i}.bin")), records([i, 9])).expect("a file");
    }
    let set = load(&folder, "", Split::Train).expect("the set");
    assert_eq!((set.len(), set.label(4), set.image(4)), (10, Some(3), Ok(picture(3, 32))));
    assert_eq!(set.classes()[0], "airplane");
    assert_eq!(load(&folder, ",train=3", Split::Train).expect("the set").len(), 3);

    std::fs::write(inner.join("data_batch_2.bin"), records([2, 11])).expect("a file");
    assert!(complaint(&folder, Split::Train).contains("data_batch_2.bin, row 1: label 11 is not one of 0 to 9"));
    std::fs::write(inner.join("data_batch_2.bin"), &records([2, 9])[..4000]).expect("a file");
    let said = complaint(&folder, Split::Train);
    assert!(said.contains("data_batch_2.bin") && said.contains("row 1 is cut off"), "{said}");
    std::fs::remove_file(inner.join("data_batch_2.bin")).expect("gone");
    assert!(complaint(&folder, Split::Train).contains("data_batch_2.bin: is missing"));
}

#[test]
fn specifications_are_read_with_every_default_filled() {
    let config = parse_spec("cifar10:some/where,test=100").expect("a configuration");
    let here = std::env::current_dir().expect("a folder");
    assert_eq!(
        Path::new(config.text("path")),
        here.join("some/where"),
        "a path holds wherever the recipe is written again"
    );
    assert_eq!((config.maybe_number("train"), config.maybe_number("test")), (None, Some(100.0)));
    assert_eq!(parse_spec("shapes").expect("a configuration").arg("size"), &Arg::Number(32.0));
    assert_eq!(parse_spec("shapes:size=64,seed=3").expect("a configuration").int("size"), 64);
    let wrong = [
        ("cifar", "there is no data set `cifar`"),
        ("cifar10", "cifar10 needs its path"),
        ("shapes:big", "`big` is no argument of shapes"),
        ("shapes:size=abc", "`abc` is no value for `size`"),
        ("shapes:size=1.5", "`1.5` is no value for `size`"),
        ("shapes:classes=40", "`40` is no value for `classes`"),
    ];
    for (spec, reason) in wrong {
        let said = parse_spec(spec).expect_err("an error").to_string();
        assert!(said.contains(reason), "{said}");
    }
}

/// The copy beside a checkout, where there is one.
#[test]
fn the_real_files_are_read_where_they_are_at_hand() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/cifar10");
    if !path.is_dir() {
        return;
    }
    let set = load(&path, "", Split::Test).expect("the test images");
    assert_eq!((set.len(), set.frame()), (10_000, Frame::fixed((32, 32))));
    let mut counts = [0; 10];
    (0..set.len()).for_each(|i| counts[set.label(i).expect("a label") as usize] += 1);
    assert_eq!(counts, [1000; 10]);
    assert_eq!(set.classes()[3], "cat");
}

/// Every damage is told as an error, or does not matter; the reader never panics.
#[test]
fn damaged_parquet_gives_an_error_and_no_panic() {
    let folder = folder("damaged");
    let path = folder.join("train-00000-of-00001.parquet");
    write(&path, &rows(4), SCHEMA);
    let whole = std::fs::read(&path).expect("the file");
    let mut refused = 0;
    // The Parquet crate panics at these two.
    let contradictory = [772, 9537];
    for round in (0..600).chain(contradictory) {
        let mut rng = sslrun::random::Rng::new(&[11, round as u64]);
        let mut bytes = whole.clone();
        // The footer, where sizes and offsets stand, is hit most.
        let from = if round % 3 == 0 { 0 } else { whole.len() - 900 + round % 200 };
        for _ in 0..1 + round % 4 {
            let place = from + rng.below(bytes.len() - from);
            bytes[place] = rng.below(256) as u8;
        }
        if round % 10 == 0 {
            bytes.truncate(rng.below(whole.len()));
        }
        std::fs::write(&path, &bytes).expect("a file");
        let told = load(&folder, "", Split::Train).err().unwrap_or_default();
        assert!(!contradictory.contains(&round) || told.contains("contradict each other"), "{round}: {told}");
        refused += usize::from(told.contains("train-00000"));
    }
    assert!(refused > 100, "{refused}");
}
