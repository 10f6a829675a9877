//! A table in plain text.

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
        let widths = self.widths();
        if widths.iter().sum::<usize>() + 3 * widths.len() < width { self.boxed(&widths) } else { self.list() }
    }

    /// The table as Markdown, names to the left and values to the right.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let escaped: Vec<String> = (0..self.header.len()).map(|i| cell(cells, i).replace('|', "\\|")).collect();
            format!("| {} |\n", escaped.join(" | "))
        };
        let rule: Vec<&str> = (0..self.header.len()).map(|i| if i == 0 { "---" } else { "---:" }).collect();
        let body: String = self.rows.iter().map(|r| line(r)).collect();
        format!("{}| {} |\n{body}", line(&self.header), rule.join(" | "))
    }

    /// The table as comma-separated values (RFC 4180, with plain line feeds).
    pub fn csv(&self) -> String {
        let quote = |text: &str| match text.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.to_owned(),
        };
        let line = |cells: &Vec<String>| {
            let quoted: Vec<String> = (0..self.header.len()).map(|i| quote(cell(cells, i))).collect();
            format!("{}\n", quoted.join(","))
        };
        std::iter::once(&self.header).chain(&self.rows).map(line).collect()
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

fn cell(cells: &[String], i: usize) -> &str {
    cells.get(i).map_or("", String::as_str)
}

fn pad(text: &str, width: usize, right: bool) -> String {
    if right { format!("{text:>width$}") } else { format!("{text:<width$}") }
}
