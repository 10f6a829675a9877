//! Bounded fuzzing of parser and formatter: whatever the text, no panic, no hang, and a layout that keeps the meaning.

use std::time::{Duration, Instant};

use sslrun::source::FileId;
use sslrun::syntax::parse;

use crate::syntax::RECIPES;
use crate::targets;

/// Reads a text of a few lines in far less time than this, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(5);
/// The same for checking one, which tries its loss out.
const CHECKED: Duration = Duration::from_secs(60);

/// Words and signs, those of the language and of others.
const TOKENS: &[&str] = &[
    "let", "branch", "views", "loss", "train", "expect", "recipe", "state", "weight", "input", "for", "in", "if", "on",
    "not", "and", "or", "true", "None", "def", "return", "x", "f", "N", "é", "1", "0.5", "1e-4", ".5", "1e999",
    "\"a\"", "'a'", "\"", "'", "(", ")", "[", "]", "{", "}", ",", ";", "\n", "\n  ", ":", "=", ":=", "==", "!=", "->",
    "..", ".", "+", "-", "*", "**", "/", "//", "^", "@", "|", "||", "&&", "!", "#", "# c\n", "\t", "\r\n", "%", "×",
    "\u{FEFF}",
];

/// A small generator of random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// Holds the parser and the formatter to their promises on one text.
fn feed(text: &str) {
    let start = Instant::now();
    targets::layout(text);
    assert!(start.elapsed() < LIMIT, "took {:?}: {:?}", start.elapsed(), text.get(..200).unwrap_or(text));
}

#[test]
fn random_characters() {
    let mut random = Random(1);
    for _ in 0..2000 {
        let length = random.below(60);
        let text: String = (0..length).filter_map(|_| char::from_u32(random.below(0x180) as u32)).collect();
        feed(&text);
    }
}

#[test]
fn random_tokens() {
    let mut random = Random(2);
    for _ in 0..4000 {
        let length = random.below(40);
        let tokens: Vec<&str> = (0..length).map(|_| TOKENS[random.below(TOKENS.len())]).collect();
        feed(&tokens.join(if random.below(2) == 0 { " " } else { "" }));
    }
}

/// A recipe with a piece cut out, doubled, replaced by a token or moved from elsewhere.
fn mutated(random: &mut Random) -> String {
    let recipe = RECIPES[random.below(RECIPES.len())];
    let mut chars: Vec<char> = recipe.chars().collect();
    for _ in 0..=random.below(3) {
        let from = random.below(chars.len());
        let to = (from + random.below(20)).min(chars.len());
        let piece: Vec<char> = chars[from..to].to_vec();
        match random.below(4) {
            0 => _ = chars.drain(from..to),
            1 => _ = chars.splice(from..from, piece),
            2 => _ = chars.splice(from..to, TOKENS[random.below(TOKENS.len())].chars()),
            _ => {
                let at = random.below(chars.len());
                chars.splice(at..at, piece);
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn mutated_recipes() {
    let mut random = Random(3);
    for _ in 0..4000 {
        feed(&mutated(&mut random));
    }
}

/// What parses and what does not: the check says what is wrong, and ends.
#[test]
fn mutated_recipes_are_checked() {
    let (mut random, mut passed) = (Random(4), 0);
    for _ in 0..60 {
        let text = mutated(&mut random);
        let start = Instant::now();
        passed += usize::from(targets::check(&text));
        assert!(start.elapsed() < CHECKED, "took {:?}: {text:?}", start.elapsed());
    }
    assert!(passed > 0);
}

#[test]
fn every_beginning_of_every_recipe() {
    for recipe in RECIPES {
        for (end, _) in recipe.char_indices() {
            feed(&recipe[..end]);
        }
    }
}

#[test]
fn deep_and_long_texts() {
    for piece in [
        "(",
        "[",
        "{",
        "-",
        "not ",
        "a.",
        "f(",
        "x[",
        "let f(){",
        "a^",
        "a+",
        "loss{a{",
        "((a)",
        "\"",
        "'",
        "!",
        ";",
        "\n",
        "# c\n",
        "a b\n",
        "}",
        ")",
        "let x = f(\n",
        "a:\n b",
        "x:",
    ] {
        for count in [10, 150, 250, 3000] {
            let text = piece.repeat(count);
            feed(&text);
            feed(&format!("let x = {text}"));
            feed(&format!("loss {{ a: {text}"));
        }
    }
    for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("-(", ")"), ("x[", "]"), ("a{", "}")] {
        for depth in [50, 190, 300, 20_000] {
            let text = format!("{}x{}", open.repeat(depth), close.repeat(depth));
            feed(&format!("let x = {text}"));
            feed(&format!("train {{ a: {text} }}"));
            feed(&format!("train {{ {text} }}"));
        }
    }
}

#[test]
fn what_nests_too_deeply_is_an_error() {
    for text in [format!("let x = {}1{}", "(".repeat(500), ")".repeat(500)), format!("let x = 1{}", " + 1".repeat(500))]
    {
        let (_, diagnostics) = parse(FileId::ALONE, &text);
        assert_eq!(diagnostics.len(), 1);
        assert!(diagnostics[0].message.contains("deep"), "{diagnostics:?}");
    }
}
