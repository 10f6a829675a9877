//! Diagnostics shown to people and to programs.

use super::Diagnostic;
use crate::source::Sources;

/// The diagnostics as a person reads them.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let line = |d: &Diagnostic| {
        format!("{:?}: {}: {}\n", d.severity, d.span().map(|s| sources.locate(s)).unwrap_or_default(), d.message)
    };
    diagnostics.iter().map(line).collect()
}

/// The diagnostics as JSON.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    render(diagnostics, sources)
}
