//! The parser: valid recipes, the shape of their trees, and slips.

use sslrun::diag::{Code, Severity};
use sslrun::source::{FileId, Source, Sources};
use sslrun::syntax::ast::{BinaryOp, EntryValue, Expr, ExprKind, File, ItemKind, UnaryOp};
use sslrun::syntax::{parse, parse_expr, same};

/// The recipes of the language's description.
pub const RECIPES: &[&str] = &[
    r#"# recipes/vicreg.ssl
recipe "VICReg" paper "arXiv:2105.04906"

views {
  a, b: simclr_augment(blur: 0)
}

branch f {
  encoder:   resnet18(stem: small)
  projector: mlp(2048, 2048, 2048)
}

let za = f(a)
let zb = f(b)

loss {
  invariance: 25 * mse(za, zb)
  variance:   25 * (hinge_variance(za) + hinge_variance(zb)) / 2
  covariance:  1 * (off_diagonal_covariance(za) + off_diagonal_covariance(zb))
}

train {
  epochs: 100
  batch: 256
  optimizer: lars(lr: cosine(0.3 -> 0.0, warmup: 10), weight_decay: 1e-4)
}
"#,
    r"let hinge_variance(z: [N, D], gamma = 1, eps = 1e-4) = mean(relu(gamma - sqrt(var(z, dim: 0) + eps)))

let off_diagonal_covariance(z: [N, D]) = sum(off_diagonal(covariance(z)) ^ 2) / D

let info_nce(q: [N, D], k: [N, D], temperature = 0.1) {
  let logits = normalize(q) @ normalize(k).T / temperature
  mean(cross_entropy(arange(N), logits))
}
",
    r"# simclr.ssl
views  { a, b: simclr_augment() }
branch f { encoder: resnet18(stem: small); projector: mlp(2048, 128) }
loss   { contrast: nt_xent(f(a), f(b), temperature: 0.5) }
",
    r"# moco.ssl
views  { a, b: simclr_augment() }
branch query { encoder: resnet18(stem: small); projector: mlp(512, 128) }
branch key = ema(query, decay: 0.99)
let q = normalize(query(a))
let k = normalize(key(b))
state bank = queue(of: k, size: 4096)
loss   { contrast: info_nce_with_bank(q, k, bank, temperature: 0.2) }
",
    r"# byol.ssl
views  { a: byol_augment(blur: 1.0, solarize: 0.0); b: byol_augment(blur: 0.1, solarize: 0.2) }
branch online { encoder: resnet18(stem: small); projector: mlp(4096, 256); predictor: mlp(4096, 256) }
branch target = ema(online, decay: cosine(0.996 -> 1))
loss   { align: mean(2 - 2 * cosine_similarity(online(u), target(v).projector) for u, v in pairs(a, b)) }
",
    r"# simsiam.ssl
views  { a, b: simclr_augment() }
branch f { encoder: resnet18(stem: small); projector: mlp(2048, 2048, 2048, last: batchnorm); predictor: mlp(512, 2048) }
branch target = stopgrad(f)
loss   { align: mean(-cosine_similarity(f(u), target(v).projector) for u, v in pairs(a, b)) }
",
    r"# barlow_twins.ssl
let c = standardize(f(a)).T @ standardize(f(b)) / N
loss {
  on_diagonal:  sum((1 - diagonal(c)) ^ 2)
  off_diagonal: 0.0051 * sum(off_diagonal(c) ^ 2)
}
",
    r"# swav.ssl
views  { global[2]: multicrop(scale: 0.4..1); local[4]: multicrop(scale: 0.1..0.4, size: 16) }
branch f { encoder: resnet18(stem: small); projector: mlp(2048, 128); prototypes: prototypes(512) }
let code(v) = stopgrad(sinkhorn(f(v) / 0.05, iterations: 3))
loss   { swap: mean(cross_entropy(code(v), f(u) / 0.1) for v in global, u in views if u != v) }
",
    r"# dino.ssl
views  { global[2]: multicrop(scale: 0.4..1); local[6]: multicrop(scale: 0.05..0.4) }
branch student { encoder: vit_tiny(patch: 4); head: dino_head(4096) }
branch teacher = ema(student, decay: cosine(0.996 -> 1))
state center = ema(of: mean(concat(teacher(v) for v in global), dim: 0), decay: 0.9)
let target(v) = softmax((teacher(v) - center) / linear(0.04 -> 0.07, epochs: 30))
loss   { distill: mean(cross_entropy(target(v), student(u) / 0.1) for v in global, u in views if u != v) }
",
    r#"# ibot.ssl
extends "dino.ssl"
omit loss.distill
views  { masked[2]: global | mask(blockwise, ratio: 0.1..0.5, chance: 0.5) }
branch student { encoder: vit_tiny(patch: 4); head: dino_head(4096) on encoder.cls; patch_head: student.head on encoder.patches }
"#,
    r"# mae.ssl
views  { a: crop(0.2..1) | flip; m: a | mask(random, ratio: 0.75) }
branch f { encoder: vit_tiny(patch: 4, masked: drop); decoder: vit_decoder(dim: 128, depth: 4) }
loss   { reconstruction: masked_mean((f(m) - patches(a, normalize: true)) ^ 2, m.mask) }
",
    r#"param temperature = 0.1
data cifar10("data/cifar10")
input z: [N, 128]
branch base = frozen("x.safetensors")
state past = per_sample(of: f(a))
state codes = refresh(of: f(a), every: 10)
weight scale = 2.66
weight table: [K, D]
weight offset: [D] = 0
train {
  epochs: 100; batch: 256
  warm {
    epochs: 10   # a phase
  }
}
evaluate { on: f.encoder; every: 10 }
expect {
  effective_rank(f(a).encoder) > 8
  loss.distill < 0.98 * log(K)
}
"#,
];

/// Parses what must parse.
fn tree(text: &str) -> File {
    let (file, diagnostics) = parse(FileId::ALONE, text);
    assert!(diagnostics.is_empty(), "{text}\n{diagnostics:#?}");
    file
}

/// An expression as text with all its brackets.
fn shown(e: &Expr) -> String {
    let all = |es: &[Expr]| es.iter().map(shown).collect::<Vec<_>>().join(", ");
    match &e.kind {
        ExprKind::Number(x) => x.to_string(),
        ExprKind::Text(t) => format!("{t:?}"),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Name(n) => n.clone(),
        ExprKind::List(es) => format!("[{}]", all(es)),
        ExprKind::Unary(UnaryOp::Negate, x) => format!("(-{})", shown(x)),
        ExprKind::Unary(UnaryOp::Not, x) => format!("(not {})", shown(x)),
        ExprKind::Binary(op, a, b) => format!("({} {op:?} {})", shown(a), shown(b)),
        ExprKind::Call(f, args) => {
            let arg = |a: &sslrun::syntax::ast::Arg| {
                a.name.as_ref().map_or(String::new(), |n| format!("{}: ", n.text)) + &shown(&a.value)
            };
            format!("{}({})", shown(f), args.iter().map(arg).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Field(x, name) => format!("{}.{}", shown(x), name.text),
        ExprKind::Index(x, es) => format!("{}[{}]", shown(x), all(es)),
        ExprKind::Comprehension(c) => {
            let names = |l: &sslrun::syntax::ast::Loop| {
                let names: Vec<_> = l.names.iter().map(|n| n.text.as_str()).collect();
                format!("{} in {}", names.join(" "), shown(&l.over))
            };
            let loops: Vec<_> = c.loops.iter().map(names).collect();
            let guard = c.guard.as_ref().map_or(String::new(), |g| format!(" if {}", shown(g)));
            format!("{} for {}{guard}", shown(&c.value), loops.join(", "))
        }
    }
}

fn expr(text: &str) -> String {
    shown(&parse_expr(FileId::ALONE, text).unwrap_or_else(|d| panic!("{text}: {d:?}")))
}

#[test]
fn the_recipes_of_the_description_parse() {
    for recipe in RECIPES {
        assert!(!tree(recipe).items.is_empty());
    }
}

#[test]
fn operators_bind_as_documented() {
    assert_eq!(expr("a | b or c and d == e"), "(a Pipe (b Or (c And (d Equal e))))");
    assert_eq!(expr("not a == b and c"), "((not (a Equal b)) And c)");
    assert_eq!(expr("0.1 + 1 -> 2..3"), "((0.1 Add 1) Ramp (2 Range 3))");
    assert_eq!(expr("a - b - c * d / e @ f"), "((a Subtract b) Subtract (((c Multiply d) Divide e) MatMul f))");
    assert_eq!(expr("-x ^ 2 ^ y"), "(-(x Power (2 Power y)))");
    assert_eq!(expr("2 ^ -x * y"), "((2 Power (-x)) Multiply y)");
    assert_eq!(expr("-x.T @ y"), "((-x.T) MatMul y)");
    assert_eq!(expr("(a + b) * c"), "((a Add b) Multiply c)");
}

#[test]
fn numbers_and_ranges_are_told_apart() {
    assert_eq!(expr("0..1"), "(0 Range 1)");
    assert_eq!(expr("0.2..1"), "(0.2 Range 1)");
    assert_eq!(expr(".5...7"), "(0.5 Range 0.7)");
    assert_eq!(expr("x[0..3, 1]"), "x[(0 Range 3), 1]");
    assert_eq!(expr("1e-4 + 65_536 + 2E3"), "((0.0001 Add 65536) Add 2000)");
    assert_eq!(expr("x.T.T"), "x.T.T");
}

#[test]
fn comprehensions_end_where_named_arguments_begin() {
    assert_eq!(
        expr("mean(concat(teacher(v) for v in global), dim: 0)"),
        "mean(concat(teacher(v) for v in global), dim: 0)"
    );
    assert_eq!(expr("sum(e for u in xs, dim: 0)"), "sum(e for u in xs, dim: 0)");
    assert_eq!(
        expr("sum(e for u in xs, v, w in pairs(a, b) if u != v, dim: 0, keepdim: true)"),
        "sum(e for u in xs, v w in pairs(a, b) if (u NotEqual v), dim: 0, keepdim: true)"
    );
}

#[test]
fn lines_go_on_in_brackets_and_around_operators() {
    let file = tree(
        "let p = crop(0.2..1,\n  size: 32,\n)\n  | flip # why\n  | blur(\n  1)\nlet q =\n  a +\n\n  b\n  .T\nlet r = [\n1,\n2\n]",
    );
    let values: Vec<String> = file
        .items
        .iter()
        .map(|i| match &i.kind {
            ItemKind::Let(l) => shown(&l.value),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(values, ["((crop((0.2 Range 1), size: 32) Pipe flip) Pipe blur(1))", "(a Add b.T)", "[1, 2]"]);
}

#[test]
fn words_of_the_language_may_name_entries_arguments_and_fields() {
    let file = tree(
        "train {\n data: 1\n weight: 2\n let: 3\n for { if: 4 }\n}\nlet x = f(in: loss.state, data: data)\nbranch f { loss: g }",
    );
    let ItemKind::Train { entries } = &file.items[0].kind else { panic!() };
    assert_eq!(entries.iter().map(|e| e.name.text.as_str()).collect::<Vec<_>>(), ["data", "weight", "let", "for"]);
    assert!(matches!(&entries[3].value, EntryValue::Block(inner) if inner.len() == 1));
}

#[test]
fn spans_cover_brackets_and_nothing_else() {
    let text = "let x = (a + b) * f(c)  # note";
    let file = tree(text);
    assert_eq!(&text[file.items[0].span.range()], "let x = (a + b) * f(c)");
    let ItemKind::Let(l) = &file.items[0].kind else { panic!() };
    assert_eq!(&text[l.value.span.range()], "(a + b) * f(c)");
    let ExprKind::Binary(BinaryOp::Multiply, a, b) = &l.value.kind else { panic!() };
    assert_eq!((&text[a.span.range()], &text[b.span.range()]), ("a + b", "f(c)"));
}

#[test]
fn comment_lines_above_a_definition_document_it() {
    let file = tree(
        "# a header\n\n# One.\n#  Two.\nlet x = 1 # not this\nlet y = 2\nlet f(z) {\n  # Inner.\n  let w = z\n  w\n}\n",
    );
    let doc = |i: usize| match &file.items[i].kind {
        ItemKind::Let(l) => (l.doc.clone(), l.lets.first().map(|l| l.doc.clone())),
        other => panic!("{other:?}"),
    };
    assert_eq!(doc(0), ("One.\n Two.".to_owned(), None));
    assert_eq!(doc(1), (String::new(), None));
    assert_eq!(doc(2), (String::new(), Some("Inner.".to_owned())));
    assert_eq!(file.comments.len(), 5);
    assert!(file.comments[3].trailing && !file.comments[4].trailing);
}

#[test]
fn sameness_ignores_places_only() {
    assert!(same(&tree("let x=1+2"), &tree("\n\n let x = 1 +\n 2 # so")));
    assert!(!same(&tree("let x = 1 + 2"), &tree("let x = 1 - 2")));
}

/// What is said of a text: line, column, the marked text, and the message.
fn said(text: &str) -> Vec<(usize, usize, String, String)> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("r.ssl", sslrun::source::Origin::Input, text));
    let all = parse(id, text).1;
    all.iter()
        .map(|d| {
            assert_eq!((d.code, d.severity), (Code::SYNTAX, Severity::Error));
            let span = d.span().unwrap();
            let (line, column) = sources.get(id).line_column(span.start as usize);
            (line, column, sources.text(span).to_owned(), d.message.clone())
        })
        .collect()
}

#[track_caller]
fn check_slips(text: &str, expected: &[(usize, usize, &str, &str)]) {
    let found = said(text);
    let found: Vec<_> = found.iter().map(|(l, c, m, t)| (*l, *c, m.as_str(), t.as_str())).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn five_slips_give_five_messages_on_their_lines() {
    let text = r#"recipe "Slips"
views { a, b: crop(0.2..1 }
branch f {
  encoder: resnet18(stem: small),
  projector mlp(512, 128)
}
let z := normalize(f(a))
loss {
  contrast = mean(z ** 2)
}
"#;
    check_slips(
        text,
        &[
            (2, 19, "(", "this `(` is never closed"),
            (4, 33, ",", "a line does not end with a comma"),
            (5, 3, "projector", "`:` is missing after `projector`"),
            (7, 7, ":=", "`=` belongs here, not `:=`"),
            (9, 12, "=", "`:` belongs here, not `=`"),
            (9, 21, "**", "there is no operator `**`"),
        ],
    );
    assert_eq!(parse(FileId::ALONE, text).0.items.len(), 5, "everything else is read");
}

#[test]
fn unclosed_brackets_are_reported_where_they_open() {
    check_slips("let a = f(b, c\nlet d = 3", &[(1, 10, "(", "this `(` is never closed")]);
    check_slips("loss {\n  a: mean(x\n  b: 3\n}\n", &[(2, 10, "(", "this `(` is never closed")]);
    check_slips("branch f { e: g(h; p: mlp(2) }", &[(1, 16, "(", "this `(` is never closed")]);
    check_slips("train {\n  epochs: 3\nlet x = 3", &[(1, 7, "{", "the `{` of `train` is never closed")]);
    check_slips("views {\n  a: crop()", &[(1, 7, "{", "the `{` of `views` is never closed")]);
    check_slips("let f(x) {\n  let y = x\nlet g = 1", &[(1, 10, "{", "the `{` of `let f` is never closed")]);
    check_slips("let x = (a]", &[(1, 11, "]", "`)` belongs here, not `]`")]);
    check_slips("let x = a)\n}", &[(1, 10, ")", "this `)` closes nothing"), (2, 1, "}", "this `}` closes nothing")]);
    check_slips("let x = \"abc", &[(1, 9, "\"", "this string is never closed")]);
}

#[test]
fn habits_from_elsewhere_are_named() {
    check_slips("def f(x) = x", &[(1, 1, "def", "`def` defines nothing here")]);
    check_slips("def f(x):\n  y = x\n  return y\nlet z = 1", &[(1, 9, ":", "a colon opens no block")]);
    check_slips("loss:\n  a: 3\n\n  b: 4\nlet z = 1", &[(1, 5, ":", "a colon opens no block")]);
    check_slips("loss: { a: 3 }", &[(1, 5, ":", "no sign belongs before a `{`")]);
    check_slips("let f(x) {\n  return x\n}", &[(2, 3, "return", "there is no `return`")]);
    check_slips(
        "// note\nlet x = 1 // two",
        &[(1, 1, "// note", "`//` begins no comment"), (2, 11, "// two", "`//` begins no comment")],
    );
    check_slips("let x = 'a'", &[(1, 9, "'a'", "a string stands in double quotes")]);
    check_slips(
        "let x = f(True, None)",
        &[(1, 11, "True", "`True` is written `true`"), (1, 17, "None", "`None` is written `none`")],
    );
    check_slips(
        "let x = a && !b || c",
        &[
            (1, 11, "&&", "there is no operator `&&`"),
            (1, 14, "!", "there is no operator `!`"),
            (1, 17, "||", "there is no operator `||`"),
        ],
    );
    check_slips("let x = [f(u) for u in v]", &[(1, 15, "for u in v", "a list is not built by a comprehension")]);
    check_slips("let x = mean(u for u in v for w in v)", &[(1, 27, "for", "a further loop follows a comma")]);
    check_slips("let x = (a, b)", &[(1, 9, "(a, b)", "round brackets hold one value")]);
    check_slips("let x = a if b else c", &[(1, 11, "if", "`if` is not expected here")]);
    check_slips("let x = y[0:3]", &[(1, 12, ":", "`:` is not expected here")]);
    check_slips("train {\n\t- epochs: 3\n}", &[(2, 2, "-", "`-` is not expected here")]);
    check_slips("train {\n\t\"epochs\": 3\n}", &[(2, 2, "\"epochs\"", "`\"epochs\"` is not expected here")]);
    check_slips("lets x = 3", &[(1, 1, "lets", "no statement begins with `lets`")]);
    check_slips(
        "x = 3\nepochs: 5",
        &[(1, 1, "x", "no statement begins with `x`"), (2, 1, "epochs", "`epochs` stands outside of a block")],
    );
    check_slips("let x = a × b", &[(1, 11, "×", "`×` is not expected here")]);
    check_slips("let x = 2 * 0.3f", &[(1, 13, "0.3f", "`0.3f` is not a number")]);
}

#[test]
fn what_is_missing_is_named() {
    check_slips(
        "let x =\nlet y = 1 +",
        &[(1, 7, "=", "a value is missing after `=`"), (2, 11, "+", "a value is missing after `+`")],
    );
    check_slips(
        "let = 3\nbranch",
        &[(1, 5, "=", "a name belongs after `let`, not `=`"), (2, 1, "branch", "a name is missing after `branch`")],
    );
    check_slips("recipe VICReg", &[(1, 8, "VICReg", "a string in double quotes belongs after `recipe`, not `VICReg`")]);
    check_slips("views a: crop", &[(1, 7, "a", "a block in braces belongs after `views`, not `a`")]);
    check_slips(
        "input z [N]\ninput y: 8",
        &[(1, 7, "z", "`:` is missing after `z`"), (2, 10, "8", "a shape is expected here")],
    );
    check_slips("let if = 3", &[(1, 5, "if", "`if` is a word of the language and cannot be a name")]);
    check_slips("weight w", &[(1, 8, "w", "weight `w` has neither a value nor a shape")]);
    check_slips("let f(a) {\n  let b = a\n}", &[(1, 5, "f", "the block of `f` has no value")]);
    check_slips("let f(a) {\n  a\n  a + 1\n}", &[(3, 3, "a + 1", "this line comes after the value of its block")]);
    check_slips(
        "let x = f(a b)\nlet y = a b",
        &[(1, 13, "b", "`b` is not expected here"), (2, 11, "b", "`b` is not expected here")],
    );
    check_slips(
        "loss {\n  mean(x)\n  a.b: 3\n  c: 1 2\n}",
        &[
            (2, 3, "mean", "`:` is missing after `mean`"),
            (3, 4, ".", "`.` is not expected here"),
            (4, 8, "2", "`2` is not expected here"),
        ],
    );
    check_slips("let x = f(a: 1, 2)", &[(1, 17, "2", "an argument without a name comes after one with a name")]);
    check_slips("let x = a < b < c", &[(1, 15, "<", "`<` cannot be chained")]);
}

#[test]
fn a_slip_in_a_long_statement_is_one_message() {
    let text = "let code(v) = stopgrad(\n  sinkhorn(\n    f(v) / 0.05,\n    iterations 3\n  )\n)\nlet p = crop()\n  | flip\n  | * blur\n  | gray\nlet x = 1";
    check_slips(text, &[(4, 16, "3", "`3` is not expected here"), (9, 5, "*", "`*` is not expected here")]);
}

#[test]
fn messages_never_name_a_rule_of_the_grammar() {
    let grammar = include_str!("../../grammar/ssl.pest");
    let rules: Vec<&str> = grammar
        .lines()
        .filter_map(|l| l.split_once(" = ").map(|(name, _)| name))
        .filter(|name| name.contains('_') && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    assert!(rules.len() > 20);
    for recipe in RECIPES {
        for (end, _) in recipe.char_indices() {
            for (.., message) in said(&recipe[..end]) {
                assert!(rules.iter().all(|r| !message.contains(r)), "{message}");
            }
        }
    }
}

#[test]
fn an_expression_alone_is_read_or_refused() {
    assert_eq!(expr(" cosine(0.3 -> 0.0,\n warmup: 10) "), "cosine((0.3 Ramp 0), warmup: 10)");
    for (text, message) in [
        ("", "a value is missing here"),
        ("1 +", "a value is missing after `+`"),
        ("f(1", "this `(` is never closed"),
        ("1; 2", "`;` is not expected here"),
        ("True", "`True` is written `true`"),
    ] {
        assert_eq!(parse_expr(FileId::ALONE, text).unwrap_err().message, message);
    }
}

#[test]
fn statements_are_written_as_their_table_says() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/language.md")).expect("the document");
    for statement in sslrun::syntax::STATEMENTS {
        let (file, diagnostics) = parse(FileId::ALONE, statement.form);
        assert_eq!(diagnostics, [], "{}", statement.form);
        let [item] = &file.items[..] else { panic!("{} is one statement", statement.form) };
        assert_eq!(item.kind.keyword(), statement.keyword);
        assert_eq!(
            sslrun::syntax::print::statements(std::slice::from_ref(&item.kind)).split_whitespace().next(),
            Some(statement.keyword)
        );
        assert!(docs.contains(&format!("`{} ", statement.keyword)), "docs/language.md on `{}`", statement.keyword);
    }
}
