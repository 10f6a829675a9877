//! Arguments of the commands that apply a run's encoder.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::{ChangeArgs, Engine};
use crate::train::Which;

/// A run, and how its encoder is applied.
#[derive(Debug, ClapArgs)]
pub struct EncoderArgs {
    /// The folder of the run, or one of its files: a checkpoint, or the encoder alone
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    #[command(flatten)]
    pub change: ChangeArgs,
    /// Which checkpoint: `last`, `best` (`train { best: .. }`), or that after so many steps (`train { keep: .. }`)
    #[arg(long, value_name = "WHICH", value_parser = Which::parse, default_value = "last")]
    pub checkpoint: Which,
    /// The engine that computes the features
    #[arg(long, value_enum, default_value_t = Engine::Planned)]
    pub engine: Engine,
    /// How many threads compute [default: as many as there are cores; at most four for each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// `sslrun eval`
#[derive(Debug, ClapArgs)]
pub struct EvalArgs {
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// Shows no progress
    #[arg(long)]
    pub quiet: bool,
}

/// `sslrun embed`
#[derive(Debug, ClapArgs)]
pub struct EmbedArgs {
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// Pictures instead of a data set: files, folders, `-` for standard input
    #[arg(value_name = "PICTURE", conflicts_with_all = ["split", "data"])]
    pub pictures: Vec<PathBuf>,
    /// The file to write: `.parquet`, `.safetensors`, or `.npy` with `.labels.npy` and `.rows.csv` beside it
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Which part of the data set [default: test of the run's own data, all of others]
    #[arg(long, value_enum)]
    pub split: Option<SplitName>,
}

/// `sslrun predict`
#[derive(Debug, ClapArgs)]
pub struct PredictArgs {
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// Pictures: files, folders, `-` for standard input; without any, the test split of the data set, which is judged by class
    #[arg(value_name = "PICTURE", conflicts_with = "data")]
    pub pictures: Vec<PathBuf>,
    /// By which probe of the run: `linear` on its features, or `finetune` with the encoder as that has tuned it
    #[arg(long, value_enum, default_value_t = ProbeName::Linear)]
    pub probe: ProbeName,
    /// How many classes of each picture are shown
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// A table to write with the probability of every class (`.csv`)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// A table to write with how often each class was taken for each (`.csv`)
    #[arg(long, value_name = "FILE", conflicts_with = "pictures")]
    pub confusion: Option<PathBuf>,
}

/// `sslrun neighbors`
#[derive(Debug, ClapArgs)]
pub struct NeighborsArgs {
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// The pictures: files, folders, `-` for standard input
    #[arg(value_name = "PICTURE", required = true)]
    pub pictures: Vec<PathBuf>,
    /// How many neighbours of each
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// A contact sheet to draw, a row for each picture: it and its neighbours (`.png`, `.jpg`)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `sslrun duplicates`
#[derive(Debug, ClapArgs)]
pub struct DuplicatesArgs {
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// How alike two pictures are, by the cosine of their features, to be named
    #[arg(long, value_name = "SIMILARITY", default_value_t = 0.97)]
    pub above: f32,
    /// A contact sheet to draw, a row for each pair (`.png`, `.jpg`)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `sslrun outliers`
#[derive(Debug, ClapArgs)]
pub struct OutliersArgs {
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// How many are named
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// A contact sheet to draw, a row for each with the picture most like it (`.png`, `.jpg`)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `sslrun export`
#[derive(Debug, ClapArgs)]
pub struct ExportArgs {
    /// The folder of the run, or one of its files: a checkpoint, or the encoder alone
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The folder to write, which must not exist or be empty
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Which checkpoint: `last`, `best` (`train { best: .. }`), or that after so many steps (`train { keep: .. }`)
    #[arg(long, value_name = "WHICH", value_parser = Which::parse, default_value = "last")]
    pub checkpoint: Which,
    /// Another branch than the one that is judged, such as one that follows it
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
}

/// The parts of a data set, as they are named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitName {
    /// What the encoder learnt from
    Train,
    /// What it is judged on
    Test,
    /// Both
    All,
}

/// The probes whose classifiers a run keeps, as they are named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProbeName {
    /// A linear classifier of the features
    Linear,
    /// The encoder and a linear classifier, tuned together
    Finetune,
}
