//! Numbers as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};

/// Four significant digits: `0.01234`, `12.35`, `1.234e-7`; `nan` and `inf` by name.
pub fn number(x: f64) -> String {
    let size = x.abs();
    if !x.is_finite() {
        return if x.is_nan() { "nan".into() } else { format!("{x}") };
    }
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{x:.3e}");
    }
    let digits = if size == 0.0 { 0 } else { size.log10().floor() as i32 };
    let text = format!("{x:.*}", (3 - digits).clamp(0, 7) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share of one in percent: `43.1 %`.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", 100.0 * share) } else { number(share) }
}

/// A count with its thousands: `950`, `11.2 k`, `3.40 M`, `1.20 G`.
pub fn count(n: u64) -> String {
    scaled(n as f64, 1000.0, &["", " k", " M", " G", " T"])
}

/// A size in memory: `512 B`, `1.50 MiB`.
pub fn bytes(n: u64) -> String {
    scaled(n as f64, 1024.0, &[" B", " KiB", " MiB", " GiB", " TiB"])
}

fn scaled(mut x: f64, base: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // What would round up to four digits belongs to the next unit.
    while x >= base - 0.5 && unit + 1 < units.len() {
        x /= base;
        unit += 1;
    }
    let decimals = match x {
        _ if unit == 0 || x >= 99.95 => 0,
        _ if x >= 9.995 => 1,
        _ => 2,
    };
    format!("{x:.decimals$}{}", units[unit])
}

/// A length of time: `4.2 s`, `3 min 05 s`, `2 h 07 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".into();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A moment in UTC, to the second: `2025-11-22T10:54:00Z`; times before 1970 read as 1970.
pub fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let moment = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    moment.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The seconds since 1970 of a moment that [`timestamp`] has written.
pub fn seconds_of(text: &str) -> Option<u64> {
    DateTime::parse_from_rfc3339(text).ok()?.timestamp().try_into().ok()
}
