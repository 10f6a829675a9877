//! Recipes in words, and expressions as mathematics.

use std::path::Path;

use sslrun::driver;
use sslrun::source::FileId;
use sslrun::syntax::{latex, parse, parse_expr};

fn math(text: &str) -> String {
    latex(&parse_expr(FileId::ALONE, text).unwrap_or_else(|e| panic!("{text}: {}", e.message)))
}

#[test]
fn expressions_become_mathematics() {
    for (text, want) in [
        ("25 * mse(za, zb)", r"25 \, \operatorname{mse}\left(z_a, z_b\right)"),
        ("a - (b - c) / 2", r"a - \frac{b - c}{2}"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("(a + b) * (c - 1) * 2", r"\left(a + b\right) \, \left(c - 1\right) \cdot 2"),
        ("-x ^ 2", r"-x^{2}"),
        ("(-x) ^ 2", r"\left(-x\right)^{2}"),
        ("(a / b) ^ 2", r"\left(\frac{a}{b}\right)^{2}"),
        ("a * -b", r"a \, \left(-b\right)"),
        ("z @ z.T / temperature", r"\frac{z \, z^\top}{\tau}"),
        (
            "mean(relu(1 - sqrt(var(z, dim: 0) + 1e-4)))",
            r"\operatorname{mean}\left(\max\left(0, 1 - \sqrt{\operatorname{var}_{0}\left(z\right) + 10^{-4}}\right)\right)",
        ),
        ("2.5e-3 * f(a).head[0]", r"0.0025 \, {f\left(a\right)_{\mathrm{head}}}_{0}"),
        (
            "sum(f(u) - f(v) for u in w, v in w if u != v) / 2",
            r"\frac{\sum_{u \in w, v \in w, u \ne v} \left(f\left(u\right) - f\left(v\right)\right)}{2}",
        ),
        ("2 * sum(x for x in w)", r"2 \, \left(\sum_{x \in w} x\right)"),
        ("cosine(0.3 -> 0)", r"\operatorname{cosine}\left(0.3 \to 0\right)"),
        ("stopgrad(online_net)", r"\operatorname{sg}\left(\mathrm{online\_net}\right)"),
    ] {
        assert_eq!(math(text), want, "{text}");
    }
}

#[test]
fn every_recipe_is_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    for entry in std::fs::read_dir(folder).expect("the recipes") {
        let path = entry.expect("an entry").path();
        let checked = driver::check(&path, &[], None).expect("a recipe");
        let text = driver::explain(&checked).expect("a sound recipe");
        for part in ["family\n  ", "against collapse\n  ", "gradients\n  ", "loss: the sum of\n  "] {
            assert!(text.contains(part) && !text.contains("nothing that is known"), "{}\n{text}", path.display());
        }
        let latex = driver::explain_in_latex(&checked).expect("a sound recipe");
        let count = |sign: &str| latex.matches(sign).count();
        assert_eq!(count("{"), count("}"), "{latex}");
        assert_eq!(count("\\left"), count("\\right"), "{latex}");
        assert!(latex.lines().skip(1).all(|line| line.contains("&=") || line == "\\end{align*}"), "{latex}");
    }
}

#[test]
fn an_explanation_names_definitions_and_what_is_not_trained() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/moco.ssl");
    let checked = driver::check(&path, &[], None).expect("a recipe");
    let text = driver::explain(&checked).expect("a sound recipe");
    for part in [
        "contrast  trains query.encoder, query.projector\n",
        "  key follows query by a moving average\n",
        "negatives: `contrast` compares each sample with earlier samples in `bank`",
        "  info_nce_with_bank(q: [N, D], k: [N, D], bank: [K, D], temperature = 0.07) {\n    let positive",
        "  k = normalize(key(b))\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn every_stage_is_named_once_and_every_derived_branch_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/ibot.ssl");
    let checked = driver::check(&path, &[], None).expect("a recipe");
    let text = driver::explain(&checked).expect("a sound recipe");
    let trained = text.lines().filter(|line| line.contains("  trains ")).map(|line| line.rsplit("trains ").next());
    for line in trained.flatten() {
        let parts: Vec<&str> = line.split(", ").collect();
        assert!(parts.iter().all(|part| parts.iter().filter(|p| *p == part).count() == 1), "{line}");
    }
    let text = "views { a, b: crop(0.3..1) }
        branch f { encoder: small_convnet(width: 8); projector: mlp(16, 8) }
        branch slow = ema(f)
        branch old = snapshot(of: slow, every: 2)
        branch start = frozen(\"start.safetensors\", of: f)
        loss { l: mse(f(a), slow(b)) + mse(f(a), old(b)) + mse(f(b), start(a)); v: hinge_variance(f(a)) }";
    let folder = crate::train::folder("explain-derived");
    let checked = driver::check(&crate::train::recipe_file(&folder, text), &[], None).expect("a recipe");
    let text = driver::explain(&checked).expect("a sound recipe");
    for line in ["slow follows f by", "old is a copy of slow,", "start has weights from "] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn blocks_of_definitions_stand_behind_their_value() {
    let (file, _) = parse(FileId::ALONE, "let g(x, eps = 1e-6) {\n  let y = x + eps\n  log(y)\n}");
    let sslrun::syntax::ast::ItemKind::Let(definition) = &file.items[0].kind else { panic!("a definition") };
    let want = r"g(x, \varepsilon = 10^{-6}) &= \log\left(y\right), \quad y = x + \varepsilon";
    assert_eq!(sslrun::syntax::latex_definition(definition), want);
}
