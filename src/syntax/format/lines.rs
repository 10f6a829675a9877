//! Statements and the lines of blocks, one below the other, with the comments and blank lines between them.

use super::Formatter;
use super::doc::Doc;
use crate::source::Span;

impl Formatter<'_> {
    /// Lines up to byte `end`, the first behind `opening`.
    pub(super) fn lines<T>(
        &mut self,
        lines: &[T],
        end: u32,
        opening: Doc,
        span: impl Fn(&T) -> Span,
        mut doc: impl FnMut(&mut Self, &T) -> Doc,
    ) -> Vec<Doc> {
        let mut stack = Stack { parts: Vec::new(), opening: Some(opening), last: 0 };
        for line in lines {
            let place = span(line);
            self.between(&mut stack, place.start);
            let content = doc(self, line);
            stack.push(self.source, place, content);
            stack.comments(self.take(place.end).iter().map(|c| c.text.as_str()));
        }
        self.between(&mut stack, end);
        stack.parts
    }

    /// Puts the comments before byte `end`: behind the line so far, or on lines of their own.
    fn between(&mut self, stack: &mut Stack, end: u32) {
        for comment in self.take(end) {
            if comment.trailing {
                stack.comments([comment.text.as_str()]);
            } else {
                stack.push(self.source, comment.span, Doc::Comment(comment.text.clone()));
            }
        }
    }

    /// How many blanks follow each label so that the values of neighbouring lines stand in a column.
    pub(super) fn pads<T>(&self, lines: &[T], span: impl Fn(&T) -> Span, label: impl Fn(&T) -> usize) -> Vec<usize> {
        let apart = |a: &T, b: &T| {
            let (from, to) = (span(a).end, span(b).start);
            let own = self.comments.iter().any(|c| !c.trailing && (from..to).contains(&c.span.start));
            own || blank_between(self.source, from, to)
        };
        let runs = lines.chunk_by(|a, b| !apart(a, b));
        runs.flat_map(|run| {
            let widest = run.iter().map(&label).max().unwrap_or(0);
            run.iter().map(|line| widest + 1 - label(line)).collect::<Vec<_>>()
        })
        .collect()
    }

    /// `head { lines }`: in one line where the source has it so and there is room.
    pub(super) fn block<T>(
        &mut self,
        head: Doc,
        lines: &[T],
        whole: Option<Span>,
        span: impl Fn(&T) -> Span,
        doc: impl FnMut(&mut Self, &T) -> Doc,
    ) -> Doc {
        let broken = whole.and_then(|whole| self.slice(whole)).is_none_or(|text| text.contains('\n'));
        let inner = self.lines(lines, whole.map_or(u32::MAX, |whole| whole.end), Doc::Break(" "), span, doc);
        if inner.is_empty() {
            return Doc::Row(vec![head, Doc::text(" {}")]);
        }
        Doc::group(broken, vec![head, Doc::text(" {"), Doc::Indent(inner), Doc::Break(" "), Doc::text("}")])
    }
}

/// Lines so far.
struct Stack {
    parts: Vec<Doc>,
    /// What stands before the first line.
    opening: Option<Doc>,
    /// Where the last line ends in the source.
    last: u32,
}

impl Stack {
    /// Adds a line, after a blank one where the source has one.
    fn push(&mut self, source: Option<&str>, place: Span, content: Doc) {
        match self.opening.take() {
            Some(opening) => self.parts.push(opening),
            None => {
                self.parts.push(Doc::Break("; "));
                if blank_between(source, self.last, place.start) {
                    self.parts.push(Doc::Hard);
                }
            }
        }
        self.parts.push(content);
        self.last = place.end;
    }

    /// Adds comments at the end of the line so far.
    fn comments<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        self.parts.extend(texts.into_iter().map(|t| Doc::Comment(t.to_owned())));
    }
}

/// Whether the source has an empty line between two bytes.
fn blank_between(source: Option<&str>, from: u32, to: u32) -> bool {
    let lines: Vec<&str> =
        source.and_then(|text| text.get(from as usize..to as usize)).unwrap_or_default().split('\n').collect();
    lines.len() > 2 && lines[1..lines.len() - 1].iter().any(|line| line.trim().is_empty())
}
