//! Tables and records: functions of plain data.
