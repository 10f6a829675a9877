//! What is read as a file is one: no folder, no device, no pipe without an end; and no more of it than makes sense.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use sslrun::data::{Access, Image, MOST_PIXELS, Split, open, parse_spec};

use crate::cli::{Place, place_of};
use crate::train::folder;

const RECIPE: &str = "input a: [N, 3]\nloss { l: mean(a ^ 2) }\n";
const TRAINS: &str = "views { a, b: crop(0.5..1) }
branch f { encoder: small_convnet(width: 4); head: linear(4) }
loss { l: nt_xent(f(a), f(b)) }
";

/// Runs and expects an exit status in a time in which nobody reads without an end; what was said.
#[track_caller]
fn says(place: &Place, status: i32, args: &[&str]) -> String {
    let start = Instant::now();
    let (_, err) = place.expect(status, args);
    assert!(start.elapsed() < Duration::from_secs(20), "{args:?} took {:?}", start.elapsed());
    err
}

#[test]
fn devices_folders_and_pipes_are_no_recipes_and_no_tensors() {
    let place = place_of("reading", RECIPE);
    let fifo = place.folder.join("pipe").display().to_string();
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    for device in ["/dev/zero", "/dev/urandom"] {
        let err = says(&place, 2, &["check", device]);
        assert!(err.contains(device) && (err.contains("longer than 4194304 bytes") || err.contains("UTF-8")), "{err}");
    }
    let err = says(&place, 2, &["check", "/"]);
    assert!(err.contains("it is a folder"), "{err}");
    for (what, reason) in [("/dev/zero", "device"), (fifo.as_str(), "pipe"), ("/", "folder")] {
        let named = place.folder.join("named.ssl");
        _ = std::fs::remove_file(&named);
        std::os::unix::fs::symlink(what, &named).expect("a link");
        for text in [format!("extends \"{what}\"\n{TRAINS}"), format!("{TRAINS}branch t = frozen(\"named.ssl\")\n")] {
            std::fs::write(place.folder.join("strange.ssl"), &text).expect("a recipe");
            let err = says(&place, 1, &["check", "strange.ssl"]);
            assert!(err.contains("unreadable-file") && err.contains(reason), "{text}{err}");
        }
        let weights = format!("{}branch t = frozen(\"{what}\", of: f)\n", TRAINS.replace("f(b)", "t(b)"));
        std::fs::write(place.folder.join("strange.ssl"), weights).expect("a recipe");
        let err = says(&place, 3, &["strange.ssl", "--data", "shapes:train=256,test=8,size=16", "--quiet"]);
        assert!(err.contains(what) && err.contains(reason), "{err}");
        let err = says(&place, 3, &["loss", &place.recipe, "--inputs", what]);
        assert!(err.contains(what) && err.contains(reason), "{err}");
    }
}

#[test]
fn data_are_read_from_folders_of_files() {
    let place = place_of("reading-data", TRAINS);
    // `/proc/self` is a link to a folder of the process, and is named as what it leads to.
    for (path, named) in [("/dev/zero", "/dev/zero"), ("/dev/null", "/dev/null"), ("/proc/self/mem", "/mem")] {
        let told =
            open(&parse_spec(&format!("cifar10:{path}")).expect("a configuration"), Split::Train, &Access::default())
                .err();
        let told = told.expect("an error").to_string();
        assert!(told.contains(named), "{told}");
    }
    // A folder and a pipe that are called like files of a data set.
    let data = place.folder.join("data");
    std::fs::create_dir_all(data.join("train.parquet")).expect("a folder");
    assert!(Command::new("mkfifo").arg(data.join("test.parquet")).status().expect("mkfifo").success());
    for (split, reason) in [(Split::Train, "folder"), (Split::Test, "pipe")] {
        let config = parse_spec(&format!("cifar10:{}", data.display())).expect("a configuration");
        let told = open(&config, split, &Access::default()).err().expect("an error").to_string();
        assert!(told.contains(reason) && told.contains(split.name()), "{told}");
    }
}

/// The program with a text on its standard input.
fn piped(place: &Place, args: &[&str], text: &[u8]) -> Output {
    let mut command = place.command(args);
    let mut child =
        command.stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    // Who refuses a long text does not read to its end.
    _ = child.stdin.take().expect("a pipe").write_all(text);
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_pipe_that_a_user_names_is_read_up_to_a_limit() {
    let place = place_of("reading-pipe", RECIPE);
    let long = "# a line\n".repeat(600_000);
    for name in ["-", "/dev/stdin"] {
        let output = piped(&place, &["check", name], RECIPE.as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let output = piped(&place, &["check", name], long.as_bytes());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains("longer than 4194304 bytes"), "{name}: {told}");
    }
    // As a shell writes `<(...)`.
    let program = env!("CARGO_BIN_EXE_sslrun");
    let script = format!("'{program}' check <(cat '{}')", place.recipe);
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(place.folder.join("long.ssl"), long).expect("a long file");
    let err = says(&place, 2, &["check", "long.ssl"]);
    assert!(err.contains("long.ssl") && err.contains("4194304"), "{err}");
}

/// A number as Parquet writes it.
fn varint(number: i64) -> Vec<u8> {
    let mut left = ((number << 1) ^ (number >> 63)) as u64;
    let mut bytes = Vec::new();
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|w| w == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// A Parquet file of 77 rows whose footer says that there are others; so does the header of each page where there is room.
fn claiming(rows: i64) -> Vec<u8> {
    const ROWS: usize = 77;
    let schema = "message schema { optional group img { required binary bytes; } required int64 label; }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let image = folder("claims-png").join("x.png");
    let picture = Image::new(32, 32, vec![9; 32 * 32 * 3]);
    std::fs::write(&image, picture.encode(&image).expect("a PNG")).expect("a file");
    let png = std::fs::read(image).expect("the PNG");
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::builder().build()));
    let writer = writer.as_mut().expect("a writer");
    let mut group = writer.next_row_group().expect("a row group");
    let mut column = group.next_column().expect("a column").expect("the images");
    let levels = vec![1; ROWS];
    column
        .typed::<ByteArrayType>()
        .write_batch(&vec![ByteArray::from(png); ROWS], Some(&levels), None)
        .expect("images");
    column.close().expect("it closes");
    let mut column = group.next_column().expect("a column").expect("the labels");
    column.typed::<Int64Type>().write_batch(&[3; ROWS], None, None).expect("labels");
    column.close().expect("it closes");
    group.close().expect("it closes");
    writer.finish().expect("the file closes");
    let whole = writer.inner().clone();
    let footer = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().expect("a length")) as usize;
    let (pages, rest) = whole.split_at(whole.len() - 8 - footer);
    let claimed = replaced(&rest[..footer], &varint(ROWS as i64), &varint(rows));
    [pages, &claimed, &(claimed.len() as u32).to_le_bytes(), b"PAR1"].concat()
}

#[test]
fn a_parquet_file_gets_no_memory_for_rows_that_it_only_claims() {
    let place = folder("claims");
    let read = |rows: i64| {
        std::fs::write(place.join("train.parquet"), claiming(rows)).expect("a file");
        open(
            &parse_spec(&format!("cifar10:{}", place.display())).expect("a configuration"),
            Split::Train,
            &Access::default(),
        )
    };
    assert_eq!(read(77).map(|set| set.len()).map_err(|e| e.to_string()), Ok(77));
    for rows in [78, 9_999_999, 10_000_001, 1 << 40, i64::MAX / 4, -5] {
        let told = read(rows).err().unwrap_or_else(|| panic!("{rows} rows")).to_string();
        assert!(told.contains("train.parquet"), "{rows}: {told}");
        assert!((1..10_000_000).contains(&rows) || told.contains(&rows.to_string()), "{rows}: {told}");
    }
}

/// Bytes that say they are a picture of this size.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes());
    chunk.extend(height.to_be_bytes());
    chunk.extend([8, 2, 0, 0, 0]);
    let crc = chunk.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 })
    });
    [b"\x89PNG\r\n\x1a\n", &13u32.to_be_bytes()[..], &chunk, &(!crc).to_be_bytes()].concat()
}

#[test]
fn pictures_larger_than_photographs_are_not_decoded() {
    for (width, height) in [(1 << 30, 1), (1, 1 << 30), (20_000, 20_000), (u32::MAX >> 1, u32::MAX >> 1), (0, 0)] {
        let start = Instant::now();
        assert!(Image::decode(&png_header(width, height), MOST_PIXELS).is_err());
        assert!(start.elapsed() < Duration::from_secs(2), "{width}x{height}");
    }
}

#[test]
fn headers_of_tensors_are_believed_no_further_than_the_file_goes() {
    let place = folder("headers");
    let path = place.join("a.safetensors");
    let with = |header: &str| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    let cases = [
        u64::MAX.to_le_bytes().to_vec(),
        (1u64 << 62).to_le_bytes().to_vec(),
        Vec::new(),
        with(r#"{"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,4]}}"#),
        with(r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,18446744073709551615]}}"#),
        with(r#"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#),
        with(&"[".repeat(100_000)),
    ];
    for bytes in cases {
        std::fs::write(&path, bytes).expect("a file");
        let told = sslrun::driver::read_tensors(&path).expect_err("an error");
        assert!(told.contains("a.safetensors"), "{told}");
    }
}
