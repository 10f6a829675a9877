//! `sslrun man`: the manual pages.

use clap::CommandFactory;
use clap_mangen::Man;

use super::args::{Args, ManArgs};
use super::{Exit, output};
use crate::driver::Failure;

/// Writes the page of the program and one of each command, made from the arguments themselves.
pub fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let folder = &args.folder;
    let cannot = |e: std::io::Error| Failure::run(format!("cannot make {}: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let commands: Vec<_> = [&program].into_iter().chain(program.get_subcommands()).cloned().collect();
    for command in &commands {
        let version = format!("sslrun {}", env!("CARGO_PKG_VERSION"));
        let (page, mut text) = (Man::new(command.clone()).source(version), Vec::new());
        page.render(&mut text).map_err(|e| Failure::run(format!("cannot make a page: {e}")))?;
        output::file(&folder.join(page.get_filename()), &text)?;
    }
    let (number, folder) = (commands.len(), folder.display());
    output::message(&format!("{number} pages are in {folder}; `man -l {folder}/sslrun.1` shows the first"));
    Ok(Exit::Fine)
}
