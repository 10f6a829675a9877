//! The codes of all diagnostics; each has a page `docs/codes/NAME.md`.

/// What kind of thing is said, by a name in kebab case. Most are rules that a recipe can break; [`Code::OF_RUNS`] are what can go wrong
/// with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    /// The name, as in `sslrun explain NAME`.
    pub name: &'static str,
    /// The page: what, why, a bad and a good example.
    pub page: &'static str,
}

macro_rules! codes {
    ($($constant:ident = $name:literal;)*) => {
        impl Code {
            $(
                #[doc = concat!("See `docs/codes/", $name, ".md`.")]
                pub const $constant: Code = Code { name: $name, page: include_str!(concat!("../../docs/codes/", $name, ".md")) };
            )*
        }

        /// Every code.
        pub const CODES: &[Code] = &[$(Code::$constant),*];
    };
}

impl Code {
    /// The codes of what no check of a recipe finds: the page of each says what to do, without examples.
    pub const OF_RUNS: &[Code] =
        &[Code::USAGE, Code::RUN_FAILED, Code::STOPPED, Code::BAD_DATA, Code::NOT_COMPUTED, Code::NOT_FINITE];

    /// Whether the page says more than a message of this code does.
    pub fn says_more(self) -> bool {
        ![Code::USAGE, Code::RUN_FAILED, Code::STOPPED].contains(&self)
    }
}

codes! {
    USAGE = "usage";
    RUN_FAILED = "run-failed";
    STOPPED = "stopped";
    BAD_DATA = "bad-data";
    NOT_COMPUTED = "not-computed";
    NOT_FINITE = "not-finite";
    SYNTAX = "syntax";
    UNREADABLE_FILE = "unreadable-file";
    UNKNOWN_NAME = "unknown-name";
    UNKNOWN_FIELD = "unknown-field";
    UNKNOWN_ARGUMENT = "unknown-argument";
    MISSING_ARGUMENT = "missing-argument";
    TOO_MANY_ARGUMENTS = "too-many-arguments";
    WRONG_TYPE = "wrong-type";
    INVALID_VALUE = "invalid-value";
    DUPLICATE_NAME = "duplicate-name";
    SHAPE_MISMATCH = "shape-mismatch";
    RECURSION = "recursion";
    TOO_LARGE = "too-large";
    UNKNOWN_OVERRIDE = "unknown-override";
    EXTENDS_CYCLE = "extends-cycle";
    UNKNOWN_OMIT = "unknown-omit";
    UNUSED = "unused";
    WARM_UP = "warm-up";
    LOSS_NOT_SCALAR = "loss-not-scalar";
    NO_LOSS = "no-loss";
    TERM_TRAINS_NOTHING = "term-trains-nothing";
    BRANCH_NOT_TRAINED = "branch-not-trained";
    EMA_OF_EMA = "ema-of-ema";
    STATE_NEEDS_GRADIENT = "state-needs-gradient";
    COLLAPSE = "collapse";
    NOT_JUDGED = "not-judged";
    NO_BEST = "no-best";
    BATCH_DEPENDENT = "batch-dependent";
    RANDOM_FEATURES = "random-features";
    NUMERIC_TRAP = "numeric-trap";
    UNSUPPORTED = "unsupported";
}
