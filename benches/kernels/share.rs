//! Times by the clock, and rates with their share of the machine's peak.

use std::time::{Duration, Instant};

use criterion::Throughput;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};

use crate::machine::Machine;

/// Criterion's clock, with another way to show rates.
pub struct Share {
    clock: WallTime,
    rates: Rates,
}

struct Rates(Machine);

impl Share {
    /// Shares of what this machine can do.
    pub fn of(machine: Machine) -> Self {
        Self { clock: WallTime, rates: Rates(machine) }
    }
}

impl Measurement for Share {
    type Intermediate = Instant;
    type Value = Duration;

    fn start(&self) -> Instant {
        self.clock.start()
    }

    fn end(&self, start: Instant) -> Duration {
        self.clock.end(start)
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        self.clock.add(a, b)
    }

    fn zero(&self) -> Duration {
        self.clock.zero()
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        self.clock.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &self.rates
    }
}

impl ValueFormatter for Rates {
    /// A rate for the nanoseconds of one run.
    fn format_throughput(&self, work: &Throughput, nanoseconds: f64) -> String {
        let (done, unit, peak) = match work {
            Throughput::Elements(flops) => (*flops, "GF/s", self.0.flops),
            Throughput::Bytes(bytes) => (*bytes, "GB/s", self.0.bytes),
            Throughput::Bits(_) | Throughput::BytesDecimal(_) | Throughput::ElementsAndBytes { .. } => {
                return WallTime.formatter().format_throughput(work, nanoseconds);
            }
        };
        let rate = done as f64 / nanoseconds;
        format!("{rate:.1} {unit} ({:.0} % of peak)", 100.0 * 1e9 * rate / peak)
    }

    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_values(typical, values)
    }

    fn scale_throughputs(&self, typical: f64, work: &Throughput, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_throughputs(typical, work, values)
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_for_machines(values)
    }
}
