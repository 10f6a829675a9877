//! Judgements on recipes: gradient flow, collapse, numeric traps; recipes as text with what must be said of them.

use sslrun::check::{self, Options, Recipe};
use sslrun::diag::{self, Code, Diagnostic, Severity};
use sslrun::exec::PlannedEvaluator;
use sslrun::lint::{lint, mechanisms};
use sslrun::source::{Source, Sources};
use std::path::Path;

/// Views and a training block that every recipe here shares.
const FRAME: &str = "
views { a, b: simclr_augment() }
train { batch: 64; optimizer: sgd(lr: 0.1) }
";

fn checked(sources: &mut Sources, text: &str) -> Recipe {
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::File("test.ssl".into()), text));
    let outcome = check::check(sources, id, &Options::default());
    outcome.recipe.unwrap_or_else(|| panic!("{}", diag::render(&outcome.diagnostics, sources)))
}

/// What is said of a recipe; `text` stands before the common frame.
fn said(text: &str) -> Vec<Diagnostic> {
    lint(&checked(&mut Sources::default(), &format!("{text}{FRAME}")), &PlannedEvaluator)
}

/// That a recipe gets one complaint of that code, which contains `message` and points at `place`.
#[track_caller]
fn says(text: &str, code: Code, place: &str, message: &str) {
    let mut sources = Sources::default();
    let found = lint(&checked(&mut sources, &format!("{text}{FRAME}")), &PlannedEvaluator);
    let all = diag::render(&found, &sources);
    let [one] = &found[..] else { panic!("expected one complaint of {}, found {}:\n{all}", code.name, found.len()) };
    assert_eq!(one.code, code, "{all}");
    let whole = format!("{} {}", one.message, one.help.as_deref().unwrap_or_default());
    assert!(whole.contains(message), "`{message}` is not in:\n{all}{whole}");
    let at = sources.text(one.span().unwrap());
    assert!(at.contains(place), "points at `{at}`, not at `{place}`");
}

#[track_caller]
fn says_nothing(text: &str) {
    let mut sources = Sources::default();
    let found = lint(&checked(&mut sources, &format!("{text}{FRAME}")), &PlannedEvaluator);
    assert!(found.is_empty(), "{}", diag::render(&found, &sources));
}

/// The mechanisms of a recipe by name, in order.
fn names(text: &str) -> Vec<String> {
    mechanisms(&checked(&mut Sources::default(), &format!("{text}{FRAME}")), &PlannedEvaluator)
        .iter()
        .map(|m| m.guard.to_string())
        .collect()
}

const F: &str = "branch f { encoder: conv2d(8, 3) | relu | global_avgpool; projector: mlp(16, 32) }\n";
const SIAMESE: &str = "branch f { encoder: conv2d(8, 3) | relu | global_avgpool; projector: mlp(32, 32, last: batchnorm); predictor: mlp(8, 32) }\n";
const STUDENT: &str = "branch f { encoder: conv2d(8, 3) | relu | global_avgpool; head: mlp(16, 64) }
branch teacher = ema(f, decay: 0.99)\n";

fn with(branches: &str, rest: &str) -> String {
    format!("{branches}{rest}")
}

#[test]
fn the_recipes_of_the_corpus_are_held_by_their_papers_mechanisms() {
    let held: &[(&str, &[&str])] = &[
        ("barlow_twins", &["decorrelation"]),
        ("beit", &["fixed target"]),
        ("byol", &["moving average and predictor"]),
        ("clip", &["negatives"]),
        ("data2vec", &["moving average and predictor"]),
        ("dcl", &["negatives"]),
        ("deepcluster_v2", &["labels of an earlier pass"]),
        ("densecl", &["negatives"]),
        ("dino", &["centring and sharpening"]),
        ("dinov2", &["centring and sharpening", "batch statistics"]),
        ("dvae", &["reconstruction", "balanced assignment"]),
        ("fastsiam", &["stop-gradient and predictor"]),
        ("hybrid_dino_vicreg", &["variance", "decorrelation"]),
        ("hybrid_swav_ibot", &["balanced assignment"]),
        ("hybrid_vicreg_infonce", &["variance", "decorrelation", "negatives"]),
        ("hybrid_vicreg_mae", &["reconstruction", "variance", "decorrelation"]),
        ("i_jepa", &["moving average and predictor"]),
        ("ibot", &["centring and sharpening"]),
        ("lejepa", &["variance"]),
        ("mae", &["reconstruction"]),
        ("mmcr", &["decorrelation"]),
        ("moco", &["negatives"]),
        ("moco_v3", &["negatives"]),
        ("msn", &["balanced assignment"]),
        ("nnclr", &["negatives"]),
        ("ressl", &["negatives"]),
        ("seer", &["balanced assignment"]),
        ("sela", &["balanced assignment"]),
        ("siglip", &["negatives"]),
        ("simclr", &["negatives"]),
        ("simdino", &["decorrelation"]),
        ("simmim", &["reconstruction"]),
        ("simsiam", &["stop-gradient and predictor"]),
        ("supcon", &["labels"]),
        ("swav", &["balanced assignment"]),
        ("tico", &["batch statistics"]),
        ("vicreg", &["variance", "decorrelation"]),
        ("w_mse", &["decorrelation"]),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (_, expected) = held.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("what holds {name}?"));
        let mut sources = Sources::default();
        let id = sources.read(&path).unwrap();
        let recipe = check::check(&mut sources, id, &Options::default()).recipe.unwrap();
        let found = lint(&recipe, &PlannedEvaluator);
        assert!(found.is_empty(), "{name}:\n{}", diag::render(&found, &sources));
        let mut all: Vec<String> = mechanisms(&recipe, &PlannedEvaluator).iter().map(|m| m.guard.to_string()).collect();
        all.dedup();
        assert_eq!(&all, expected, "{name}");
    }
}

#[test]
fn a_mechanism_says_where_it_stands() {
    let mut sources = Sources::default();
    let text = with(F, "loss { contrast: info_nce(f(a), f(b)) }");
    let found = mechanisms(&checked(&mut sources, &format!("{text}{FRAME}")), &PlannedEvaluator);
    assert_eq!(sources.text(found[0].span), "info_nce(f(a), f(b))");
    assert_eq!(found[0].why, "`contrast` compares each sample with the other samples of the batch");
}

#[test]
fn negatives() {
    let loss = "let q = normalize(f(a))\nlet k = normalize(f(b))\n";
    says_nothing(&with(F, &format!("{loss}loss {{ l: mean(cross_entropy(arange(N), q @ k.T / 0.1)) }}")));
    let removed = format!("{loss}loss {{ l: -mean(sum(q * k, dim: 1)) / 0.1 }}");
    says(&with(F, &removed), Code::COLLAPSE, "l: -mean", "negatives");
    // Other ways to write them: by hand, pair by pair with a sigmoid, as distances.
    let by_hand = "loss { l: mean(logsumexp(q @ k.T / 0.1, dim: 1)) - mean(sum(q * k, dim: 1)) / 0.1 }";
    assert_eq!(names(&with(F, &format!("{loss}{by_hand}"))), ["negatives"]);
    let pairwise = "loss { l: mean(softplus(-(2 * eye(N) - 1) * (10 * (q @ k.T) - 5))) }";
    assert_eq!(names(&with(F, &format!("{loss}{pairwise}"))), ["negatives"]);
    let uniform = "loss { l: mse(q, k); u: log(mean(exp(-2 * squared_distance(q, q)))) }";
    assert_eq!(names(&with(F, &format!("{loss}{uniform}"))), ["negatives"]);
    // With the wrong sign they draw together.
    let wrong = "loss { l: -mean(logsumexp(q @ k.T / 0.1, dim: 1)) }";
    says(&with(F, &format!("{loss}{wrong}")), Code::COLLAPSE, "l: -mean", "nothing keeps");
}

#[test]
fn a_queue_of_negatives() {
    let queue = "branch key = ema(f, decay: 0.99)
        let q = normalize(f(a))\nlet k = normalize(key(b))
        state bank = queue(of: k, size: 256)\n";
    let found = "loss { l: info_nce_with_bank(q, k, bank) }";
    let text = with(F, &format!("{queue}{found}{FRAME}"));
    let held = mechanisms(&checked(&mut Sources::default(), &text), &PlannedEvaluator);
    assert_eq!(held[0].why, "`l` compares each sample with earlier samples in `bank`");
    let without = "branch key = ema(f, decay: 0.99)\nloss { l: mse(normalize(f(a)), normalize(key(b))) }";
    says(&with(F, without), Code::COLLAPSE, "l: mse", "predictor");
}

#[test]
fn plain_agreement_collapses() {
    says(&with(F, "loss { align: mse(f(a), f(b)) }"), Code::COLLAPSE, "align: mse", "nothing keeps the embeddings");
    says(&with(F, "loss { align: -mean(cosine_similarity(f(a), f(b))) }"), Code::COLLAPSE, "align:", "nothing keeps");
    says(&with(F, "loss { align: sqrt(mse(f(a), f(b)) + 1) }"), Code::COLLAPSE, "align:", "nothing keeps");
}

#[test]
fn a_stop_gradient_needs_a_predictor_and_the_other_way_round() {
    let both = "branch target = stopgrad(f)
        loss { align: mean(-cosine_similarity(f(u), target(v).projector) for u, v in pairs(a, b)) }";
    says_nothing(&with(SIAMESE, both));
    assert_eq!(names(&with(SIAMESE, both)), ["stop-gradient and predictor"]);
    says_nothing(&with(SIAMESE, "loss { align: -mean(cosine_similarity(f(a), stopgrad(f(b).projector))) }"));
    let no_stop = "loss { align: mean(-cosine_similarity(f(u), f(v).projector) for u, v in pairs(a, b)) }";
    says(&with(SIAMESE, no_stop), Code::COLLAPSE, "align:", "now stop the gradient of the other side");
    let no_predictor = "loss { align: -mean(cosine_similarity(f(a), stopgrad(f(b)))) }";
    says(&with(F, no_predictor), Code::COLLAPSE, "align:", "add a stage, a predictor");
}

#[test]
fn a_moving_average_needs_a_predictor() {
    let text = |decay: &str, predictor: &str| {
        format!(
            "branch f {{ encoder: conv2d(8, 3) | relu | global_avgpool; projector: mlp(16, 32){predictor} }}
             branch target = ema(f, decay: {decay})
             loss {{ align: mean(2 - 2 * cosine_similarity(f(u), target(v).projector) for u, v in pairs(a, b)) }}"
        )
    };
    says_nothing(&text("cosine(0.99 -> 1)", "; predictor: mlp(16, 32)"));
    says_nothing(&text("0", "; predictor: mlp(16, 32)"));
    says(&text("0.99", ""), Code::COLLAPSE, "align:", "predictor");
    // A predictor that is a branch of its own.
    let apart = "branch target = ema(f, decay: 0.99)\nbranch predictor { head: mlp(16, 32) }
        loss { align: -mean(cosine_similarity(predictor(f(a)), target(b))) }";
    says_nothing(&with(F, apart));
}

#[test]
fn variance_and_covariance() {
    let terms = "let za = f(a)\nlet zb = f(b)\nloss { invariance: 25 * mse(za, zb)";
    let variance = "; variance: 25 * (hinge_variance(za) + hinge_variance(zb)) / 2";
    let covariance = "; covariance: off_diagonal_covariance(za) + off_diagonal_covariance(zb)";
    says_nothing(&with(F, &format!("{terms}{variance}{covariance} }}")));
    says_nothing(&with(F, &format!("{terms}{variance} }}")));
    says(&with(F, &format!("{terms} }}")), Code::COLLAPSE, "invariance", "a variance term");
    // Covariance vanishes with the embeddings.
    says(&with(F, &format!("{terms}{covariance} }}")), Code::COLLAPSE, "invariance", "a variance term");
}

#[test]
fn cross_correlation() {
    let c = "let c = standardize(f(a)).T @ standardize(f(b)) / N\n";
    let on = "on: sum((1 - diagonal(c)) ^ 2)";
    let off = "off: 0.005 * sum(off_diagonal(c) ^ 2)";
    assert_eq!(names(&with(F, &format!("{c}loss {{ {on}; {off} }}")))[0], "decorrelation");
    says_nothing(&with(F, &format!("{c}loss {{ {on}; {off} }}")));
    says_nothing(&with(F, &format!("{c}loss {{ {on} }}")));
    says_nothing(&with(F, "loss { align: mse(standardize(f(a)), standardize(f(b))) }"));
}

#[test]
fn newer_statistics_of_the_batch() {
    // A sliced test of normality, sorted slices, and entropy by nearest neighbours.
    let align = "let z = f(a)\nloss { align: mse(z, f(b));";
    let sliced = "normal: mean((mean(cos(z @ random_directions(32, 16).T), dim: 0) - 0.6) ^ 2) }";
    says_nothing(&with(F, &format!("{align}{sliced}")));
    let nearest =
        "spread: -mean(log(max(-squared_distance(normalize(z), normalize(z)) - 10 * eye(N), dim: 1) ^ 2 + 1e-6)) }";
    says_nothing(&with(F, &format!("{align}{nearest}")));
    says_nothing(&with(F, &format!("{align} volume: -logdet(z.T @ z / N + eye(32)) }}")));
}

#[test]
fn centring_and_sharpening() {
    let text = |target: &str| {
        format!(
            "{STUDENT}state center = ema(of: mean(concat(teacher(a), teacher(b)), dim: 0), decay: 0.9)
             let target(v) = {target}
             loss {{ distill: mean(cross_entropy(target(v), f(u) / 0.1) for u, v in pairs(a, b)) }}"
        )
    };
    let both = text("softmax((teacher(v) - center) / linear(0.04 -> 0.07, epochs: 5))");
    says_nothing(&both);
    assert_eq!(names(&both), ["centring and sharpening"]);
    let not_centred = with(STUDENT, "loss { distill: mean(cross_entropy(softmax(teacher(a) / 0.04), f(b) / 0.1)) }");
    says(
        &not_centred,
        Code::COLLAPSE,
        "distill",
        "half of a mechanism against collapse: the targets of `distill` are not centred",
    );
    says(&text("softmax(teacher(v) - center)"), Code::COLLAPSE, "distill", "centred but not sharpened");
}

#[test]
fn balanced_assignment() {
    let text = "let code(v) {
          let q = exp(f(v) / 0.5)
          let balanced = q / sum(q, dim: 0, keepdim: true)
          stopgrad(balanced / sum(balanced, dim: 1, keepdim: true))
        }
        loss { swap: mean(cross_entropy(code(v), f(u) / 0.1) for u, v in pairs(a, b)) }";
    assert_eq!(names(&with(F, text)), ["balanced assignment"]);
    says_nothing(&with(F, text));
    let entropy = "let p = mean(softmax(f(a) / 0.1), dim: 0)
        loss { align: mean(cross_entropy(stopgrad(softmax(f(b) / 0.05)), f(a) / 0.1)); even: -entropy(p) }";
    assert_eq!(names(&with(F, entropy)), ["balanced assignment"]);
}

#[test]
fn targets_that_do_not_collapse() {
    let pixels =
        "branch d { body: conv2d(8, 3, padding: 1) | relu | conv2d(3, 3, padding: 1) }\nloss { l: mse(d(a), b) }";
    says_nothing(pixels);
    assert_eq!(names(pixels), ["reconstruction"]);
    let labels = with(F, "loss { l: mean(cross_entropy(batch.label, f(a))) }");
    says_nothing(&labels);
    assert_eq!(names(&labels), ["labels"]);
}

#[test]
fn terms_that_train_nothing() {
    let stopped =
        with(F, "branch g = ema(f, decay: 0.9)\nloss { l: mse(stopgrad(f(a)), g(b)); m: info_nce(f(a), f(b)) }");
    says(&stopped, Code::TERM_TRAINS_NOTHING, "l: mse", "the loss term `l` trains nothing");
    let found = said(&stopped);
    assert_eq!(found[0].severity, Severity::Error);
    let expected = "it depends only on weights of `f` behind a stop-gradient and the averaged weights of `g`";
    assert!(found[0].message.contains(expected), "{}", found[0].message);
    says(
        &with(F, "loss { l: mean(a); m: info_nce(f(a), f(b)) }"),
        Code::TERM_TRAINS_NOTHING,
        "l:",
        "only on the views",
    );
    says(
        &with(F, "loss { l: 0 * 3 + 1; m: info_nce(f(a), f(b)) }"),
        Code::TERM_TRAINS_NOTHING,
        "l:",
        "only on constants",
    );
}

#[test]
fn recipes_of_inputs_are_not_judged() {
    let text = "input z: [N, 8]\ninput y: [N, 8]\nloss { a: mse(z, y) }";
    assert!(lint(&checked(&mut Sources::default(), text), &PlannedEvaluator).is_empty());
    assert!(mechanisms(&checked(&mut Sources::default(), text), &PlannedEvaluator).is_empty());
}

#[test]
fn branches_stages_and_weights_that_nothing_trains() {
    let fixed = with(
        F,
        "branch g { encoder: conv2d(8, 3) | global_avgpool | linear(32) }\nloss { l: mse(f(a), stopgrad(g(a))) }",
    );
    says(&fixed, Code::BRANCH_NOT_TRAINED, "branch g", "nothing trains the branch `g`");
    assert_eq!(said(&fixed)[0].severity, Severity::Warning);
    assert_eq!(names(&fixed), ["fixed target"]);
    let stage = with(
        SIAMESE,
        "loss { l: info_nce(f(a).projector, f(b).projector); m: info_nce(stopgrad(f(a)), f(b).projector) }",
    );
    says(&stage, Code::BRANCH_NOT_TRAINED, "branch f", "nothing trains the stage `f.predictor`");
    let weight = with(F, "weight t = 1\nloss { l: info_nce(f(a), f(b)) * stopgrad(t) }");
    says(&weight, Code::BRANCH_NOT_TRAINED, "t", "nothing trains the weight `t`");
    says_nothing(&with(F, "weight t = 1\nloss { l: info_nce(f(a), f(b)) * exp(t) }"));
}

/// A sound recipe with one more term.
fn and(term: &str) -> String {
    with(F, &format!("let z = f(a)\nloss {{ contrast: info_nce(z, f(b)); extra: {term} }}"))
}

#[test]
fn divisions_by_zero() {
    let schedule = |s: &str| with(F, &format!("loss {{ l: info_nce(f(a), f(b), temperature: {s}) }}"));
    says_nothing(&schedule("cosine(0.5 -> 0.1)"));
    says(&schedule("cosine(0.5 -> 0)"), Code::NUMERIC_TRAP, "info_nce", "a schedule that reaches 0 at its end");
    says(&schedule("linear(0 -> 0.5)"), Code::NUMERIC_TRAP, "info_nce", "a schedule that starts at 0");
    says(&schedule("cosine(0.5 -> 0.1, warmup: 3)"), Code::NUMERIC_TRAP, "info_nce", "whose warm-up starts at 0");
    says_nothing(&schedule("cosine(0.5 -> 0.1, warmup: 3, warmup_from: 0.1)"));
    says_nothing(&and("cosine(1 -> 0) * mean(z ^ 2)"));
    says(&and("mean(z / sum(abs(z), dim: 1, keepdim: true))"), Code::NUMERIC_TRAP, "z / sum", "exactly 0");
    says_nothing(&and("mean(z / (sum(abs(z), dim: 1, keepdim: true) + 1e-6))"));
    says(&and("mean(z / sqrt(sum(z ^ 2, dim: 1, keepdim: true)))"), Code::NUMERIC_TRAP, "z / sqrt", "normalize");
    says_nothing(&and("mean(z / sum(exp(z), dim: 1, keepdim: true))"));
    says_nothing(&and("mean(z / mean(z))"));
}

#[test]
fn roots_and_logarithms() {
    says(&and("mean(sqrt(var(z, dim: 0)))"), Code::NUMERIC_TRAP, "sqrt(var", "infinite where its argument is 0");
    says(&and("mean(std(z, dim: 0))"), Code::NUMERIC_TRAP, "std", "infinite");
    says_nothing(&and("mean(sqrt(var(z, dim: 0) + 1e-4))"));
    says_nothing(&and("mean(stopgrad(sqrt(var(z, dim: 0))) * z)"));
    says(&and("mean(log(1 - sigmoid(z)))"), Code::NUMERIC_TRAP, "log(1", "softplus");
    says(&and("mean(log(sum(exp(z), dim: 1) - exp(max(z, dim: 1))))"), Code::NUMERIC_TRAP, "log(sum", "difference");
    says(&and("mean(log(softmax(z)))"), Code::NUMERIC_TRAP, "log(softmax", "log_softmax");
    says(&and("mean(log(relu(z)))"), Code::NUMERIC_TRAP, "log(relu", "exactly 0");
    says_nothing(&and("mean(log(clamp(1 - z ^ 2, min: 1e-6)))"));
    says_nothing(&and("mean(log(where(z > 0, z, 1)))"));
    says(&and("mean(log(where(z > 0, 1, z ^ 2)))"), Code::NUMERIC_TRAP, "log(where", "exactly 0");
    says(&and("mean(log(-exp(z)))"), Code::NUMERIC_TRAP, "log(-exp", "never above 0");
    says(&and("mean(log(z))"), Code::NUMERIC_TRAP, "log(z)", "can be negative");
    says(&and("mean(sqrt(tanh(z)))"), Code::NUMERIC_TRAP, "sqrt(tanh", "can be negative");
    says(&and("mean(sqrt(z * z))"), Code::NUMERIC_TRAP, "sqrt(z", "infinite where its argument is 0");
    says_nothing(&and("mean(sqrt(z * z + 1e-6))"));
}

#[test]
fn what_a_choice_leaves_out_has_a_gradient_all_the_same() {
    let left_out = "not its gradient";
    says(&and("mean(where(z > 0, sqrt(z), 0))"), Code::NUMERIC_TRAP, "sqrt(z)", left_out);
    says(&and("mean(where(relu(z) > 0, 2 * log(relu(z)), 0))"), Code::NUMERIC_TRAP, "log(relu", left_out);
    says(&and("mean(where(abs(z) > 1e-6, 1 / abs(z), 0))"), Code::NUMERIC_TRAP, "1 / abs", left_out);
    says_nothing(&and("mean(where(z > 0, sqrt(where(z > 0, z, 1)), 0))"));
    says_nothing(&and("mean(stopgrad(where(z > 0, sqrt(z), 0)) * z)"));
    says_nothing(&and("mean(where(z > 0, exp(z), 0))"));
}

#[test]
fn sums_that_may_be_of_nothing_and_those_that_are_not() {
    // How many are above 0 may be none.
    says(&and("mean(z) / sum(where(z > 0, 1, 0))"), Code::NUMERIC_TRAP, "/ sum", "exactly 0");
    says_nothing(&and("mean(z) / maximum(sum(where(z > 0, 1, 0)), 1)"));
    says_nothing(&and("mean(z) / sum(where(z > 0, 1, 2))"));
    // A matrix of trace 1 is not 0 everywhere.
    let matrix = |rest: &str| {
        and(&format!("log(sum(share(z) ^ 2)){rest}"))
            + "\nlet share(z: [N, D]) {
      let k = z.T @ z
      k / sum(k * eye(D))
    }
"
    };
    says_nothing(&matrix(""));
    says_nothing(&matrix(" + log(sum(abs(share(z))))"));
    says(&matrix(" + mean(log(share(z) ^ 2))"), Code::NUMERIC_TRAP, "log(share", "exactly 0");
    says(&and("log(sum(z ^ 2))"), Code::NUMERIC_TRAP, "log(sum", "exactly 0");
}

#[test]
fn the_words_of_the_language_are_safe() {
    let safe = [
        "mean(normalize(z))",
        "mean(standardize(z))",
        "mean(cosine_similarity(z, f(b)))",
        "mean(pairwise_distance(z, z))",
        "mean(squared_distance(z, z))",
        "smooth_l1(z, f(b))",
        "mean(entropy(softmax(z)))",
        "mean(kl(softmax(z), softmax(f(b))))",
        "mean(log_softmax(z))",
        "hinge_variance(z)",
        "off_diagonal_covariance(z)",
        "mean(cross_correlation(z, f(b)))",
        "nuclear_norm(z)",
        "logdet(covariance(z) + eye(32))",
        "mean(z @ random_directions(32, 4).T)",
        "nt_xent(z, f(b))",
    ];
    for term in safe {
        says_nothing(&and(term));
    }
}

#[test]
fn a_term_that_compares_samples_needs_some() {
    let text = |batch: usize, loss: &str| {
        format!(
            "views {{ a, b: crop() }}\nbranch f {{ encoder: small_convnet(width: 4); projector: linear(8) }}\n\
             loss {{ l: {loss} }}\ntrain {{ batch: {batch} }}"
        )
    };
    let warned = |batch: usize, loss: &str| {
        let found = lint(&checked(&mut Sources::default(), &text(batch, loss)), &PlannedEvaluator);
        found.iter().filter(|d| d.message.contains("it compares samples")).count()
    };
    for loss in ["nt_xent(f(a), f(b))", "info_nce(f(a), f(b), temperature: 0.2)"] {
        assert_eq!((warned(1, loss), warned(2, loss), warned(64, loss)), (1, 0, 0), "{loss}");
    }
    assert_eq!(warned(1, "mse(f(a), f(b))"), 0);
}
