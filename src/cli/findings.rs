//! What is said of a recipe, and of the failure of a command: to people at once, to programs as one JSON array when all is said.

use serde_json::Value;

use super::args::FindingFormat;
use super::{Exit, output};
use crate::diag::{self, Diagnostic};
use crate::driver::Failure;
use crate::source::Sources;

/// What has been found so far.
pub struct Findings {
    format: FindingFormat,
    told: Vec<Value>,
}

impl Findings {
    /// Nothing yet.
    pub fn new(format: FindingFormat) -> Self {
        Self { format, told: Vec::new() }
    }

    /// Tells what there is to say of a recipe; whether there is an error among it.
    pub fn tell(&mut self, diagnostics: &[Diagnostic], sources: &Sources) -> bool {
        match self.format {
            FindingFormat::Text => output::diagnostics(diagnostics, sources),
            FindingFormat::Json => {
                self.told.extend(diag::values(diagnostics, sources));
                output::has_error(diagnostics)
            }
        }
    }

    /// Ends the command that came to `result`. For programs everything is written now, a failure with it.
    pub fn close(mut self, result: Result<Exit, Failure>) -> Result<Exit, Failure> {
        if self.format == FindingFormat::Text {
            return result;
        }
        let exit = result.unwrap_or_else(|failure| {
            self.told.extend(diag::values(std::slice::from_ref(&failure.diagnostic), &failure.sources));
            Exit::of(&failure)
        });
        output::result(&(diag::json_array(self.told) + "\n"))?;
        Ok(exit)
    }
}
