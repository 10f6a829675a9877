//! `sslrun completions`: what a shell needs to complete arguments.

use clap::CommandFactory;

use super::args::{Args, CompletionsArgs};
use super::{Exit, output};
use crate::driver::Failure;

/// Prints the completions of a shell, made from the arguments themselves.
pub fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut program = Args::command();
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, name, &mut script);
    output::verbatim(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
