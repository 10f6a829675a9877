//! Lists the recipes of the repository for the program that carries them.

use std::fmt::Write;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=recipes");
    let out = std::env::var_os("OUT_DIR").expect("cargo names the folder for what is generated");
    let entries = std::fs::read_dir("recipes").expect("the folder of recipes can be read");
    let paths = entries.map(|entry| entry.expect("an entry of the folder of recipes").path());
    let mut names: Vec<String> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "ssl")).map(|path| stem(&path)).collect();
    names.sort_unstable();
    let mut list = String::from("&[\n");
    for name in names {
        writeln!(list, "({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/recipes/{name}.ssl\"))),")
            .expect("memory takes it");
    }
    list.push_str("]\n");
    std::fs::write(Path::new(&out).join("recipes.rs"), list).expect("the list can be written");
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("recipes have names of letters");
    assert!(stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "a recipe's name is its word: {stem}");
    stem.to_owned()
}
