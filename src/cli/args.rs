//! Every argument of the command line.

mod apart;
mod applied;
mod change;

use std::path::PathBuf;

pub use apart::{CompletionsArgs, ExplainArgs, FmtArgs, GraphArgs, ListFormat, ManArgs, NewArgs, RunsArgs, ShowArgs};
pub use applied::{
    DuplicatesArgs, EmbedArgs, EncoderArgs, EvalArgs, ExportArgs, NeighborsArgs, OutliersArgs, PredictArgs, ProbeName,
    SplitName,
};
pub use change::ChangeArgs;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::units::seconds;
use crate::train::Which;

/// A language for self-supervised learning, and the program that runs it.
#[derive(Debug, Parser)]
#[command(
    name = "sslrun",
    version,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    override_usage = "sslrun [OPTIONS] RECIPE\n       sslrun --resume RUN\n       sslrun --from RUN [RECIPE]\n       sslrun COMMAND ..."
)]
pub struct Args {
    /// What to do other than running a recipe.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to run a recipe.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Runs a recipe: trains an encoder and judges it.
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// The recipe to run: a `.ssl` file, or a built-in one by its name (`sslrun show recipes`)
    #[arg(value_name = "RECIPE")]
    pub recipe: Option<PathBuf>,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// The engine that computes the steps [default: planned]
    #[arg(long)]
    pub engine: Option<Engine>,
    /// The folder of the run [default: runs/RECIPE-NUMBER]
    #[arg(short = 'o', long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// From which everything random is derived; short for `--set train.seed=N`
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Starts a stage with the weights of a file, as in `f.encoder=x.pth`; short for `start f.encoder = weights("x.pth")`
    #[arg(long = "start", value_name = "PATH=FILE", conflicts_with = "resume")]
    pub starts: Vec<String>,
    /// Goes on with the run in this folder, as the same training
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
    /// Begins a new run where the run in this folder stands; with RECIPE, at step 1 with what fits of its weights
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    pub from: Option<PathBuf>,
    /// Which checkpoint of that run `--from` begins with: `last`, `best`, or that after so many steps
    #[arg(long, value_name = "WHICH", value_parser = Which::parse, default_value = "last", requires = "from")]
    pub checkpoint: Which,
    /// Goes on with a run only by the vector instructions that computed it: to the bit
    #[arg(long, requires = "resume")]
    pub same_path: bool,
    /// Shows no progress
    #[arg(long)]
    pub quiet: bool,
    /// How many threads compute and make batches [default: as many as there are cores; at most four for each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// A log besides `metrics.jsonl`: `tensorboard` (`RUN/tensorboard`) or `csv` (`RUN/metrics.csv`); may be given several times, and a
    /// run that is gone on with keeps those that it had
    #[arg(long = "log", value_enum, value_name = "LOG")]
    pub logs: Vec<LogName>,
    /// Shows where the time of the steps went
    #[arg(long)]
    pub profile: bool,
    /// How diagnostics and a failure are shown: as `json`, they stand alone on standard output, one array
    #[arg(long, value_enum, default_value_t = FindingFormat::Text)]
    pub format: FindingFormat,
}

/// What to do other than running a recipe.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks recipes and runs nothing
    Check(CheckArgs),
    /// Runs several recipes on the same data with the same budget
    Compare(CompareArgs),
    /// Judges the encoder of a run again, on other data or by other probes
    Eval(EvalArgs),
    /// Writes the features of pictures by the encoder of a run
    Embed(EmbedArgs),
    /// Tells the classes of pictures, by the linear probe of a run
    Predict(PredictArgs),
    /// Finds the pictures of a data set that are most like given ones
    Neighbors(NeighborsArgs),
    /// Finds pictures of a data set that are nearly the same
    Duplicates(DuplicatesArgs),
    /// Finds pictures of a data set that are like no others
    Outliers(OutliersArgs),
    /// Writes the encoder of a run for PyTorch, under torchvision's or timm's names
    Export(ExportArgs),
    /// Gives recipes the one canonical layout
    Fmt(FmtArgs),
    /// Shows what the language has
    Show(ShowArgs),
    /// Explains the code of a diagnostic, or a recipe
    Explain(ExplainArgs),
    /// Prints the compiled graph of a recipe
    Graph(GraphArgs),
    /// Draws a contact sheet of the views a recipe makes
    Views(ViewsArgs),
    /// Computes the loss of a recipe of inputs on given tensors
    Loss(LossArgs),
    /// Measures how fast a recipe trains on this machine
    Bench(BenchArgs),
    /// Writes a new recipe that begins as a built-in one
    New(NewArgs),
    /// Lists runs with what came of them
    Runs(RunsArgs),
    /// Says what of this machine the program has and uses
    Doctor,
    /// Prints the completions of a shell
    Completions(CompletionsArgs),
    /// Writes the manual pages
    Man(ManArgs),
}

/// The engines, as they are named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// The compiled plan over reused buffers
    Planned,
    /// Plain candle: slow and obviously right
    Candle,
}

/// The logs besides the metrics, as they are named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogName {
    /// An event file for TensorBoard, with scalars and the views of some samples
    Tensorboard,
    /// A table with a row for each line of the metrics
    Csv,
}

/// The forms in which diagnostics and measurements are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FindingFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What is measured of a training, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PartName {
    /// Steps on views that stay in memory
    Step,
    /// Steps whose views are made beside them
    Loop,
    /// Reading, decoding and augmenting on one thread, and which of these, or the step itself, holds the others up
    Data,
}

/// The forms in which a graph is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For people
    Text,
    /// For Graphviz
    Dot,
    /// For programs
    Ron,
}

/// `sslrun check`
#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    /// Recipes; `-` is standard input
    #[arg(value_name = "RECIPE", required = true)]
    pub recipes: Vec<PathBuf>,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// How diagnostics are shown
    #[arg(long, value_enum, default_value_t = FindingFormat::Text)]
    pub format: FindingFormat,
}

/// `sslrun compare`
#[derive(Debug, ClapArgs)]
pub struct CompareArgs {
    /// Recipes, which are trained one after the other, and folders of finished runs
    #[arg(value_name = "RECIPE|RUN", required = true)]
    pub recipes: Vec<PathBuf>,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// Starts a stage of each with the weights of a file, as in `f.encoder=x.pth`
    #[arg(long = "start", value_name = "PATH=FILE")]
    pub starts: Vec<String>,
    /// The time each recipe may train, as in `90s`, `6m` or `1.5h`: its schedules end there
    #[arg(long, value_name = "TIME", value_parser = seconds, conflicts_with = "epochs")]
    pub budget: Option<f64>,
    /// The epochs each recipe trains, instead of its own
    #[arg(long, value_name = "N")]
    pub epochs: Option<f64>,
    /// The folder of the comparison; an earlier one is gone on with [default: runs/compare-NUMBER]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// The engine that computes the steps [default: planned]
    #[arg(long)]
    pub engine: Option<Engine>,
    /// From which everything random is derived; short for `--set train.seed=N`
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Trains each recipe N times, with the seeds 0, 1, ..: the table has means and sample deviations
    #[arg(long, value_name = "N", conflicts_with = "seed", value_parser = clap::value_parser!(u32).range(1..))]
    pub seeds: Option<u32>,
    /// Tries each recipe with each of these values; of several grids with all choices
    #[arg(long, value_name = "PATH=VALUE,VALUE")]
    pub grid: Vec<String>,
    /// Shows no progress
    #[arg(long)]
    pub quiet: bool,
    /// How many threads compute and make batches [default: as many as there are cores; at most four for each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// `sslrun views`
#[derive(Debug, ClapArgs)]
pub struct ViewsArgs {
    /// The recipe
    pub recipe: PathBuf,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// The PNG to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// How many samples are shown, a row each
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub samples: usize,
}

/// `sslrun loss`
#[derive(Debug, ClapArgs)]
pub struct LossArgs {
    /// The recipe
    pub recipe: PathBuf,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// A safetensors file with a tensor for each `input` of the recipe
    #[arg(long, value_name = "FILE")]
    pub inputs: PathBuf,
    /// Computes the gradient of the loss by each input too
    #[arg(long)]
    pub grad: bool,
    /// The safetensors file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The engine that computes the loss
    #[arg(long, value_enum, default_value_t = Engine::Planned)]
    pub engine: Engine,
    /// How diagnostics and a failure are shown: as `json`, they stand alone on standard output, one array
    #[arg(long, value_enum, default_value_t = FindingFormat::Text)]
    pub format: FindingFormat,
}

/// `sslrun bench`
#[derive(Debug, ClapArgs)]
pub struct BenchArgs {
    /// The recipe
    pub recipe: PathBuf,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// How many steps are timed
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: u32,
    /// How many steps after the first are done before and not timed
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub warm: u32,
    /// Measures this alone; may be given several times [default: all]
    #[arg(long, value_enum, value_name = "PART")]
    pub only: Vec<PartName>,
    /// How many threads compute and make batches [default: as many as there are cores; at most four for each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// The engine that computes the steps
    #[arg(long, value_enum, default_value_t = Engine::Planned)]
    pub engine: Engine,
    /// How the measurements are shown
    #[arg(long, value_enum, default_value_t = FindingFormat::Text)]
    pub format: FindingFormat,
}
