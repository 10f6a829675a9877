//! The towers of probes that compare pictures with texts.

use super::checker::{Checked, Checker};
use super::judged::Judged;
use super::recipe::{Evaluate, Pair};
use super::value::Value;
use crate::catalog::Config;
use crate::data::ColumnKind;
use crate::diag::{Code, Diagnostic};
use crate::eval::{Pairing, Probe};
use crate::graph::{Dim, Graph, NodeId};
use crate::nn::Mode;
use crate::source::Span;
use crate::syntax::ast::Name;

impl<'a> Checker<'a> {
    /// The towers of each probe that has some, with its place among the probes.
    pub(super) fn pairs(&mut self, evaluate: &Evaluate) -> Checked<Vec<(usize, Pair)>> {
        let probes = evaluate.probes.iter().enumerate();
        // Such a probe must be told its towers, so it is written somewhere.
        let pairs = probes.filter_map(|(place, probe)| Some((place, probe, Pairing::of(probe)?, probe.span?)));
        pairs.map(|(place, probe, pairing, span)| Ok((place, self.pair(probe, pairing, span, evaluate)?))).collect()
    }

    fn pair(&mut self, probe: &Config, pairing: Pairing, span: Span, evaluate: &Evaluate) -> Checked<Pair> {
        if let Some(Probe::ZeroShot(settings)) = Probe::from_config(probe)
            && let Some(template) = settings.without_hole()
        {
            let message = format!("the template \"{template}\" does not say where the name of a class goes");
            let help = "write `{}` there, as in \"a picture of a {}\"";
            return Err(self.report(Diagnostic::error(Code::INVALID_VALUE, span, message).help(help)));
        }
        let pictures = self.encoder_at(pairing.pictures, span, evaluate, false)?;
        let judged = self.judged(&pairing.texts, span)?;
        let (graph, features) = self.apart(Mode::Eval, |inner| texts(inner, &judged, &pairing.column))?;
        self.is_of_the_sample(&graph, features, span);
        self.has_the_trained_weights(&graph, &pairing.texts, span)?;
        let width = |graph: &Graph, node: NodeId| graph.shape(node).0.last().cloned();
        if width(&graph, features) != width(&pictures.graph, pictures.features) {
            let of = |graph: &Graph, node: NodeId| graph.shape(node).to_string();
            let message = format!(
                "`{}` is {} and `{}` is {}: only vectors of one length can be compared",
                pictures.path,
                of(&pictures.graph, pictures.features),
                pairing.texts,
                of(&graph, features)
            );
            return self.error(Code::SHAPE_MISMATCH, span, message);
        }
        Ok(Pair { pictures, path: pairing.texts, column: pairing.column, graph, features })
    }
}

/// The features of a branch for the texts of a column.
fn texts(checker: &mut Checker, judged: &Judged, column: &str) -> Checked<NodeId> {
    let span: Span = judged.span;
    checker.prepare_branches();
    let value = checker.column(&Name { text: column.to_owned(), span })?;
    let known = checker.views.facts.as_ref().and_then(|facts| facts.columns.as_ref());
    let kind = known.and_then(|all| all.iter().find(|c| c.name == column)).map(|c| c.kind);
    if !matches!(kind, Some(ColumnKind::Text { .. })) {
        return checker.error(Code::WRONG_TYPE, span, format!("`batch.{column}` is no column of text"));
    }
    let mut value: Value = checker.apply_branch(judged.branch, &value, None, span)?;
    for name in &judged.path {
        value = checker.part_of(&value, name, span)?;
    }
    let node = checker.tensor(&value, span)?;
    let shape = checker.graph.shape(node).clone();
    if shape.0.first() != Some(&Dim::batch()) || shape.rank() != 2 {
        let message = format!("what embeds texts must give a vector for each [N, D], this is {shape}");
        return checker.error(Code::SHAPE_MISMATCH, span, message);
    }
    Ok(node)
}
