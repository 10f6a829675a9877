//! The warning of collapse: what is missing, and what would have to be added.

use super::term::{Gap, Judged};
use crate::diag::{Code, Diagnostic};

const NOTHING: &str = "nothing keeps the embeddings from collapsing to a constant";
const FALLS: &str = "this is smallest when all samples have the same embedding";

/// The warning for a term with a gap.
pub(super) fn warning(judged: &Judged, gap: &Gap) -> Diagnostic {
    let name = &judged.term.name;
    let warning = |message: String| Diagnostic::warning(Code::COLLAPSE, judged.term.span, message);
    let diagnostic = match gap {
        Gap::NotCentred => warning(format!(
            "half of a mechanism against collapse: the targets of `{name}` are not centred, so one class can take all \
             samples"
        ))
        .help(
            "take their running mean out before the softmax, with `state center = ema(of: mean(..., dim: 0))`, or \
             balance them over the batch",
        ),
        Gap::NotSharpened => warning(format!(
            "half of a mechanism against collapse: the targets of `{name}` are centred but not sharpened, so all \
             classes can become alike"
        ))
        .help("divide their logits by a smaller temperature than those of the predictions"),
        Gap::NoStop => warning(NOTHING.to_owned())
            .label(FALLS)
            .help("one side has a predictor: now stop the gradient of the other side, with `stopgrad(...)` or an `ema` branch"),
        Gap::AverageAlone(place) => warning(NOTHING.to_owned())
            .label(FALLS)
            .also(*place, "a moving average alone does not prevent collapse: the teacher follows the student there")
            .help("add a stage, a predictor, that only the trained side passes through; or add negatives"),
        Gap::StopAlone(place) => warning(NOTHING.to_owned())
            .label(FALLS)
            .also(*place, "a stop-gradient alone does not prevent collapse: both sides have the same weights")
            .help("add a stage, a predictor, that only the trained side passes through; or add negatives"),
        Gap::Nothing => warning(NOTHING.to_owned()).label(FALLS).help(
            "add one of: negatives, a variance term, decorrelation of standardized features (`sslrun show` lists such losses), or a \
             predictor on one side and a stop-gradient on the other",
        ),
    };
    match &judged.helps {
        Some(helps) => {
            diagnostic.also(helps.span, "this keeps features from repeating each other, but not from vanishing")
        }
        None => diagnostic,
    }
}

/// The note that a term could not be tried out.
pub(super) fn not_judged(judged: &Judged) -> Diagnostic {
    let message = format!("whether `{}` lets the embeddings collapse has not been judged", judged.term.name);
    Diagnostic::note(Code::NOT_JUDGED, judged.term.span, message)
        .label("this cannot be tried out on few samples")
        .help("nothing is wrong with the formula for that; watch `std` and `effective_rank` while it trains")
}
