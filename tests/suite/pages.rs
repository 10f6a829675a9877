//! Parquet files that are larger than what may be kept of them: pictures are read a page at a time, by all threads.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rayon::prelude::*;
use sslrun::data::{Access, DataSet, Image, Split, open, parse_spec};

use crate::train::folder;

/// Rows of a file, and rows a group; pages are of a few rows, and all of them are more than are kept.
const ROWS: usize = 500;
const GROUP: usize = 60;
const SIDE: usize = 172;

/// A picture of noise that follows from its number.
fn picture(number: usize) -> Image<'static> {
    let mut word = number as u64 + 1;
    let mut next = || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word as u8
    };
    Image::new(SIDE, SIDE, (0..SIDE * SIDE * 3).map(|_| next()).collect::<Vec<u8>>())
}

/// Writes pictures with a class each, but for one row without a picture and one that stands there twice.
fn write(path: &Path, numbers: std::ops::Range<usize>, compression: Compression) {
    let schema = "message m { optional group image { optional binary bytes; } optional int64 label; }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_data_page_size_limit(1 << 18)
        .set_write_batch_size(2)
        .build();
    let file = std::fs::File::create(path).expect("a file");
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).expect("a writer");
    let all: Vec<usize> = numbers.collect();
    let bmp = |number: usize| picture(number).encode(Path::new("x.bmp")).expect("bytes");
    for some in all.chunks(GROUP) {
        let mut group = writer.next_row_group().expect("a group");
        let there: Vec<i16> = some.iter().map(|i| if i % ROWS == 77 { 1 } else { 2 }).collect();
        let whole = some.iter().filter(|i| *i % ROWS != 77);
        let bytes: Vec<ByteArray> =
            whole.map(|&i| ByteArray::from(bmp(if i % ROWS == 99 { i - 1 } else { i }))).collect();
        let labels: Vec<i64> = some.iter().map(|&i| i as i64 % 3).collect();
        let mut column = group.next_column().expect("a column").expect("pictures");
        column.typed::<ByteArrayType>().write_batch(&bytes, Some(&there), None).expect("pictures");
        column.close().expect("the column closes");
        let mut column = group.next_column().expect("a column").expect("labels");
        column.typed::<Int64Type>().write_batch(&labels, Some(&vec![1; labels.len()]), None).expect("labels");
        column.close().expect("the column closes");
        group.close().expect("the group closes");
    }
    writer.close().expect("the file closes");
}

#[test]
fn pictures_of_large_files_are_read_by_pages() {
    let folder = folder("pages");
    write(&folder.join("train.parquet"), 0..ROWS, Compression::SNAPPY);
    write(&folder.join("test.parquet"), ROWS..2 * ROWS, Compression::UNCOMPRESSED);
    let config = parse_spec(&format!("parquet:{}", folder.display())).expect("a set");
    let access = Access { cache: 0, encoded: 1 << 20, ..Access::default() };
    for (split, first) in [(Split::Train, 0), (Split::Test, ROWS)] {
        let set: Arc<dyn DataSet> = Arc::from(open(&config, split, &access).expect("the set"));
        assert_eq!((set.len(), set.classes().len()), (ROWS - 1, 3));
        // In an order without any, by all threads, each several times.
        (0..3 * set.len()).into_par_iter().step_by(5).for_each(|i| {
            let i = i * 37 % set.len();
            let row = if i < 99 { i } else { i + 1 };
            assert_eq!(set.label(i), Some(((first + row) % 3) as u32));
            assert_eq!(set.name(i), Some(format!("{}.parquet, row {row}", split.name())));
            match set.image(i) {
                Ok(image) => assert!(image == picture(first + row), "row {row}"),
                Err(error) => assert!(row == 77 && error.spoilt && error.to_string().contains("empty file"), "{error}"),
            }
        });
        let whole = open(&config, split, &Access::default()).expect("the set in memory");
        assert!(set.fingerprint().is_some() && set.fingerprint() == whole.fingerprint());
        assert_eq!((set.hint(5), set.content(5)), (whole.hint(5), whole.content(5)));
        assert_eq!(set.fetch(3).expect("bytes"), Some((SIDE * SIDE * 3 + 54) as u64));
    }
    // A file that has become another one.
    let set = open(&config, Split::Train, &access).expect("the set");
    let whole = std::fs::read(folder.join("train.parquet")).expect("the file");
    std::fs::write(folder.join("train.parquet"), &whole[..whole.len() / 2]).expect("it can be cut off");
    let (early, late) = (set.image(1), set.image(ROWS - 2));
    assert!(early.expect("it is there") == picture(1));
    let error = late.expect_err("it is gone").to_string();
    assert!(error.contains("train.parquet, row 499"), "{error}");
    std::fs::remove_dir_all(folder).expect("it can be removed");
}
