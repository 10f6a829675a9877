//! What is written: files whole or not at all, where a path leads, as they were; and no result that is lost is called fine.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::place_of;
use crate::train::folder;
use sslrun::report::{is_part, sweep, write_atomically};

const LOOSE: &str = "views{a,b:crop(0.5..1)|flip}
branch f{encoder: resnet18(stem: small, width: 4)|linear(8)}
loss{l: mse(f(a), f(b))}";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode_its_links_and_its_other_names() {
    let folder = folder("written");
    let at = |name: &str| folder.join(name);
    for bits in [0o600, 0o755, 0o640] {
        fs::write(at("file"), "old").expect("a file");
        fs::set_permissions(at("file"), PermissionsExt::from_mode(bits)).expect("a mode");
        write_atomically(&at("file"), b"new").expect("it is written");
        assert_eq!((mode(&at("file")), fs::read(at("file")).expect("a file")), (bits, b"new".to_vec()));
    }
    // A new file is as any other program makes it.
    fs::write(at("by hand"), "").expect("a file");
    write_atomically(&at("fresh"), b"").expect("it is written");
    assert_eq!(mode(&at("fresh")), mode(&at("by hand")));
    // Links, one over another, and one that leads to what is not there yet.
    fs::create_dir(at("inner")).expect("a folder");
    symlink("inner/target", at("link")).expect("a link");
    symlink("link", at("second")).expect("a link");
    write_atomically(&at("second"), b"through").expect("it is written");
    assert!(fs::symlink_metadata(at("link")).is_ok_and(|m| m.is_symlink()));
    assert_eq!(fs::read(at("inner/target")).expect("a file"), b"through");
    symlink("ring", at("ring")).expect("a link");
    assert!(write_atomically(&at("ring"), b"").is_err());
    // Two names of one file.
    fs::write(at("one"), "a longer text").expect("a file");
    fs::hard_link(at("one"), at("two")).expect("a link");
    write_atomically(&at("one"), b"short").expect("it is written");
    assert_eq!(fs::read(at("two")).expect("a file"), b"short");
    assert_eq!(fs::metadata(at("one")).expect("a file").ino(), fs::metadata(at("two")).expect("a file").ino());
    // What may not be written.
    fs::set_permissions(at("file"), PermissionsExt::from_mode(0o444)).expect("a mode");
    let root = fs::OpenOptions::new().write(true).open(at("file")).is_ok();
    assert_eq!(write_atomically(&at("file"), b"other").is_ok(), root);
    assert_eq!(fs::read(at("file")).expect("a file"), if root { b"other".as_slice() } else { b"new" });
    assert_eq!(mode(&at("file")), 0o444);
    let left: Vec<String> =
        fs::read_dir(&folder).expect("a folder").flatten().map(|e| e.file_name().to_string_lossy().into()).collect();
    assert!(!left.iter().any(|name| is_part(name)), "{left:?}");
    // A device is written to.
    write_atomically(Path::new("/dev/null"), b"x").expect("it takes everything");
    assert!(write_atomically(Path::new("/dev/full"), b"x").is_err());
}

#[test]
fn a_link_laid_in_a_shared_folder_is_not_written_through() {
    let folder = folder("written-laid");
    fs::write(folder.join("victim"), "mine").expect("a file");
    symlink("victim", folder.join(format!(".file.{}", std::process::id()))).expect("a link");
    write_atomically(&folder.join("file"), b"new").expect("it is written");
    assert_eq!(fs::read(folder.join("victim")).expect("a file"), b"mine");
}

#[test]
fn what_dead_writers_have_left_is_swept_and_nothing_else() {
    let folder = folder("written-swept");
    for name in [".last.safetensors.Xa3.part", ".hidden", "mine.part", "kept"] {
        fs::write(folder.join(name), "").expect("a file");
    }
    sweep(&folder);
    let mut left: Vec<String> =
        fs::read_dir(&folder).expect("a folder").flatten().map(|e| e.file_name().to_string_lossy().into()).collect();
    left.sort();
    assert_eq!(left, [".hidden", "kept", "mine.part"]);
}

#[test]
fn fmt_replaces_the_file_that_a_path_leads_to() {
    let place = place_of("fmt-link", LOOSE);
    let file = place.folder.join("tiny.ssl");
    fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("a mode");
    symlink("tiny.ssl", place.folder.join("link.ssl")).expect("a link");
    place.expect(0, &["fmt", "link.ssl"]);
    assert!(fs::symlink_metadata(place.folder.join("link.ssl")).is_ok_and(|m| m.is_symlink()));
    assert_eq!(mode(&file), 0o600);
    place.expect(0, &["fmt", "--check", "tiny.ssl"]);
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let place = place_of("device-full", LOOSE);
    place.expect(
        0,
        &[&place.recipe, "--data", "shapes:train=32,test=16,size=16", "--set", "train.batch=16", "-o", "run"],
    );
    let recipe = place.recipe.as_str();
    let commands: &[&[&str]] = &[
        &["show"],
        &["show", "info_nce"],
        &["explain", "syntax"],
        &["explain", recipe],
        &["graph", recipe],
        &["check", "--format", "json", recipe],
        &["fmt", "-"],
        &["eval", "run"],
        &["bench", recipe, "--steps", "1", "--warm", "1"],
        &["--resume", "run"],
        &["compare", "run", "-o", "compared"],
    ];
    for args in commands {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let mut command = place.command(args);
        if args[0] == "fmt" {
            command.stdin(fs::File::open(recipe).expect("a recipe"));
        }
        let output = command.stdout(full).stderr(Stdio::piped()).output().expect("it ends");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{args:?}: {err}");
        assert!(err.contains("cannot write the result: No space left on device"), "{args:?}: {err}");
    }
    // A reader that has enough is none.
    let line = format!("{} show | head -1", env!("CARGO_BIN_EXE_sslrun"));
    let output = Command::new("bash").args(["-o", "pipefail", "-c", &line]).output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn nothing_that_is_read_is_written_over() {
    let place = place_of("written-over", "input z: [N, 4]\nloss { l: mean(z) }");
    let tensors = std::collections::HashMap::from([(
        "z",
        candle_core::Tensor::ones((2, 4), candle_core::DType::F32, &candle_core::Device::Cpu).expect("ones"),
    )]);
    candle_core::safetensors::save(&tensors, place.folder.join("z.safetensors")).expect("a file");
    let before = fs::read(place.folder.join("z.safetensors")).expect("a file");
    symlink("z.safetensors", place.folder.join("link.safetensors")).expect("a link");
    for output in ["z.safetensors", "./z.safetensors", "link.safetensors"] {
        let (_, err) = place.expect(2, &["loss", &place.recipe, "--inputs", "z.safetensors", "-o", output]);
        assert!(err.contains("would be written over"), "{err}");
    }
    let recipe = place.recipe.clone();
    let (_, err) = place.expect(2, &["loss", &recipe, "--inputs", "z.safetensors", "-o", &recipe]);
    assert!(err.contains(".safetensors"), "{err}");
    assert_eq!(fs::read(place.folder.join("z.safetensors")).expect("a file"), before);
}
