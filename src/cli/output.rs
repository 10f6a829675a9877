//! What every subcommand writes with: results to standard output, messages to standard error.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

use crate::diag::{self, Diagnostic, Severity};
use crate::driver::{Failure, FailureKind};
use crate::source::Sources;

/// Writes a result for people.
pub fn result(text: &str) -> Result<(), Failure> {
    written(&diag::visible(text))
}

/// Writes a result that is to be read again, such as a recipe: to the letter, unless a person reads it.
pub fn verbatim(text: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() { result(text) } else { written(text) }
}

/// Writes to standard output. A reader that has gone away, as `head` does, is no error.
fn written(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failure::run(format!("cannot write the result: {e}"))),
        _ => Ok(()),
    }
}

/// Writes a message for people.
pub fn message(text: &str) {
    coloured_message(&diag::visible(text));
}

/// Writes a message that has colours of ours, and nothing in it that could be others'.
fn coloured_message(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes why a command came to nothing.
pub fn failure(failure: &Failure) {
    match failure.kind {
        FailureKind::Usage | FailureKind::Run => {
            diagnostics(std::slice::from_ref(&failure.diagnostic), &failure.sources);
        }
        FailureKind::Stopped => message(&failure.diagnostic.message),
    }
}

/// Whether messages may have colours: at a terminal, unless the user wants none.
fn coloured() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Shows diagnostics; whether there is an error among them.
pub fn diagnostics(diagnostics: &[Diagnostic], sources: &Sources) -> bool {
    if !diagnostics.is_empty() {
        let render = if coloured() { diag::render_colored } else { diag::render };
        coloured_message(render(diagnostics, sources).trim_end());
    }
    has_error(diagnostics)
}

/// Whether there is an error among the diagnostics.
pub fn has_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

/// Writes a file whole or not at all.
pub fn file(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    crate::report::write_atomically(path, contents).map_err(Failure::run)
}

/// Writes a new file whole or not at all; one that is there is never written over.
pub fn new_file(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        let message = format!("{} is there already, and is not written over: choose another name", path.display());
        return Err(Failure::usage(message));
    }
    crate::report::create_atomically(path, contents).map_err(Failure::run)
}

/// Whether a file is called as what will be written into it; what it may be called otherwise is an error.
pub fn ending(path: &Path, known: &[&str]) -> Result<(), Failure> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    if ending.as_deref().is_some_and(|e| known.contains(&e)) {
        return Ok(());
    }
    let endings: Vec<String> = known.iter().map(|e| format!("`.{e}`")).collect();
    let endings = endings.join(" or ");
    Err(Failure::usage(format!(
        "the name of {} must end in {endings}: that is the format that is written",
        path.display()
    )))
}

/// That what is to be written does not replace what is read.
pub fn apart(output: &Path, read: &[&Path]) -> Result<(), Failure> {
    let whole = |path: &Path| path.canonicalize().ok();
    match read.iter().find(|path| whole(path).is_some_and(|path| whole(output) == Some(path))) {
        None => Ok(()),
        Some(path) => Err(Failure::usage(format!("{} would be written over: choose another `-o`", path.display()))),
    }
}
