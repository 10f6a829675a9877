//! Makes text of unknown origin safe to show: characters that a terminal would obey, or that are invisible, are written out.

use std::borrow::Cow;

/// How many characters of a message are shown, and how many of these from its end.
const MOST: usize = 2000;
const END: usize = 400;

/// The text with every character written out that a terminal would obey or not show: control characters but the end of a line and
/// the tab, those that turn the direction of writing, separators of lines, and characters without width.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_hidden(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The same on one line.
pub fn visible_line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// A message as it is shown: visible, and not without end.
pub(super) fn brief(text: &str) -> String {
    if text.len() <= MOST {
        return visible(text).into_owned();
    }
    let ends = |mut at: Box<dyn Iterator<Item = (usize, char)> + '_>, n: usize| at.nth(n).map(|(i, _)| i);
    let head = ends(Box::new(text.char_indices()), MOST - END).unwrap_or(text.len());
    let tail = ends(Box::new(text.char_indices().rev()), END).unwrap_or(0);
    match head < tail {
        true => format!("{} ... {}", visible(&text[..head]), visible(&text[tail..])),
        false => visible(text).into_owned(),
    }
}

/// JSON with the same characters as escapes of JSON; they only stand in its strings.
pub(super) fn visible_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match is_hidden(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            false => out.push(c),
        }
    }
    out
}

fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}' | '\u{3164}' => true,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => true,
        '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}' => true,
        c => c.is_control(),
    }
}
