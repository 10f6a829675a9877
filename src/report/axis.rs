//! The axis of a chart: where its ticks lie and how they are labelled.

/// A straight scale from numbers to a stretch of a picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// The numbers at its ends.
    pub range: (f64, f64),
    /// The numbers that are marked, in rising order.
    pub ticks: Vec<f64>,
    decimals: usize,
}

impl Axis {
    /// An axis on which all finite `values` lie, its ends at ticks of 1, 2 or 5 times a power of ten, about `count` of them.
    pub fn around(values: impl Iterator<Item = f64>, count: usize) -> Self {
        let limits = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut low, mut high) =
            values.filter(|v| v.is_finite()).fold(limits, |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // A line that never moves still needs an axis to lie on; so small a span would be lost in rounding.
        if high - low <= 1e-9 * high.abs().max(low.abs()) {
            let margin = if high == 0.0 { 1.0 } else { 0.1 * high.abs() };
            (low, high) = (low - margin, high + margin);
        }
        let step = nice((high - low) / count.max(1) as f64);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let ticks: Vec<f64> = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        Self { range: (first * step, last * step), ticks, decimals }
    }

    /// Where a number lies: 0 at the beginning, 1 at the end.
    pub fn place(&self, value: f64) -> f64 {
        (value - self.range.0) / (self.range.1 - self.range.0)
    }

    /// A tick's label, as precise as the ticks are apart.
    pub fn label(&self, tick: f64) -> String {
        // What rounding leaves of zero is zero, without a sign.
        let tick = if tick.abs() < 1e-9 * (self.range.1 - self.range.0) { 0.0 } else { tick };
        if tick.abs() >= 1e6 { format!("{tick:.1e}") } else { format!("{tick:.*}", self.decimals) }
    }
}

/// The nearest of 1, 2 and 5 times a power of ten that is not smaller.
fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let leading = [1.0, 2.0, 5.0, 10.0].into_iter().find(|l| l * power >= step * (1.0 - 1e-9));
    leading.unwrap_or(10.0) * power
}
