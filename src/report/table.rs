//! A table in plain text.

use super::csv::csv_rows;
use crate::diag::visible_line;

/// The widest that a column is made.
const WIDEST: usize = 1000;

/// Column titles and rows of text; the first column names the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// A title a column.
    pub header: Vec<String>,
    /// The cells, row by row; a row may be short.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The table in box-drawing characters, names to the left and values to the right; where it would be wider than
    /// `width` characters, row by row as a list. Ends in a line break.
    pub fn render(&self, width: usize) -> String {
        let shown = self.map(visible_line);
        let widths = shown.widths();
        if widths.iter().sum::<usize>() + 3 * widths.len() < width { shown.boxed(&widths) } else { shown.list() }
    }

    /// The table with every cell as `change` makes it.
    fn map(&self, change: fn(&str) -> String) -> Table {
        let line = |cells: &Vec<String>| cells.iter().map(|cell| change(cell)).collect();
        Table { header: line(&self.header), rows: self.rows.iter().map(line).collect() }
    }

    /// The table as Markdown, names to the left and values to the right.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let escaped: Vec<String> = (0..self.header.len()).map(|i| escaped_markdown(cell(cells, i))).collect();
            format!("| {} |\n", escaped.join(" | "))
        };
        let rule: Vec<&str> = (0..self.header.len()).map(|i| if i == 0 { "---" } else { "---:" }).collect();
        let body: String = self.rows.iter().map(|r| line(r)).collect();
        format!("{}| {} |\n{body}", line(&self.header), rule.join(" | "))
    }

    /// The table as comma-separated values. What a spreadsheet would take for a formula begins with an apostrophe.
    pub fn csv(&self) -> String {
        let plain = |text: &str| {
            let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
            if formula { format!("'{text}") } else { text.to_owned() }
        };
        let line = |cells: &Vec<String>| (0..self.header.len()).map(|i| plain(cell(cells, i))).collect::<Vec<_>>();
        csv_rows(std::iter::once(&self.header).chain(&self.rows).map(line))
    }

    fn boxed(&self, widths: &[usize]) -> String {
        let rule = |left: &str, cross: &str, right: &str| {
            let bars: Vec<String> = widths.iter().map(|w| "─".repeat(w + 2)).collect();
            format!("{left}{}{right}\n", bars.join(cross))
        };
        let line = |cells: &[String]| {
            let padded: Vec<String> = widths.iter().enumerate().map(|(i, &w)| pad(cell(cells, i), w, i > 0)).collect();
            format!("│ {} │\n", padded.join(" │ "))
        };
        let body: String = self.rows.iter().map(|r| line(r)).collect();
        let (top, middle, bottom) = (rule("┌", "┬", "┐"), rule("├", "┼", "┤"), rule("└", "┴", "┘"));
        format!("{top}{}{middle}{body}{bottom}", line(&self.header))
    }

    fn list(&self) -> String {
        let wide = self.header.iter().skip(1).map(|h| h.chars().count()).max().unwrap_or(0);
        let block = |row: &Vec<String>| {
            let values = self.header.iter().enumerate().skip(1);
            let lines = values.map(|(i, title)| format!("  {}  {}\n", pad(title, wide, false), cell(row, i)));
            format!("{}\n{}", cell(row, 0), lines.collect::<String>())
        };
        self.rows.iter().map(block).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let lines = || self.rows.iter().chain(std::iter::once(&self.header));
        let columns = lines().map(Vec::len).max().unwrap_or(0);
        (0..columns).map(|i| lines().map(|l| cell(l, i).chars().count()).max().unwrap_or(0)).collect()
    }
}

/// Text that is not ours in Markdown: on one line, and no mark-up of it counts.
pub fn escaped_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible_line(text).chars() {
        if matches!(c, '\\' | '`' | '|' | '<' | '>' | '[' | ']' | '*' | '~' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn cell(cells: &[String], i: usize) -> &str {
    cells.get(i).map_or("", String::as_str)
}

fn pad(text: &str, width: usize, right: bool) -> String {
    let width = width.min(WIDEST);
    if right { format!("{text:>width$}") } else { format!("{text:<width$}") }
}
