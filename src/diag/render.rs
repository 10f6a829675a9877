//! Diagnostics shown to people and to programs.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan};
use serde_json::{Value, json};

use super::escape::{brief, visible, visible_json};
use super::excerpt::Excerpt;
use super::{Diagnostic, Label, Severity};
use crate::source::{Sources, Span};

/// How wide messages are wrapped.
const WIDTH: usize = 100;

/// The diagnostics as a person reads them, without colours.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    render_in(GraphicalTheme::unicode_nocolor(), diagnostics, sources)
}

/// The diagnostics as a person reads them at a terminal.
pub fn render_colored(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    render_in(GraphicalTheme::unicode(), diagnostics, sources)
}

fn render_in(theme: GraphicalTheme, diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(WIDTH).with_break_words(false);
    // What has no place is of files and commands, which are copied from the message: it is left in one piece.
    let placeless = handler.clone().with_wrap_lines(false);
    let one = |d: &Diagnostic| render_one(d, sources, if d.labels.is_empty() { &placeless } else { &handler });
    diagnostics.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// The diagnostics as a JSON array: code, severity, message, place, labels, trace, notes and help of each.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    json_array(values(diagnostics, sources))
}

/// Several of [`values`] as one JSON array, nothing in it that a terminal would obey.
pub fn json_array(values: Vec<Value>) -> String {
    visible_json(&format!("{:#}", Value::from(values)))
}

/// The same as values, to be put among others.
pub fn values(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<Value> {
    diagnostics.iter().map(|d| json_one(d, sources)).collect()
}

fn render_one(diagnostic: &Diagnostic, sources: &Sources, handler: &GraphicalReportHandler) -> String {
    let mut out = String::new();
    handler.render_report(&mut out, &Report::new(diagnostic, sources)).expect("writing to a string does not fail");
    let main = diagnostic.span().map(|s| s.file);
    let located = |span: Span| visible(&sources.locate(span)).into_owned();
    for label in diagnostic.labels.iter().filter(|l| Some(l.span.file) != main) {
        out.push_str(&format!("  see {}: {}\n", located(label.span), brief(&label.text)));
    }
    for call in diagnostic.trace.iter().rev() {
        let text = if call.text.is_empty() { String::new() } else { format!(": {}", brief(&call.text)) };
        out.push_str(&format!("  called from {}{text}\n", located(call.span)));
    }
    diagnostic.notes.iter().for_each(|note| out.push_str(&format!("  note: {}\n", brief(note))));
    if diagnostic.code.says_more() {
        out.push_str(&format!("  more: sslrun explain {}\n", diagnostic.code.name));
    }
    out
}

/// A diagnostic as miette wants it: all that strangers wrote fit to be shown.
#[derive(Debug)]
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    message: String,
    help: Option<String>,
    source: Option<Excerpt>,
}

impl<'a> Report<'a> {
    fn new(diagnostic: &'a Diagnostic, sources: &Sources) -> Self {
        let here = |main: Span| {
            let ranges: Vec<_> = labels_in(diagnostic, main).map(|l| l.span.range()).collect();
            Excerpt::new(sources.get(main.file), &ranges)
        };
        Self {
            diagnostic,
            message: brief(&diagnostic.message),
            help: diagnostic.help.as_deref().map(brief),
            source: diagnostic.span().map(here),
        }
    }
}

/// The labels in the file of the main place.
fn labels_in(diagnostic: &Diagnostic, main: Span) -> impl Iterator<Item = &Label> {
    diagnostic.labels.iter().filter(move |l| l.span.file == main.file)
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|s| s as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (main, source) = (self.diagnostic.span()?, self.source.as_ref()?);
        let places = labels_in(self.diagnostic, main).zip(&source.places);
        Some(Box::new(places.enumerate().map(|(i, (label, (range, _)))| {
            let text = Some(brief(&label.text)).filter(|t| !t.is_empty());
            let place = (range.start, range.end - range.start);
            match i {
                0 => LabeledSpan::new_primary_with_span(text, place),
                _ => LabeledSpan::new_with_span(text, place),
            }
        })))
    }
}

fn json_one(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let labels = |all: &[Label]| all.iter().map(|l| place(l.span, Some(&l.text), sources)).collect::<Vec<_>>();
    let mut object = diagnostic.span().map_or_else(|| json!({}), |span| place(span, None, sources));
    object["code"] = diagnostic.code.name.into();
    object["severity"] = json!(diagnostic.severity);
    object["message"] = diagnostic.message.as_str().into();
    object["labels"] = labels(&diagnostic.labels).into();
    object["trace"] = labels(&diagnostic.trace).into();
    object["notes"] = json!(diagnostic.notes);
    object["help"] = json!(diagnostic.help);
    object
}

/// A span as file, line and column of its ends, from 1.
fn place(span: Span, text: Option<&str>, sources: &Sources) -> Value {
    let source = sources.get(span.file);
    let (line, column) = source.line_column(span.start as usize);
    let (end_line, end_column) = source.line_column(span.end as usize);
    let mut object = json!({
        "file": source.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column
    });
    if let Some(text) = text {
        object["text"] = text.into();
    }
    object
}
