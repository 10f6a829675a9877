//! Recipes by people who mean harm: each is refused for what it is, soon, in bounded memory, and nothing of it reaches the terminal raw.

use std::path::Path;
use std::time::{Duration, Instant};

use sslrun::check::{self, Options};
use sslrun::diag::{Diagnostic, json, render, visible};
use sslrun::driver::{Checked, too_large_here};
use sslrun::exec::PlannedEvaluator;
use sslrun::lint::lint;
use sslrun::report::Table;
use sslrun::source::{Source, Sources};

use crate::cli::{place_of, unwrapped};
use crate::train::folder;

const VIEWS: &str = "views { a, b: crop() }\n";
const BODY: &str = "views { a, b: crop() }\nbranch f { encoder: small_convnet(width: 4); projector: linear(8) }\n";
const LOSS: &str = "loss { l: nt_xent(f(a), f(b)) }\n";
/// Longer than any check takes on a machine that does other things, and far shorter than what is refused would take.
const SOON: Duration = Duration::from_secs(60);

/// What is said of a recipe, within bounded time.
fn said(name: &str, text: &str) -> (Sources, Vec<Diagnostic>) {
    let begun = Instant::now();
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let outcome = check::check(&mut sources, id, &Options::default());
    let mut all = outcome.diagnostics;
    all.extend(outcome.recipe.iter().flat_map(|recipe| lint(recipe, &PlannedEvaluator)));
    assert!(begun.elapsed() < SOON, "{name} took {:?}", begun.elapsed());
    (sources, all)
}

/// That the first thing said has this code and these words, and is shown briefly.
fn refused(name: &str, text: &str, code: &str, words: &[&str]) {
    let (sources, all) = said(name, text);
    let first = all.first().unwrap_or_else(|| panic!("nothing is said of {name}"));
    let fits = first.code.name == code && words.iter().all(|word| first.message.contains(word));
    assert!(fits, "{name}: {}: {}\nwanted {code} with {words:?}", first.code.name, first.message);
    let shown = render(std::slice::from_ref(first), &sources);
    assert!(shown.lines().all(|line| line.len() < 4000), "{name} is shown at length");
}

fn many(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).map(line).collect()
}

fn loss(term: &str) -> String {
    format!("{BODY}loss {{ l: nt_xent(f(a), f(b)) + {term} }}\n")
}

#[test]
fn rings_are_told_whatever_they_are_made_of() {
    let ring = |name: &str, text: &str| refused(name, text, "recursion", &["itself, directly or through others"]);
    ring("a stage", &format!("{VIEWS}branch f {{ encoder: f.encoder }}\n{LOSS}"));
    ring("two stages", &format!("{VIEWS}branch f {{ e: g.e }}\nbranch g {{ e: f.e }}\n{LOSS}"));
    ring("a stage by a name", &format!("{VIEWS}let m = f.e\nbranch f {{ e: m }}\n{LOSS}"));
    ring("a stage by its size", &format!("{VIEWS}branch f {{ e: small_convnet(width: mean(f(a))) }}\n{LOSS}"));
    ring("a term", &format!("{BODY}loss {{ l: loss.l * nt_xent(f(a), f(b)) }}"));
    ring("two terms", &format!("{BODY}loss {{ l: loss.k; k: loss.l }}"));
    ring("a term by a name", &format!("{BODY}let g = loss.l\nloss {{ l: g * nt_xent(f(a), f(b)) }}"));
    ring("a name", &format!("{BODY}let x = x\nloss {{ l: x * nt_xent(f(a), f(b)) }}"));
    ring("a parameter", &format!("{BODY}param p = q\nparam q = p\nloss {{ l: p * nt_xent(f(a), f(b)) }}"));
    ring("a weight", &format!("{BODY}weight w: [w]\nloss {{ l: mean(w) * nt_xent(f(a), f(b)) }}"));
    ring("a schedule", &format!("{BODY}let s = cosine(s -> 0)\ntrain {{ optimizer: sgd(lr: s) }}\n{LOSS}"));
    ring("an average", &format!("{BODY}branch m = ema(k)\nbranch k = ema(m)\nloss {{ l: nt_xent(f(a), m(b)) }}"));
    let states = "state s = queue(of: t, size: 16)\nstate t = queue(of: s, size: 16)\n";
    ring("states", &format!("{BODY}{states}loss {{ l: nt_xent(f(a), f(b)) + mean(s) }}"));
    ring("a function", &format!("{BODY}let g(x) = g(x)\nloss {{ l: g(nt_xent(f(a), f(b))) }}"));
    ring("a default", &format!("{BODY}let g(x = g()) = x\nloss {{ l: g() * nt_xent(f(a), f(b)) }}"));
    ring(
        "a function that is given itself",
        &format!("{BODY}let g(h) = h(h)\nloss {{ l: g(g) * nt_xent(f(a), f(b)) }}"),
    );
}

#[test]
fn what_unfolds_without_end_is_ended_by_the_budget() {
    let large = |name: &str, text: &str, words: &[&str]| refused(name, text, "too-large", words);
    let chain = many(3999, |i| format!("let x{} = x{i} * 1.0\n", i + 1));
    large("4000 names", &format!("{BODY}let x0 = nt_xent(f(a), f(b))\n{chain}loss {{ l: x3999 }}"), &["4000"]);
    let stages = many(20_000, |i| format!("s{i}: tanh\n"));
    large("20000 stages", &format!("{VIEWS}branch f {{ e: small_convnet(width: 4)\n{stages}}}\n{LOSS}"), &["10000"]);
    let stages = many(6000, |i| format!("s{i}: tanh\n"));
    large("6000 stages", &format!("{VIEWS}branch f {{ e: small_convnet(width: 4)\n{stages}}}\n{LOSS}"), &["4000"]);
    large("a loop over a loop", &loss("mean(i * j for i in 0..3000, j in 0..3000)"), &["65536"]);
    large("a loop without rounds", &loss("mean(i for i in 0..60000, j in 0..60000 if i == j)"), &["1000000"]);
    let doubled = many(59, |i| format!("let f{}(x) = f{i}(x) + f{i}(x * 2)\n", i + 1));
    large("functions that double", &format!("{}let f0(x) = x + 1\n{doubled}", loss("f59(1)")), &["1000000"]);
    let joins = many(7, |i| format!("let j{} = join({})\n", i + 1, vec![format!("j{i}"); 10].join(", ")));
    large(
        "joins",
        &format!("{}let j0 = join({})\n{joins}", loss("mean(mean(f(u)) for u in j7)"), ["a"; 10].join(", ")),
        &["65536"],
    );
    let nested = many(59, |i| format!("let j{} = [j{i}, j{i}]\n", i + 1));
    large(
        "lists of lists",
        &format!("{}let j0 = [1, 1]\n{nested}", loss("0 * sum(1 for u in j59)")),
        &["1000000 values"],
    );
    let squares = many(29, |i| format!("let d{} = d{i} * d{i}\n", i + 1));
    large(
        "sizes",
        &format!("input x: [A, B]\nlet d0 = A + B\n{squares}loss {{ l: mean(zeros([d29])) }}"),
        &["256 summands"],
    );
    large("blocks", &format!("{VIEWS}branch f {{ e: vit(8, 60000, 2, patch: 8) }}\n{LOSS}"), &["10000 weights"]);
    large("operations", &loss("mean(mean(f(a) * i * 2 + 1) for i in 0..60000)"), &["65536 operations"]);
    large("names", &format!("{BODY}{}{LOSS}", many(60_000, |i| format!("let a{i} = 1\n"))), &["10000"]);
    large("terms", &format!("{BODY}loss {{\n{}}}", many(2000, |i| format!("t{i}: mean(f(a))\n"))), &["1000 terms"]);
}

#[test]
fn texts_that_nest_or_run_on_are_refused_where_they_do() {
    let wrong = |name: &str, text: &str, words: &[&str]| refused(name, text, "syntax", words);
    for depth in [300, 100_000] {
        wrong("round brackets", &loss(&("(".repeat(depth) + "1" + &")".repeat(depth))), &["200 deep"]);
        wrong("square brackets", &loss(&("[".repeat(depth) + &"]".repeat(depth))), &["200 deep"]);
        wrong("open braces", &"branch f {".repeat(depth), &["200 deep"]);
        wrong("a sum", &loss(&vec!["1"; depth].join("+")), &["the most are 200"]);
        wrong("a power", &loss(&vec!["2"; depth].join("^")), &["the most are 200"]);
        wrong(
            "a pipe",
            &format!("{}{LOSS}", BODY.replace("linear(8)", &vec!["tanh"; depth].join(" | "))),
            &["the most are 200"],
        );
        wrong("minus", &loss(&("-".repeat(depth) + "1")), &["the most are 200"]);
        wrong("not", &loss(&("not ".repeat(depth) + "1")), &["the most are 200"]);
        wrong("calls", &loss(&("f".to_owned() + &"(a)".repeat(depth))), &["the most are 200"]);
        wrong("indices", &loss(&("f".to_owned() + &"[0]".repeat(depth))), &["the most are 200"]);
        wrong("fields", &loss(&("f".to_owned() + &".a".repeat(depth))), &["the most are 200"]);
    }
    wrong("a text", &format!("# {}\n{BODY}{LOSS}", "x".repeat(1 << 20)), &["1048576 bytes"]);
    wrong("a name", &loss(&"x".repeat(100_000)), &["256 bytes"]);
    wrong("a string", &loss(&format!("\"{}\"", "x".repeat(100_000))), &["4096 bytes"]);
}

#[test]
fn the_program_outlives_what_nests_as_deep_as_it_may() {
    let chain = many(900, |i| format!("let x{} = x{i} * 1.5 + 1\n", i + 1));
    let text = format!("{BODY}let x0 = nt_xent(f(a), f(b))\n{chain}loss {{ l: x900 }}\ntrain {{ batch: 4 }}\n");
    let place = place_of("hostile-deep", &text);
    for command in ["check", "graph", "explain", "fmt"] {
        let out = place.run(&[command, &place.recipe]);
        assert_eq!(out.status.code(), Some(0), "{command}: {}", String::from_utf8_lossy(&out.stderr));
    }
    let ring = place_of("hostile-ring", &format!("{VIEWS}branch f {{ encoder: f.encoder }}\n{LOSS}"));
    for command in ["check", "graph", "explain"] {
        assert_eq!(ring.run(&[command, &ring.recipe]).status.code(), Some(1));
    }
}

#[test]
fn no_more_is_said_than_anyone_reads() {
    for (name, text) in [
        ("unknown names", format!("{BODY}loss {{\n{}}}", many(900, |i| format!("t{i}: unknown{i}\n")))),
        ("slips", format!("{BODY}{}", many(2000, |i| format!("let a{i} 1 1 )\n")))),
        ("unused parameters", format!("{BODY}{}{LOSS}", many(3000, |i| format!("param p{i} = {i}\n")))),
    ] {
        let count = said(name, &text).1.len();
        assert!((100..=203).contains(&count), "{count} things are said of {name}");
    }
}

#[test]
fn sizes_that_are_none_are_named() {
    let says = |term: &str, words: &[&str]| {
        let (_, all) = said(term, &loss(term));
        assert!(words.iter().all(|word| all[0].message.contains(word)), "{term}: {}", all[0].message);
    };
    says("mean(zeros([2.5]))", &["the number 2.5"]);
    says("mean(zeros([1e300]))", &["the number 1e300"]);
    says("mean(zeros([-5]))", &["[-5]", "below 0"]);
    says("mean(arange(1e15))", &["2^40"]);
    says("mean(linspace(0, 1, 0))", &["no element"]);
}

#[test]
fn a_recipe_for_a_larger_machine_is_a_warning_with_both_numbers() {
    let mut sources = Sources::default();
    let id = sources.add(Source::new(
        "test.ssl",
        sslrun::source::Origin::Input,
        loss("mean(zeros([1e6, 1e6]) * mean(f(a)))"),
    ));
    let recipe = check::check(&mut sources, id, &Options::default()).recipe;
    assert!(recipe.is_some());
    let checked = Checked { sources, recipe, diagnostics: Vec::new() };
    let warning = too_large_here(&checked).expect("no machine has four TiB twice");
    assert!(warning.message.contains("needs at least") && warning.message.matches("iB").count() == 2, "{warning:?}");
    let place = place_of("hostile-memory", &loss("mean(zeros([1e6, 1e6]) * mean(f(a)))"));
    assert_eq!(place.run(&["check", &place.recipe]).status.code(), Some(0));
    let out = place.run(&["--data", "shapes:train=300,test=16,size=16", &place.recipe]);
    let message = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(3) && message.contains("leaves"), "{message}");
    assert!(message.contains("a smaller `batch`"), "{message}");
}

#[test]
fn what_is_no_recipe_is_not_quoted() {
    let folder = folder("hostile-secret");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("it can be written");
    write("secret.ssl", "root:x:0:0:hunter2\nloss { l: 1 }\n");
    write("second.ssl", "loss secret=hunter2\n");
    write("slip.ssl", "recipe \"Base\"\nloss { l: ) }\n");
    let shown = |text: &str| {
        write("r.ssl", text);
        let mut sources = Sources::default();
        let id = sources.read(&folder.join("r.ssl")).expect("it can be read");
        let all = check::check(&mut sources, id, &Options::default()).diagnostics;
        render(&all, &sources)
    };
    let frozen = format!("{BODY}branch z = frozen(\"secret.ssl\")\nloss {{ l: nt_xent(f(a), z(b)) }}");
    for text in ["extends \"secret.ssl\"", "extends \"second.ssl\"", "extends \"/etc/passwd\"", &frozen] {
        let shown = shown(text);
        assert!(
            unwrapped(&shown).contains("is not a recipe: no statement begins with what stands at line 1, column"),
            "{shown}"
        );
        assert!(!shown.contains("hunter2") && !shown.contains("root:"), "{shown}");
    }
    assert!(shown("extends \"slip.ssl\"").contains("loss { l: ) }"), "a slip in a recipe is shown");
}

#[test]
fn files_that_lead_to_ever_more_files_are_refused() {
    let folder = folder("hostile-files");
    for i in 0..40 {
        let twice = format!("branch z = frozen(\"r{0}.ssl\")\nbranch y = frozen(\"r{0}.ssl\", of: f)\n", i + 1);
        std::fs::write(folder.join(format!("r{i}.ssl")), format!("{BODY}{twice}{LOSS}")).expect("it can be written");
    }
    std::fs::write(folder.join("r40.ssl"), format!("{BODY}{LOSS}")).expect("it can be written");
    let mut sources = Sources::default();
    let id = sources.read(&folder.join("r0.ssl")).expect("it can be read");
    let all = check::check(&mut sources, id, &Options::default()).diagnostics;
    assert!(all.iter().any(|d| d.message.contains("at most 64 files")), "{all:?}");
}

#[test]
fn nothing_of_a_recipe_moves_the_cursor() {
    const HARM: &str = "\u{1b}[31m\u{202e}\u{9b}2J\u{2028}\u{200b}\u{7}";
    let raw = |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || HARM.contains(c) && !c.is_ascii()));
    let text = format!("# {HARM}\n{BODY}loss {{ l: nt_xent(f(a), \"{HARM}\") }} # {HARM}\n");
    let (sources, all) = said("harm", &text);
    assert!(!raw(&render(&all, &sources)) && render(&all, &sources).contains("\\u{1b}[31m"));
    assert!(!raw(&json(&all, &sources)));
    assert_eq!(visible("a\tb\nc é ✓"), "a\tb\nc é ✓");
    let place = place_of("hostile-harm", &format!("recipe \"T{HARM}\" paper \"{HARM}\"\n{BODY}{LOSS}"));
    for command in ["check", "graph", "explain"] {
        let out = place.run(&[command, &place.recipe]);
        let (result, message) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(!raw(&result) && !raw(&message), "{command}: {result}{message}");
    }
    let missing = format!("no{HARM}.ssl");
    let out = place.run(&["check", &missing]);
    assert!(!raw(&String::from_utf8_lossy(&out.stderr)) && Path::new(&place.folder).exists());
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let text = loss(&format!("{}qq{}", " ".repeat(50_000), " ".repeat(50_000)));
    let (sources, all) = said("a long line", &text);
    let shown = render(&all, &sources);
    assert!(shown.len() < 1500 && shown.contains("qq") && shown.contains("..."), "{shown}");
    let column = text.lines().nth(2).and_then(|line| line.find("qq")).expect("it stands in the third line") + 1;
    assert!(shown.contains(&format!("[test.ssl:3:{column}]")), "{shown}");
    let place = |line: &str, sign: char| line.chars().position(|c| c == sign);
    let source = shown.lines().find(|line| line.contains("...") && line.contains("qq")).expect("the line");
    let mark = shown.lines().find(|line| line.contains('·')).expect("the mark below it");
    assert_eq!(place(source, 'q'), place(mark, '─'), "{shown}");
}

#[test]
fn reports_hold_no_mark_up_and_no_formulas_of_others() {
    let row = ["=1+2", "a|b`<img>`[x](y)\n# z", "-0.5", "@x", "say \"so\""].map(str::to_owned).to_vec();
    let table = Table { header: ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec(), rows: vec![row] };
    assert!(table.csv().ends_with("'=1+2,\"a|b`<img>`[x](y)\n# z\",-0.5,'@x,\"say \"\"so\"\"\"\n"), "{}", table.csv());
    let markdown = table.markdown();
    assert!(markdown.contains("a\\|b\\`\\<img\\>\\`\\[x\\](y) # z") && markdown.lines().count() == 3, "{markdown}");
    assert!(!table.render(200).contains("z\n#"));
}

#[test]
fn many_tokens_are_told_before_they_are_waited_for() {
    let check = |size: usize, patch: usize| {
        let data = format!("shapes:size={size}");
        let set = format!("f.encoder.patch={patch}");
        let place = place_of(
            "hostile-tokens",
            "views { a, b: crop(0.5..1) }
branch f { encoder: vit(16, 1, 2, patch: 4); head: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { batch: 8 }
",
        );
        let out = place.run(&["check", &place.recipe, "--data", &data, "--set", &set]);
        assert_eq!(out.status.code(), Some(0));
        unwrapped(&String::from_utf8_lossy(&out.stderr))
    };
    let told = check(224, 4);
    assert!(told.contains("attention compares 3137 tokens of each view") && told.contains("MiB are needed"), "{told}");
    assert!(told.contains("vit(16, 1, 2, patch: 4)"), "{told}");
    assert_eq!(check(224, 16), "");
    assert_eq!(check(96, 4), "");
}
