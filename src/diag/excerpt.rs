//! The part of a source that is shown with a message: the lines of its places and their neighbours; long lines are cut.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::escape::visible;
use crate::source::Source;

/// The most characters of a line that are shown whole; of a longer one, so many before and behind a place.
const LINE: usize = 200;
const BEFORE: usize = 70;
const BEHIND: usize = 110;
/// The most lines of a place that are shown; of one that is longer, the first.
const LINES: usize = 16;
/// What stands for the rest of a line.
const CUT: &str = "...";

/// Some lines of a source, fit to be shown.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
    /// How many lines of the source come before.
    skipped: usize,
    /// The places in the text, and the column of each in the source, from 0.
    pub places: Vec<(Range<usize>, usize)>,
}

/// A line as it is shown.
struct Shown {
    /// The bytes of the source that are shown.
    part: Range<usize>,
    /// Where they begin in the excerpt.
    at: usize,
}

impl Excerpt {
    /// The lines around `ranges` of a source; the first of them decides which part of a long line is shown.
    pub fn new(source: &Source, ranges: &[Range<usize>]) -> Self {
        let ranges: Vec<Range<usize>> = ranges.iter().map(|range| held(source, range)).collect();
        let mut wanted = BTreeSet::new();
        let mut focus: BTreeMap<usize, usize> = BTreeMap::new();
        for range in &ranges {
            let (first, last) = (line_of(source, range.start), line_of(source, range.end));
            wanted.extend(first.saturating_sub(1)..=last + 1);
            focus.entry(first).or_insert(range.start);
            focus.entry(last).or_insert(range.end);
        }
        wanted.retain(|line| *line < source.lines());
        let (from, to) = (wanted.first().copied().unwrap_or(0), wanted.last().copied().unwrap_or(0));
        let mut text = String::new();
        let mut lines = BTreeMap::new();
        for line in from..=to {
            let whole = source.line(line);
            if wanted.contains(&line) {
                let part = part(&source.text, &whole, focus.get(&line).copied().unwrap_or(whole.start));
                text.push_str(if part.start > whole.start { CUT } else { "" });
                let at = text.len();
                text.push_str(&visible(&source.text[part.clone()]));
                text.push_str(if part.end < whole.end { CUT } else { "" });
                lines.insert(line, Shown { part, at });
            }
            text.push_str(if line + 1 < source.lines() { "\n" } else { "" });
        }
        let place = |at: usize| {
            lines.get(&line_of(source, at)).map_or(0, |shown| {
                let end = at.clamp(shown.part.start, shown.part.end);
                shown.at + visible(&source.text[shown.part.start..end]).len()
            })
        };
        let places = ranges.iter().map(|r| (place(r.start)..place(r.end), source.line_column(r.start).1 - 1)).collect();
        Self { name: visible(&source.name).into_owned(), text, skipped: from, places }
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.text.read_span(span, before, after)?;
        // Without neighbours it is asked where the place is.
        let place = self.places.iter().find(|(range, _)| before + after == 0 && range.start == span.offset());
        let column = place.map_or(read.column(), |(_, column)| *column);
        let (line, count) = (read.line() + self.skipped, read.line_count());
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), read.data(), *read.span(), line, column, count)))
    }
}

/// The line of a source in which a byte stands, cut around it, fit to be shown.
pub fn line_at(source: &Source, at: usize) -> String {
    let whole = source.line(line_of(source, at));
    let part = part(&source.text, &whole, at.clamp(whole.start, whole.end));
    let cut = |is: bool| if is { CUT } else { "" };
    let text = visible(source.text[part.clone()].trim());
    format!("{}{text}{}", cut(part.start > whole.start), cut(part.end < whole.end))
}

/// A range within the text, at the borders of characters and not over too many lines.
fn held(source: &Source, range: &Range<usize>) -> Range<usize> {
    let border = |mut at: usize| {
        at = at.min(source.text.len());
        while !source.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = border(range.start);
    let end = border(range.end).max(start);
    let first = line_of(source, start);
    match line_of(source, end) - first > LINES {
        true => start..source.line(first).end.max(start),
        false => start..end,
    }
}

/// The number of the line in which a byte stands, from 0.
fn line_of(source: &Source, at: usize) -> usize {
    source.line_column(at).0 - 1
}

/// What of a line is shown around a byte of it.
fn part(text: &str, line: &Range<usize>, at: usize) -> Range<usize> {
    if text[line.clone()].chars().nth(LINE).is_none() {
        return line.clone();
    }
    let mut at = at.clamp(line.start, line.end);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let start = text[line.start..at].char_indices().rev().nth(BEFORE).map_or(line.start, |(i, _)| line.start + i);
    let end = text[at..line.end].char_indices().nth(BEHIND).map_or(line.end, |(i, _)| at + i);
    start..end
}
