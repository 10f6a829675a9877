//! Arguments of the commands that train nothing.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use clap_complete::Shell;

use super::{ChangeArgs, GraphFormat};

/// `sslrun fmt`
#[derive(Debug, ClapArgs)]
pub struct FmtArgs {
    /// Recipes; `-` is standard input, whose layout goes to standard output
    #[arg(value_name = "RECIPE", required = true)]
    pub recipes: Vec<PathBuf>,
    /// Changes nothing; the exit status is 1 where a recipe is laid out otherwise
    #[arg(long)]
    pub check: bool,
}

/// `sslrun show`
#[derive(Debug, ClapArgs)]
pub struct ShowArgs {
    /// A word, a function of the standard library, or `std` for all of it; a built-in recipe, or `recipes` for a list of them;
    /// everything there is, if left out
    pub name: Option<String>,
}

/// `sslrun explain`
#[derive(Debug, ClapArgs)]
pub struct ExplainArgs {
    /// The code of a diagnostic, as in `shape-mismatch`, or a recipe
    #[arg(value_name = "CODE|RECIPE")]
    pub what: String,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// Prints the loss of a recipe as LaTeX
    #[arg(long)]
    pub latex: bool,
}

/// `sslrun graph`
#[derive(Debug, ClapArgs)]
pub struct GraphArgs {
    /// The recipe; `-` is standard input
    pub recipe: PathBuf,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// How the graph is printed
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub format: GraphFormat,
}

/// `sslrun new`
#[derive(Debug, ClapArgs)]
pub struct NewArgs {
    /// What it is called; the file is this with `.ssl`, and must not be there
    #[arg(value_name = "NAME")]
    pub name: PathBuf,
    /// The built-in recipe that it begins as (`sslrun show recipes` lists them)
    #[arg(long, value_name = "RECIPE")]
    pub from: String,
}

/// `sslrun runs`
#[derive(Debug, ClapArgs)]
pub struct RunsArgs {
    /// The folder below which runs are looked for
    #[arg(value_name = "DIR", default_value = "runs")]
    pub folder: PathBuf,
    /// Sorts by this column, the best or latest first; with a `-` before it, the other way
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Shows only runs for which this holds, as in `outcome=finished`, `recipe=moment*` or `knn>80`; may be given several times
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    pub filters: Vec<String>,
    /// How the runs are shown
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub format: ListFormat,
}

/// The forms in which a list is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Table,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
}

/// `sslrun completions`
#[derive(Debug, ClapArgs)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// `sslrun man`
#[derive(Debug, ClapArgs)]
pub struct ManArgs {
    /// The folder in which `sslrun.1` and a page for each command are written; those of an earlier version are replaced
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}
