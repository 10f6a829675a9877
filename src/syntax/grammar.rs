//! The parser that pest generates from `grammar/ssl.pest`, and its limits.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pairs;
use pest::pratt_parser::{Assoc, Op, PrattParser};

/// How many brackets may stand within each other, and how many operators on the way to a leaf.
pub(super) const MAX_DEPTH: usize = 200;

/// The largest text that is read, in bytes.
pub(super) const MAX_SIZE: usize = 1 << 20;

/// The longest name and the longest string, in bytes.
pub(super) const MAX_NAME: usize = 256;
/// See [`MAX_NAME`].
pub(super) const MAX_TEXT: usize = 4096;

/// The most messages about one text, and one more that says so.
pub(super) const MAX_MESSAGES: usize = 100;

/// Steps after which pest gives up: far more than any text of `MAX_SIZE` that a person wrote.
const CALL_LIMIT: NonZeroUsize = NonZeroUsize::new(100_000_000).expect("not zero");

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/ssl.pest"]
struct Grammar;

/// Why a text could not be read.
pub(super) enum Failure {
    /// It goes wrong at this byte.
    At(usize),
    /// Reading it takes too long or nests too deeply.
    Limit,
}

/// Reads `text` as `rule`.
pub(super) fn read(rule: Rule, text: &str) -> Result<Pairs<'_, Rule>, Failure> {
    pest::set_call_limit(Some(CALL_LIMIT));
    Grammar::parse(rule, text).map_err(|error| match (error.variant, error.location) {
        (ErrorVariant::CustomError { .. }, _) => Failure::Limit,
        (_, InputLocation::Pos(at) | InputLocation::Span((at, _))) => Failure::At(at),
    })
}

/// The precedence of operators, loosest first.
pub(super) static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::pipe))
        .op(left(Rule::or) | left(Rule::slip_or))
        .op(left(Rule::and) | left(Rule::slip_and))
        .op(Op::prefix(Rule::not) | Op::prefix(Rule::slip_not))
        .op(left(Rule::equal)
            | left(Rule::not_equal)
            | left(Rule::less)
            | left(Rule::less_equal)
            | left(Rule::greater)
            | left(Rule::greater_equal))
        .op(left(Rule::ramp))
        .op(left(Rule::range))
        .op(left(Rule::add) | left(Rule::subtract))
        .op(left(Rule::multiply) | left(Rule::divide) | left(Rule::matmul))
        .op(Op::prefix(Rule::negate))
        .op(Op::infix(Rule::power, Assoc::Right) | Op::infix(Rule::slip_power, Assoc::Right))
        .op(Op::postfix(Rule::call) | Op::postfix(Rule::index) | Op::postfix(Rule::field))
});
