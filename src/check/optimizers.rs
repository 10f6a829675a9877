//! Checks rules and optimizers against the parameters: each must match some, and each parameter needs exactly one optimizer.

use super::checker::Checker;
use super::recipe::{Loss, Train};
use crate::catalog::Config;
use crate::compile::reaches;
use crate::diag::{Code, Diagnostic};
use crate::graph::{ParamKind, Parameter};
use crate::optim::{Owner, Rule, Selector, claims, owner};
use crate::source::Span;
use std::collections::BTreeSet;

const SELECTED: &str = "`on` takes `bias`, `norm`, `weight`, `token`, a branch, a stage, or a list of these";

/// Reports rules and optimizers that speak of no parameter, and parameters with no optimizer or two.
pub(super) fn report(checker: &mut Checker, train: &Train, loss: &Loss) {
    for config in &train.rules {
        speaks(
            checker,
            &Rule::from_config(config).on,
            config.span,
            "no trained parameter matches the `on` of this rule",
        );
        decays(checker, config);
    }
    for config in train.optimizers.iter().filter(|o| !claims(o).is_empty()) {
        speaks(checker, &claims(config), config.span, "no trained parameter matches the `on` of this optimizer");
    }
    let Some(total) = loss.total else { return };
    let trained = reaches(&checker.graph, total).into_iter().map(|id| checker.graph.params[id.index()].clone());
    let trained: Vec<Parameter> = trained.filter(|p| p.ema.is_none()).collect();
    let mut said = BTreeSet::new();
    for parameter in &trained {
        let by = owner(&train.optimizers, &parameter.name, parameter.kind);
        let diagnostic = match by {
            Owner::One(_) => continue,
            Owner::Nobody if said.insert((0, 0)) => nobody(train, parameter),
            Owner::Two(a, b) if said.insert((a, b)) => two(train, a, b, parameter),
            _ => continue,
        };
        checker.report(diagnostic);
    }
}

/// Reports a selection that matches nothing.
fn speaks(checker: &mut Checker, on: &[Selector], span: Option<Span>, message: &str) {
    let matches = |name: &str, kind: ParamKind| on.iter().any(|s| s.matches(name, kind));
    if !checker.graph.params.iter().any(|p| matches(&p.name, p.kind)) {
        checker.report(Diagnostic::error(Code::UNKNOWN_NAME, span, message).help(SELECTED));
    }
}

/// Reports a decay by depth where nothing has blocks.
fn decays(checker: &mut Checker, config: &Config) {
    let rule = Rule::from_config(config);
    let rule = rule.counting(checker.graph.params.iter().map(|p| (p.name.as_str(), p.kind)));
    if rule.layer_decay.is_some() && rule.blocks() == 0 {
        let message =
            "`layer_decay` needs the blocks of a transformer or the stages of a ResNet, and this rule matches none";
        let help = "let `on` name a stage that has some, or use `lr_factor` for parts of it";
        checker.report(Diagnostic::error(Code::INVALID_VALUE, config.span, message).help(help));
    }
}

fn nobody(train: &Train, parameter: &Parameter) -> Diagnostic {
    let message = format!("no optimizer updates `{}`, which the loss trains", parameter.name);
    let span = train.optimizers[0].span;
    Diagnostic::error(Code::INVALID_VALUE, span, message)
        .help("an optimizer without `on` updates everything that no other one names; or stop the gradient")
}

fn two(train: &Train, a: usize, b: usize, parameter: &Parameter) -> Diagnostic {
    let (a, b) = (&train.optimizers[a], &train.optimizers[b]);
    let message = format!("two optimizers update `{}`", parameter.name);
    let help = match claims(b).is_empty() {
        true => "say with `on:` which parameters each of them updates; one of them may leave it out and take the rest",
        false => "let their `on:` name different parameters",
    };
    Diagnostic::error(Code::INVALID_VALUE, b.span, message).also(a.span, "this one updates it, too").help(help)
}
