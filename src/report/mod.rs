//! Tables and records: functions of plain data.

mod atomic;
mod metric;
mod metrics_log;
mod numbers;
mod record;
mod table;

pub use atomic::write_atomically;
pub use metric::{Metric, Unit, summary_table};
pub use metrics_log::{MetricsLog, StepLine};
pub use numbers::{bytes, count, duration, number, percent, timestamp};
pub use record::{Outcome, Point, RunRecord};
pub use table::Table;
