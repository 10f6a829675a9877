//! A program as a DOT graph, for Graphviz.

use super::{Description, Line, Part};
use std::fmt::Write;

impl Description {
    /// The description as a DOT graph; leaves are boxes, gradients are blue.
    pub fn dot(&self) -> String {
        let mut text = String::from("digraph program {\n  node [fontname=\"monospace\" fontsize=10];\n");
        for node in &self.nodes {
            let style = if node.inputs.is_empty() { "shape=box" } else { "shape=ellipse" };
            let color = if node.part == Part::Backward { " color=\"blue\"" } else { "" };
            let _ = writeln!(text, "  n{} [label=\"{}\" {style}{color}];", node.number, label(node));
            for input in &node.inputs {
                let _ = writeln!(text, "  n{input} -> n{};", node.number);
            }
        }
        text.push_str("}\n");
        text
    }
}

fn label(node: &Line) -> String {
    let name = node.reads.as_ref().unwrap_or(&node.operation);
    let mut parts = vec![name.clone(), node.shape.clone()];
    parts.extend(node.attributes.iter().map(|(name, value)| format!("{name}: {value}")));
    parts.extend(node.role.iter().cloned());
    parts.iter().map(|p| p.replace('\\', "\\\\").replace('"', "\\\"")).collect::<Vec<_>>().join("\\n")
}
