//! A document that can be laid out in one line or in several (Wadler, "A prettier printer").

/// A piece of text and where it may be broken.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    /// Text without line ends.
    Text(String),
    /// The end of a line where the group is broken, else the text.
    Break(&'static str),
    /// The end of a line.
    Hard,
    /// As many blanks where the group is broken, else one.
    Pad(usize),
    /// A comment, put at the end of its line; alone if nothing else stands there.
    Comment(String),
    /// Pieces in a row.
    Row(Vec<Doc>),
    /// Pieces whose lines stand further in.
    Indent(Vec<Doc>),
    /// Pieces that are broken all or not at all, and whether they must be.
    Group(bool, Vec<Doc>),
}

impl Doc {
    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Doc::Text(text.into())
    }

    /// A group that is broken where a part of it must be, or where `broken` says so.
    pub(super) fn group(broken: bool, parts: Vec<Doc>) -> Self {
        Doc::Group(broken || parts.iter().any(Doc::must_break), parts)
    }

    fn must_break(&self) -> bool {
        match self {
            Doc::Hard | Doc::Comment(_) => true,
            Doc::Group(broken, _) => *broken,
            Doc::Row(parts) | Doc::Indent(parts) => parts.iter().any(Doc::must_break),
            Doc::Text(_) | Doc::Break(_) | Doc::Pad(_) => false,
        }
    }
}

/// Blanks of one indentation.
const INDENT: usize = 2;

/// A piece yet to be printed: its indentation, and whether its group is broken.
type Piece<'a> = (usize, bool, &'a Doc);

/// Lays the document out in lines of at most `width` characters where it can be broken so.
pub(super) fn print(doc: &Doc, width: usize) -> String {
    let mut page = Page::default();
    let mut stack: Vec<Piece> = vec![(0, true, doc)];
    while let Some((indent, broken, doc)) = stack.pop() {
        match doc {
            Doc::Text(text) => page.text(indent, text),
            Doc::Break(_) if broken => page.end_line(),
            Doc::Break(text) => page.text(indent, text),
            Doc::Hard => page.end_line(),
            Doc::Pad(n) => page.text(indent, &" ".repeat(if broken { *n } else { 1 })),
            Doc::Comment(text) => page.comments.push((indent, text)),
            Doc::Row(parts) => stack.extend(parts.iter().rev().map(|p| (indent, broken, p))),
            Doc::Indent(parts) => stack.extend(parts.iter().rev().map(|p| (indent + INDENT, broken, p))),
            Doc::Group(must, parts) => {
                let left = width.saturating_sub(if page.column == 0 { indent } else { page.column });
                let broken = broken && (*must || !fits(parts, left, &stack));
                stack.extend(parts.iter().rev().map(|p| (indent, broken, p)));
            }
        }
    }
    page.end_line();
    page.out
}

/// Whether the unbroken parts, and what follows them up to where a line may end next, have room.
fn fits(parts: &[Doc], room: usize, rest: &[Piece]) -> bool {
    let mut room = room as isize;
    let mut rest = rest.iter().rev();
    let mut stack: Vec<(bool, &Doc)> = parts.iter().rev().map(|p| (false, p)).collect();
    while room >= 0 {
        let Some((broken, doc)) = stack.pop().or_else(|| rest.next().map(|&(_, broken, doc)| (broken, doc))) else {
            return true;
        };
        match doc {
            Doc::Hard => return true,
            Doc::Break(_) if broken => return true,
            Doc::Text(text) => room -= text.chars().count() as isize,
            Doc::Break(text) => room -= text.len() as isize,
            Doc::Pad(n) => room -= if broken { *n as isize } else { 1 },
            Doc::Comment(_) => {}
            Doc::Row(parts) | Doc::Indent(parts) | Doc::Group(_, parts) => {
                stack.extend(parts.iter().rev().map(|p| (broken, p)));
            }
        }
    }
    false
}

/// The lines so far.
#[derive(Default)]
struct Page<'a> {
    out: String,
    column: usize,
    comments: Vec<(usize, &'a str)>,
}

impl Page<'_> {
    /// Adds text, indented where it begins a line.
    fn text(&mut self, indent: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.column == 0 {
            self.out.push_str(&" ".repeat(indent));
            self.column = indent;
        }
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    /// Ends the line with the comments that wait for its end.
    fn end_line(&mut self) {
        for (indent, comment) in std::mem::take(&mut self.comments) {
            let gap = if self.column > 0 { "  " } else { "" };
            self.text(indent, &format!("{gap}{comment}"));
        }
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
        self.column = 0;
    }
}
