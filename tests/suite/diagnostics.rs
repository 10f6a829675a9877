//! Diagnostics: how they are shown, and the page of each code.

use sslrun::diag::{CODES, Code, Diagnostic, json, nearest, render, render_colored, suggest};
use sslrun::source::{FileId, Source, Sources, Span};
use sslrun::syntax::parse;

/// Two files and an error in the second, reached by a call in the first.
fn sample() -> (Sources, Diagnostic) {
    let mut sources = Sources::default();
    let user = sources.add(Source::new("r.ssl", sslrun::source::Origin::Input, "# é\nlet y = f(z)\n"));
    let std = sources.add(Source::new("std/losses.ssl", sslrun::source::Origin::Input, "let f(z) =\n\tz @ z\n"));
    let span = |file: FileId, range| Span::new(file, range);
    let mut diagnostic = Diagnostic::error(Code::SHAPE_MISMATCH, span(std, 12..17), "shapes do not match")
        .label("a product of [N, D] and [N, D]")
        .also(span(std, 16..17), "has 8 columns")
        .also(span(user, 15..16), "comes from here")
        .help("transpose it: `z.T`");
    diagnostic.trace.push(sslrun::diag::Label { span: span(user, 13..17), text: "f(z)".to_owned() });
    (sources, diagnostic)
}

#[test]
fn people_see_the_place_the_way_there_and_what_to_do() {
    let (sources, diagnostic) = sample();
    let text = render(std::slice::from_ref(&diagnostic), &sources);
    for part in [
        "× shapes do not match",
        "[std/losses.ssl:2:2]",
        "a product of [N, D] and [N, D]",
        "has 8 columns",
        "see r.ssl:2:11: comes from here",
        "called from r.ssl:2:9: f(z)",
        "help: transpose it: `z.T`",
        "sslrun explain shape-mismatch",
    ] {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
    assert!(!text.contains('\u{1b}') && render_colored(&[diagnostic], &sources).contains('\u{1b}'));
}

#[test]
fn labels_stand_below_what_they_name() {
    let mut sources = Sources::default();
    let text = "let a = 1\nlet é = f(a b)\n";
    let id = sources.add(Source::new("r.ssl", sslrun::source::Origin::Input, text));
    let out = render(&parse(id, text).1, &sources);
    let lines: Vec<Vec<char>> = out.lines().map(|l| l.chars().collect()).collect();
    let source = lines.iter().find(|l| l.contains(&'é')).unwrap();
    let mark = lines.iter().position(|l| l.contains(&'·')).unwrap();
    let column = source.iter().position(|&c| c == 'b').unwrap();
    assert!("─┬".contains(lines[mark][column]) && lines[mark][column - 1] == ' ', "{out}");
}

#[test]
fn programs_see_every_field() {
    let (sources, diagnostic) = sample();
    let value: serde_json::Value = serde_json::from_str(&json(&[diagnostic], &sources)).unwrap();
    let one = &value[0];
    assert_eq!(one["code"], "shape-mismatch");
    assert_eq!(one["severity"], "error");
    assert_eq!(one["message"], "shapes do not match");
    assert_eq!(one["file"], "std/losses.ssl");
    assert_eq!((one["line"].as_u64(), one["column"].as_u64()), (Some(2), Some(2)));
    assert_eq!((one["end_line"].as_u64(), one["end_column"].as_u64()), (Some(2), Some(7)));
    assert_eq!(one["labels"].as_array().map(Vec::len), Some(3));
    assert_eq!(one["trace"][0]["file"], "r.ssl");
    assert_eq!(one["help"], "transpose it: `z.T`");
    assert_eq!(json(&[], &sources), "[]");
}

#[test]
fn the_nearest_name_is_suggested() {
    let names = ["resnet18", "resnet34", "normalize", "mse"];
    assert_eq!(nearest("resnt18", names), Some("resnet18"));
    assert_eq!(nearest("normalise", names), Some("normalize"));
    assert_eq!(nearest("transformer", names), None);
    assert_eq!(suggest("mes", names).as_deref(), Some("did you mean `mse`?"));
    assert_eq!(suggest("zzz", ["a", "b"]).as_deref(), Some("there is `a`, `b`"));
}

/// The fenced text below a heading of a page.
fn example(code: &Code, heading: &str) -> Option<String> {
    let section = code.page.split(&format!("\n## {heading}\n")).nth(1)?;
    Some(section.split("```ssl\n").nth(1)?.split("```").next()?.to_owned())
}

#[test]
fn every_code_has_a_page_that_shows_or_says_what_to_do() {
    for code in CODES {
        assert!(code.page.starts_with(&format!("# {}\n\n", code.name)), "{}", code.name);
        let prose = code.page.split("\n## Bad\n").next().unwrap();
        assert!(prose.split_whitespace().count() > 25, "the page of {} says too little", code.name);
        if Code::OF_RUNS.contains(code) {
            assert!(code.page.contains("\n## What to do\n"), "the page of {} does not say what to do", code.name);
            continue;
        }
        let good = example(code, "Good").unwrap_or_else(|| panic!("{} has no good example", code.name));
        let bad = example(code, "Bad").unwrap_or_else(|| panic!("{} has no bad example", code.name));
        assert_eq!(parse(FileId::ALONE, &good).1, [], "{}", code.name);
        assert_eq!(parse(FileId::ALONE, &bad).1.is_empty(), code.name != "syntax", "{}", code.name);
    }
}

#[test]
fn what_has_no_place_is_told_without_one_and_in_one_piece() {
    let message = format!("cannot write {}", "/a/long/path with blanks".repeat(8));
    let diagnostic = Diagnostic::error(Code::RUN_FAILED, None, &message).note_also("nothing is lost").help("make room");
    let shown = render(std::slice::from_ref(&diagnostic), &Sources::default());
    assert!(
        shown.contains(&message) && shown.contains("note: nothing is lost") && shown.contains("make room"),
        "{shown}"
    );
    let one: serde_json::Value = serde_json::from_str(&json(&[diagnostic], &Sources::default())).expect("JSON");
    assert_eq!((one[0]["file"].is_null(), &one[0]["notes"][0]), (true, &"nothing is lost".into()));
}

#[test]
fn the_library_is_in_all_sources_under_its_own_names() {
    let place = Span::new(FileId::Library(0), 0..1);
    let (name, text) = sslrun::source::LIBRARY[0];
    assert_eq!(Sources::default().locate(place), format!("{name}:1:1"));
    assert_eq!(Sources::default().get(place.file).text, text);
}
