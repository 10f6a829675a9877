//! The training loop: steps, schedules, checkpoints, evaluation now and then. It prints nothing; it emits [`Event`]s.

mod averages;
mod calibrate;
mod checkpoint;
mod clock;
mod descent;
mod error;
mod event;
mod extract;
mod finetune;
mod journal;
mod judge;
mod lasting;
mod learner;
mod pace;
mod refresh;
mod speed;
mod timing;
mod training;
mod unit_rows;

pub use averages::Averages;
pub use calibrate::calibrate;
pub use checkpoint::{Checkpoint, Progress, Taken, encoder_file, last_checkpoint};
pub use clock::Clock;
pub use descent::Descent;
pub use error::{NotFinite, NotFiniteKind, TrainError};
pub use event::{Event, Step};
pub use extract::{Extractor, Labelled, Rows};
pub use journal::{Journal, Look};
pub use judge::{Baselines, Judge, Measures, Verdict};
pub use lasting::same_until;
pub use learner::{Learner, Losses, sizes};
pub use pace::seconds_a_step;
pub use refresh::Refresher;
pub use timing::{StepTime, Timing};
pub use training::{Ending, Setup, Start, Training, view_specs};
pub use unit_rows::restore_unit_rows;
