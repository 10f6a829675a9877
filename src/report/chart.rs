//! Line charts as SVG.

use std::fmt::Write;

use super::axis::Axis;
use crate::diag::visible_line;

/// A chart of some lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// What runs to the right.
    pub x: String,
    /// What runs upwards.
    pub y: String,
    /// The lines; a chart of several has a legend.
    pub lines: Vec<Line>,
}

/// A line of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// The number of its colour, and of its dashes and marks when all colours are taken.
    pub colour: usize,
    /// Its points; it is broken where one is not finite.
    pub points: Vec<(f64, f64)>,
}

/// Colours that colour-blind readers can tell apart (Okabe & Ito 2008), the darkest first.
const COLOURS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5f5f5f", "#8c6d1f"];

/// The dashes of lines: where colours begin anew, another pattern and another mark tell the lines apart.
const DASHES: [&str; 5] = ["none", "7 3", "2 3", "9 3 2 3", "14 4"];

/// The most points of a line that are drawn; of more, neighbours are averaged.
const MOST: usize = 240;
/// A line of at most so many points has a mark at each.
const MARKED: usize = 40;

const LEFT: f64 = 62.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 46.0;
/// The height of a line of the legend, and the width of a letter, both on the safe side.
const LEADING: f64 = 17.0;
const LETTER: f64 = 7.2;

/// Charts of one size side by side in `columns`, as an SVG document.
pub fn svg(charts: &[Chart], columns: usize, size: (f64, f64)) -> String {
    let columns = columns.clamp(1, charts.len().max(1));
    let rows = charts.len().div_ceil(columns).max(1);
    let legends = charts.iter().map(|chart| TOP + LEADING * (chart.lines.len() + 1) as f64);
    let size = (size.0, legends.fold(size.1, f64::max));
    let (width, height) = (columns as f64 * size.0, rows as f64 * size.1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#222222\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for (i, chart) in charts.iter().enumerate() {
        let (x, y) = ((i % columns) as f64 * size.0, (i / columns) as f64 * size.1);
        let _ = write!(out, "<g transform=\"translate({x} {y})\">\n{}</g>\n", Frame::new(chart, size).draw(chart));
    }
    out + "</svg>\n"
}

/// Where things lie in one chart.
struct Frame {
    x: Axis,
    y: Axis,
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Frame {
    fn new(chart: &Chart, size: (f64, f64)) -> Self {
        let points = || chart.lines.iter().flat_map(|l| &l.points).filter(|p| p.0.is_finite() && p.1.is_finite());
        // A legend stands to the right of the lines, so that it never covers one.
        let longest = chart.lines.iter().map(|l| l.name.chars().count()).max().unwrap_or(0);
        let legend = if chart.lines.len() > 1 { 40.0 + LETTER * longest as f64 } else { 0.0 };
        let width = (size.0 - LEFT - RIGHT - legend).max(60.0);
        let height = (size.1 - TOP - BOTTOM).max(60.0);
        Self {
            x: Axis::around(points().map(|p| p.0).chain([0.0]), (width / 80.0) as usize),
            y: Axis::around(points().map(|p| p.1), (height / 40.0) as usize),
            left: LEFT,
            top: TOP,
            width,
            height,
        }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.left + self.width * self.x.place(x), self.top + self.height * (1.0 - self.y.place(y)))
    }

    fn draw(&self, chart: &Chart) -> String {
        let lines: String = chart.lines.iter().map(|l| self.line(l)).collect();
        format!("{}{}{lines}{}", self.titles(chart), self.grid(), self.legend(chart))
    }

    fn titles(&self, chart: &Chart) -> String {
        let (middle, below) = (self.left + self.width / 2.0, self.top + self.height + 38.0);
        let beside = self.top + self.height / 2.0;
        format!(
            "<text x=\"{}\" y=\"22\" font-size=\"14\" font-weight=\"bold\">{}</text>\n\
             <text x=\"{middle:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text transform=\"translate(15 {beside:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
            self.left,
            escape(&chart.title),
            escape(&chart.x),
            escape(&chart.y)
        )
    }

    /// A line and a label for each tick.
    fn grid(&self) -> String {
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        let mut out = String::from("<g stroke=\"#dddddd\">\n");
        for &tick in &self.y.ticks {
            let y = self.at((self.x.range.0, tick)).1;
            let _ = writeln!(out, "<line x1=\"{}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/>", self.left);
        }
        for &tick in &self.x.ticks {
            let x = self.at((tick, self.y.range.0)).0;
            let _ = writeln!(out, "<line x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>", self.top);
        }
        out += "</g>\n";
        for &tick in &self.y.ticks {
            let (x, y) = (self.left - 6.0, self.at((self.x.range.0, tick)).1 + 4.0);
            let label = self.y.label(tick);
            let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>");
        }
        for &tick in &self.x.ticks {
            let (x, y) = (self.at((tick, self.y.range.0)).0, bottom + 18.0);
            let label = self.x.label(tick);
            let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>");
        }
        out
    }

    fn line(&self, line: &Line) -> String {
        let points = thinned(&line.points);
        let style = Style::of(line);
        let mut out = String::new();
        for stretch in points.split(|p| !p.0.is_finite() || !p.1.is_finite()).filter(|s| !s.is_empty()) {
            let places: Vec<String> =
                stretch.iter().map(|&p| self.at(p)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = writeln!(
                out,
                "<polyline points=\"{}\" fill=\"none\" {} stroke-linejoin=\"round\"/>",
                places.join(" "),
                style.stroke()
            );
            for (x, y) in stretch.iter().filter(|_| points.len() <= MARKED).map(|&p| self.at(p)) {
                out += &style.mark(x, y);
            }
        }
        out
    }

    fn legend(&self, chart: &Chart) -> String {
        if chart.lines.len() < 2 {
            return String::new();
        }
        let x = self.left + self.width + 14.0;
        let row = |(i, line): (usize, &Line)| {
            let (y, style) = (self.top + 8.0 + LEADING * i as f64, Style::of(line));
            format!(
                "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" {}/>\n{}\
                 <text x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
                x + 20.0,
                style.stroke(),
                style.mark(x + 10.0, y),
                x + 26.0,
                y + 4.0,
                escape(&line.name)
            )
        };
        chart.lines.iter().enumerate().map(row).collect()
    }
}

/// How a line is drawn.
struct Style {
    colour: &'static str,
    /// How often all colours were taken before.
    round: usize,
}

impl Style {
    fn of(line: &Line) -> Self {
        Self { colour: COLOURS[line.colour % COLOURS.len()], round: line.colour / COLOURS.len() }
    }

    fn stroke(&self) -> String {
        let dashes = DASHES[self.round % DASHES.len()];
        format!("stroke=\"{}\" stroke-width=\"1.8\" stroke-dasharray=\"{dashes}\"", self.colour)
    }

    /// A mark: a disc, square, diamond, ring or frame.
    fn mark(&self, x: f64, y: f64) -> String {
        let (round, colour) = (self.round % DASHES.len(), self.colour);
        let fill = if round < 3 { colour } else { "#ffffff" };
        match round {
            0 | 3 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.4\" fill=\"{fill}\" stroke=\"{colour}\"/>\n"),
            _ => {
                let turn = if round == 2 { 45 } else { 0 };
                format!(
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"5\" height=\"5\" fill=\"{fill}\" stroke=\"{colour}\" \
                     transform=\"rotate({turn} {x:.1} {y:.1})\"/>\n",
                    x - 2.5,
                    y - 2.5
                )
            }
        }
    }
}

/// At most [`MOST`] points, each the mean of some neighbours.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let some = points.len().div_ceil(MOST).max(1);
    let mean = |stretch: &[(f64, f64)]| {
        let sum = stretch.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
        (sum.0 / stretch.len() as f64, sum.1 / stretch.len() as f64)
    };
    points.chunks(some).map(mean).collect()
}

fn escape(text: &str) -> String {
    visible_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
