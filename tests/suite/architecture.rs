//! Holds the rooms of ARCHITECTURE.md, and the habits of the house, true.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Longer files must say in their first lines why (`Length:`).
const MAX_LINES: usize = 350;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rooms in the order of the table.
fn rooms() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = text.split("| room | holds |").nth(1).expect("the table of rooms");
    let row = |line: &str| line.strip_prefix("| `")?.split('`').next().map(str::to_owned);
    table.lines().skip(2).map_while(row).collect()
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Every source file below `src`, with its room; the crate's root files have none.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = root().join("src");
    let mut files = Vec::new();
    files_below(&src, &mut files);
    files.sort();
    let read = |path: PathBuf| {
        let inside = path.strip_prefix(&src).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        (first.trim_end_matches(".rs").to_owned(), path, text)
    };
    files.into_iter().map(read).collect()
}

/// The rooms that a text names after `crate::`, alone or in braces.
fn used(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let word = |t: &str| -> String { t.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
        match rest.strip_prefix('{') {
            None => drop(found.insert(word(rest))),
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            found.insert(word(&group[i..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

#[test]
fn a_room_uses_only_rooms_above_it() {
    let rooms = rooms();
    let place = |room: &str| rooms.iter().position(|r| r == room);
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let here = place(&room).unwrap_or_else(|| panic!("{} is in no room of ARCHITECTURE.md", path.display()));
        for other in used(&text) {
            if place(&other).is_some_and(|there| there > here) {
                wrong.push(format!("{}: `{room}` uses `{other}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_one_room_uses_each_of_the_large_libraries() {
    let allowed: [(&str, &[&str]); 8] = [
        ("pest", &["syntax"]),
        ("miette", &["diag"]),
        ("candle_core", &["exec", "driver", "cli"]),
        ("clap", &["cli", "main"]),
        ("libc", &["system"]),
        ("rustix", &["system"]),
        ("signal_hook", &["system"]),
        ("std::os", &["system"]),
    ];
    for (room, path, text) in sources() {
        for (library, rooms) in allowed {
            let names_it = text.contains(&format!("use {library}::")) || text.contains(&format!(" {library}::"));
            assert!(
                !names_it || rooms.contains(&room.as_str()),
                "{}: `{library}` belongs to {rooms:?}",
                path.display()
            );
        }
    }
}

#[test]
fn every_module_begins_with_what_it_is_and_stays_readable() {
    for (_, path, text) in sources() {
        assert!(text.starts_with("//! "), "{} does not begin with a `//!` line", path.display());
        let lines = text.lines().count();
        let explained = text.lines().take(12).any(|l| l.starts_with("//!") && l.contains("Length:"));
        assert!(lines <= MAX_LINES || explained, "{} has {lines} lines: more than one concept?", path.display());
    }
}

/// The methods that are shipped, by the words of their names; a hybrid is named after others.
fn methods() -> Vec<String> {
    let recipes = std::fs::read_dir(root().join("recipes")).unwrap().map(|entry| entry.unwrap().path());
    let stems = recipes.map(|path| path.file_stem().unwrap().to_str().unwrap().replace('_', " "));
    // Gradients are clipped whatever the method.
    stems.filter(|stem| !stem.starts_with("hybrid ") && stem != "clip").collect()
}

#[test]
fn no_method_is_known_to_the_interpreter() {
    let methods = methods();
    assert!(methods.len() > 30 && methods.iter().any(|name| name == "barlow twins"), "{methods:?}");
    let mut texts = sources();
    let grammar = root().join("grammar/ssl.pest");
    texts.push(("grammar".to_owned(), grammar.clone(), std::fs::read_to_string(grammar).unwrap()));
    // Losses of the library are of methods, too: what judges a recipe names none of them.
    let losses = std::fs::read_to_string(root().join("grammar/std/losses.ssl")).unwrap();
    let losses: Vec<&str> =
        losses.lines().filter_map(|line| line.strip_prefix("let ")?.split(['(', ' ']).next()).collect();
    for (room, path, text) in texts {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let spaced = format!(" {} ", words.join(" "));
        for method in &methods {
            let named = spaced.contains(&format!(" {method} ")) || words.contains(&method.replace(' ', "").as_str());
            assert!(!named, "{} names `{method}`", path.display());
        }
        let named = losses.iter().find(|loss| room == "lint" && text.contains(&format!("`{loss}`")));
        assert!(named.is_none(), "{} names the loss {named:?}", path.display());
    }
}
