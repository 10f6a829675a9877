//! The training loop: steps, schedules, checkpoints, evaluation now and then. It prints nothing; it emits [`Event`]s.

mod averages;
mod checkpoint;
mod clock;
mod descent;
mod error;
mod event;
mod extract;
mod finetune;
mod judge;
mod learner;
mod pace;
mod refresh;
mod speed;
mod timing;
mod training;
mod unit_rows;

pub use averages::Averages;
pub use checkpoint::{Checkpoint, encoder_file, last_checkpoint};
pub use clock::Clock;
pub use descent::Descent;
pub use error::{NotFinite, TrainError};
pub use event::{Event, Step};
pub use extract::{Extractor, Rows, subset};
pub use judge::{Baselines, Judge, Measures, Splits, Verdict};
pub use learner::{Learner, Losses, sizes};
pub use pace::seconds_a_step;
pub use refresh::Refresher;
pub use timing::{StepTime, Timing};
pub use training::{Ending, Setup, Training, view_specs};
pub use unit_rows::restore_unit_rows;
