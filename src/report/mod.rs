//! Tables and records: functions of plain data.

mod appended;
mod atomic;
mod axis;
mod chart;
mod comparison;
mod csv;
mod event_file;
mod features;
mod follower;
mod listing;
mod metric;
mod metrics_log;
mod npy;
mod numbers;
mod record;
mod spread;
mod table;
mod wanted;

pub use atomic::{Contents, create_atomically, is_part, sweep, write_atomically, write_through};
pub use chart::{Chart, Line, svg};
pub use comparison::{Contestant, comparison_csv, comparison_table, knn_chart, loss_charts};
pub use csv::csv_rows;
pub use event_file::{Event, EventFile, Picture};
pub use features::{FeatureRow, FeatureTable, UNLABELLED};
pub use follower::{Follower, LoggedStep};
pub use listing::{Cell, Listed, list_cell, list_columns, list_csv, list_json, list_table};
pub use metric::{Metric, Unit, sectioned_table, summary_table};
pub use metrics_log::{MetricsLog, StepLine, loss_over_time};
pub use numbers::{bytes, count, duration, number, percent, seconds_of, timestamp};
pub use record::{BestRecord, JudgedOn, Outcome, Point, RunRecord};
pub use table::{Table, escaped_markdown};
pub use wanted::{list_sorted, list_where};
