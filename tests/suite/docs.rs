//! The documents: every recipe in them is checked, every diagnostic's page shows what it says, every link leads somewhere.

use sslrun::diag::{CODES, Code, Diagnostic, Severity, render};
use sslrun::driver;
use std::path::{Path, PathBuf};

/// What stands above a block marked `fragment`; `docs/language.md` says the same to its readers.
const PREAMBLE: &str = "\
views { a, b: simclr_augment() }
branch f { encoder: resnet18(stem: small, width: 16); projector: mlp(64, 64) }
let za = f(a)
let zb = f(b)
loss { base: nt_xent(za, zb) }
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The files of a folder with that ending, in order.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == ending)).collect();
    all.sort();
    all
}

/// Every document that people read.
fn documents() -> Vec<PathBuf> {
    let mut all = files("", "md");
    all.extend(files("docs", "md"));
    all.extend(files("docs/codes", "md"));
    all.extend(files("tests/reference", "md"));
    all
}

/// A folder with the recipes of the corpus and room for one more, removed when dropped.
struct Bench {
    folder: PathBuf,
}

impl Bench {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sslrun-docs-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for recipe in files("recipes", "ssl") {
            std::fs::copy(&recipe, folder.join(recipe.file_name().unwrap())).unwrap();
        }
        Self { folder }
    }

    /// What is said of a text, and how it is shown. A first line that ends in `--set PATH=VALUE` is obeyed.
    fn check(&self, text: &str) -> (Vec<Diagnostic>, String) {
        let path = self.folder.join("recipe.ssl");
        std::fs::write(&path, text).unwrap();
        let set = text.lines().next().and_then(|line| line.split_once("--set ")).map(|(_, set)| set.to_owned());
        let checked = driver::check(&path, &set.into_iter().collect::<Vec<_>>(), None).unwrap();
        let shown = render(&checked.diagnostics, &checked.sources);
        (checked.diagnostics, shown)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A folder left behind is no reason to fail.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A fenced block: its first line, the words behind the fence, and its text.
struct Block {
    line: usize,
    words: Vec<String>,
    text: String,
}

/// The fenced blocks of a document in that language.
fn blocks(document: &str, language: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (i, line) in document.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(info) if !open => {
                let words = info.split_whitespace().map(str::to_owned).collect();
                found.push(Block { line: i + 1, words, text: String::new() });
                open = true;
            }
            Some(_) => open = false,
            None if open => found.last_mut().expect("a block is open").text += &format!("{line}\n"),
            None => {}
        }
    }
    found.retain(|b| b.words.first().is_some_and(|w| w == language));
    found
}

/// Why a block does not check as its words say.
fn complaint(bench: &Bench, block: &Block) -> Option<String> {
    let has = |word: &str| block.words.iter().any(|w| w == word);
    let text = if has("fragment") { format!("{PREAMBLE}{}", block.text) } else { block.text.clone() };
    let (mut found, shown) = bench.check(&text);
    // What a fragment defines is there to be looked at.
    found.retain(|d| !(has("fragment") && d.code == Code::UNUSED));
    if !has("error") {
        return (!found.is_empty()).then_some(shown);
    }
    let code = block.words.last().map_or("", String::as_str);
    let wrong = found.is_empty() || found.iter().any(|d| d.severity != Severity::Error || d.code.name != code);
    wrong.then(|| format!("not `{code}` alone:\n{shown}"))
}

#[test]
fn every_recipe_in_the_documents_checks_as_it_says() {
    let bench = Bench::new("blocks");
    let mut wrong = Vec::new();
    for name in ["docs/language.md", "README.md", "CONTRIBUTING.md"] {
        for block in blocks(&read(name), "ssl") {
            wrong.extend(complaint(&bench, &block).map(|why| format!("{name}:{}: {why}", block.line)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn readers_are_told_what_stands_above_a_fragment() {
    assert!(blocks(&read("docs/language.md"), "ssl").iter().any(|b| b.text == PREAMBLE));
}

/// The example below a heading of a diagnostic's page.
fn example(code: &Code, heading: &str) -> String {
    let section = code.page.split(&format!("\n## {heading}\n")).nth(1);
    let section = section.unwrap_or_else(|| panic!("the page of {} has no `{heading}`", code.name));
    let block = blocks(section, "ssl").into_iter().next();
    block.unwrap_or_else(|| panic!("{} has no example under `{heading}`", code.name)).text
}

#[test]
fn pages_of_diagnostics_show_what_they_say() {
    let bench = Bench::new("pages");
    let mut wrong = Vec::new();
    for code in CODES.iter().filter(|code| !Code::OF_RUNS.contains(code)) {
        let (bad, shown) = bench.check(&example(code, "Bad"));
        if bad.is_empty() || bad.iter().any(|d| d.code != *code) {
            wrong.push(format!("{}: the bad example gives\n{shown}", code.name));
        }
        let (good, shown) = bench.check(&example(code, "Good"));
        if !good.is_empty() {
            wrong.push(format!("{}: the good example gives\n{shown}", code.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The places that the links of a document lead to.
fn links(document: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in document.lines() {
        fenced ^= line.starts_with("```");
        if !fenced {
            found.extend(line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
        }
    }
    found
}

/// The anchors of a document's headings, as they are made by the sites that show them.
fn anchors(document: &str) -> Vec<String> {
    let headings = document.lines().filter(|l| l.starts_with('#')).map(|l| l.trim_start_matches('#').trim());
    let keep = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    headings.map(|h| h.chars().filter_map(keep).collect()).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for path in documents() {
        let text = read(&path);
        for link in links(&text).into_iter().filter(|l| !l.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.with_file_name("").join(file) };
            if !target.exists() || !anchor.is_empty() && !anchors(&read(&target)).iter().any(|a| a == anchor) {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_readme_shows_the_recipe_it_runs_and_measures_them_all() {
    let readme = read("README.md");
    let recipe = read("recipes/vicreg.ssl");
    let header = |line: &&str| line.starts_with('#') || line.is_empty();
    let body: String = recipe.lines().skip_while(header).map(|line| format!("{line}\n")).collect();
    assert!(blocks(&readme, "ssl").iter().any(|b| b.text == body), "README.md and recipes/vicreg.ssl differ");
    for recipe in files("recipes", "ssl") {
        let name = recipe.file_name().unwrap().to_string_lossy().into_owned();
        assert!(readme.contains(&format!("(recipes/{name})")), "README.md has no result of {name}");
    }
}
