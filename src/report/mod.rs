//! Tables and records: functions of plain data.

mod atomic;
mod axis;
mod chart;
mod comparison;
mod features;
mod metric;
mod metrics_log;
mod npy;
mod numbers;
mod record;
mod table;

pub use atomic::{is_part, sweep, write_atomically};
pub use chart::{Chart, Line, svg};
pub use comparison::{Contestant, comparison_csv, comparison_table, knn_chart, loss_charts};
pub use features::{FeatureRow, FeatureTable, UNLABELLED};
pub use metric::{Metric, Unit, summary_table};
pub use metrics_log::{MetricsLog, StepLine, loss_over_time};

pub use numbers::{bytes, count, duration, number, percent, timestamp};
pub use record::{Outcome, Point, RunRecord};
pub use table::{Table, escaped_markdown};
