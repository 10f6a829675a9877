//! `batch.COLUMN`: what the data set knows of its samples.

use super::checker::{Checked, Checker};
use super::value::Value;
use crate::data::{Column, ColumnKind};
use crate::diag::{Code, Diagnostic, suggest};
use crate::graph::{DType, Dim, InputKind, Shape, TensorType};
use crate::syntax::ast::Name;

/// What there always is of a batch.
const ALWAYS: [&str; 2] = ["label", "index"];

impl Checker<'_> {
    /// The column of that name: a tensor, or pictures for views.
    pub(super) fn column(&mut self, name: &Name) -> Checked<Value> {
        let Some(columns) = self.views.facts.as_ref().and_then(|facts| facts.columns.clone()) else {
            let message = format!("`batch.{}` is not known: the data set is not there, or cannot be read", name.text);
            let help = "its columns are in its files; say where these are by `--data` or `data ...`";
            return Err(self.report(Diagnostic::error(Code::UNKNOWN_FIELD, name.span, message).help(help)));
        };
        let Some(place) = columns.iter().position(|column| column.name == name.text) else {
            return Err(self.no_column(name, &columns));
        };
        let column = &columns[place];
        if let Some((row, count)) = &column.gap {
            let rows = if *count == 1 { "one row has".to_owned() } else { format!("{count} rows have") };
            let message = format!("{rows} nothing in the column `{}`, such as {row}", column.name);
            let help = "fill them in, or leave such rows out by `missing: drop` of the data set";
            return Err(self.report(Diagnostic::error(Code::INVALID_VALUE, name.span, message).help(help)));
        }
        if column.kind == ColumnKind::Picture {
            return Ok(Value::Pictures(place));
        }
        let below = column.kind.below();
        let sizes = column.kind.sizes().map(Dim::from);
        let shape = Shape(std::iter::once(Dim::batch()).chain(sizes).collect());
        let dtype = if below.is_some() { DType::Int } else { DType::Float };
        let kind = InputKind::Column { place, below };
        let (input, ty) = (input_of(&column.name), TensorType { shape, dtype });
        Ok(Value::Tensor(self.graph.at(Some(name.span), |g| g.input(&input, ty, kind))))
    }

    fn no_column(&mut self, name: &Name, columns: &[Column]) -> super::checker::Failed {
        let known = ALWAYS.into_iter().chain(columns.iter().map(|c| c.name.as_str()));
        // All there are follow below.
        let near = suggest(&name.text, known).filter(|near| near.starts_with("did"));
        let near = near.map_or_else(String::new, |near| format!("{near}; "));
        let more = if columns.is_empty() { "; `table(FILE)` has the columns of a CSV or Parquet file" } else { "" };
        let there: Vec<String> = columns.iter().map(|c| format!("`batch.{}`, {}", c.name, c.kind)).collect();
        let there = ["`batch.label`, `batch.index`".to_owned()].into_iter().chain(there).collect::<Vec<_>>().join("; ");
        let message = format!("the data set has no column `{}`", name.text);
        let diagnostic = Diagnostic::error(Code::UNKNOWN_FIELD, name.span, message);
        self.report(diagnostic.help(format!("{near}there are {there}{more}")))
    }
}

/// The name of the input that reads a column.
pub(super) fn input_of(column: &str) -> String {
    format!("batch.{column}")
}
