//! Optimizers against PyTorch and the official formulas (`tests/reference/optim.py`); rules and clipping by hand.

use crate::fixtures::{Fixture, assert_close};
use sslrun::catalog::{Arg, Config, Ramp, Schedule, Unit};
use sslrun::optim::{
    AdamW, Clip, GroupSettings, Lars, Optimizer, ParamInfo, ParamKind, Rule, Selector, Sgd, StepInfo, build,
    by_stretches, ema_update, norm,
};

const TOLERANCE: f64 = 1e-6;

fn floats(name: &str) -> Vec<f32> {
    Fixture::load("optim").get(name).values.clone()
}

/// The parameter after the fixture's five steps, each gradient given `1 / grad_scale` times too large.
fn run(optimizer: &dyn Optimizer<f32>, name: &str, grad_scale: f64) -> Vec<f32> {
    let mut param = floats(&format!("param.{name}"));
    let grads = floats(&format!("grad.{name}"));
    let info = match name {
        "bias" => ParamInfo { kind: ParamKind::Bias, ndim: 1 },
        _ => ParamInfo { kind: ParamKind::Weight, ndim: 2 },
    };
    let mut memory = vec![vec![0.0; param.len()]; optimizer.state_slots()];
    let schedules = floats("lr").into_iter().zip(floats("weight_decay"));
    for (i, ((lr, weight_decay), grad)) in schedules.zip(grads.chunks_exact(param.len())).enumerate() {
        let grad: Vec<f32> = grad.iter().map(|g| g / grad_scale as f32).collect();
        let mut state: Vec<&mut [f32]> = memory.iter_mut().map(Vec::as_mut_slice).collect();
        let step = StepInfo { lr: lr.into(), weight_decay: weight_decay.into(), step: i + 1, grad_scale, trust: 1.0 };
        let step = optimizer.adapt(step, info, &param, &grad);
        optimizer.update(step, &mut param, &grad, &mut state);
    }
    param
}

#[test]
fn optimizers_agree_with_their_references() {
    let lars = |clip, exclude| Lars { momentum: 0.9, eta: if clip { 0.02 } else { 0.001 }, clip, exclude, eps: 1e-8 };
    let cases: [(&str, Box<dyn Optimizer<f32>>); 8] = [
        ("sgd", Box::new(Sgd { momentum: 0.9, nesterov: false })),
        ("sgd_plain", Box::new(Sgd { momentum: 0.0, nesterov: false })),
        ("sgd_nesterov", Box::new(Sgd { momentum: 0.8, nesterov: true })),
        ("adamw", Box::new(AdamW { betas: [0.9, 0.99], eps: 1e-6 })),
        ("lars", Box::new(lars(false, true))),
        ("lars_all", Box::new(lars(false, false))),
        ("lars_clip", Box::new(lars(true, true))),
        ("lars_clip_all", Box::new(lars(true, false))),
    ];
    for (case, optimizer) in &cases {
        for name in ["weight", "bias"] {
            for grad_scale in [1.0, 0.25] {
                let want = floats(&format!("{case}.{name}"));
                assert_close(
                    &format!("{case} {name} {grad_scale}"),
                    &run(&**optimizer, name, grad_scale),
                    &want,
                    TOLERANCE,
                );
            }
        }
    }
}

#[test]
fn long_parameters_are_updated_like_short_ones_on_any_number_of_threads() {
    let len = 100_003;
    let start: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin()).collect();
    let grad: Vec<f32> = (0..len).map(|i| (i as f32 * 0.11).cos()).collect();
    let step = StepInfo { lr: 0.1, weight_decay: 0.01, step: 1, grad_scale: 1.0, trust: 1.0 };
    let info = ParamInfo { kind: ParamKind::Weight, ndim: 2 };
    let optimizer = Lars { momentum: 0.9, eta: 0.02, clip: false, exclude: true, eps: 1e-8 };
    let results: Vec<_> = [1, 3]
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (mut param, mut state) = (start.clone(), vec![0.0; len]);
            pool.install(|| {
                let step = optimizer.adapt(step, info, &param, &grad);
                by_stretches(vec![&mut param, &mut state], &grad, |mut all, grad| {
                    let (param, slots) = all.split_at_mut(1);
                    optimizer.update(step, param[0], grad, slots);
                });
            });
            (param, state)
        })
        .into();
    assert_eq!(results[0], results[1]);
    let dot = |f: &dyn Fn(usize) -> f64| (0..len).map(|i| f(i).powi(2)).sum::<f64>().sqrt();
    let total = |i: usize| f64::from(grad[i]) + 0.01 * f64::from(start[i]);
    let trust = 0.02 * dot(&|i| f64::from(start[i])) / dot(&total);
    let want: Vec<f32> = (0..len).map(|i| (f64::from(start[i]) - 0.1 * trust * total(i)) as f32).collect();
    assert_close("one step", &results[0].0, &want, TOLERANCE);
}

#[test]
fn clipping_agrees_with_pytorch() {
    let grads = ["weight", "bias"].map(|n| {
        let all = floats(&format!("grad.{n}"));
        all[..all.len() / 5].to_vec()
    });
    let norms = grads.each_ref().map(|g| norm(g));
    for ((grad, scale), name) in grads.iter().zip(Clip::Norm(1.5).scales(&norms)).zip(["weight", "bias"]) {
        let got: Vec<f32> = grad.iter().map(|g| g * scale as f32).collect();
        assert_close(name, &got, &floats(&format!("clip_norm.{name}")), TOLERANCE);
    }
    let each = Clip::Each(3.0).scales(&[6.0, 2.0]);
    assert!((each[0] - 0.5).abs() < 1e-6);
    assert_eq!(each[1], 1.0);
}

#[test]
fn a_moving_average_moves() {
    let mut target = vec![1.0, 2.0];
    ema_update(&mut target, &[3.0, -2.0], 0.75);
    assert_eq!(target, [1.5, 1.0]);
    ema_update(&mut target, &[7.0, 8.0], 1.0);
    assert_eq!(target, [1.5, 1.0]);
    ema_update(&mut target, &[7.0, 8.0], 0.0);
    assert_eq!(target, [7.0, 8.0]);
}

#[test]
fn selectors_match_whole_segments() {
    let stage = Selector::parse("f.predictor");
    assert!(stage.matches("f.predictor", ParamKind::Weight));
    assert!(stage.matches("f.predictor.0.weight", ParamKind::Weight));
    assert!(!stage.matches("f.predictors.0.weight", ParamKind::Weight));
    assert_eq!(Selector::parse("bias"), Selector::Kind(ParamKind::Bias));
    assert!(Selector::parse("norm").matches("f.encoder.bn1.weight", ParamKind::Norm));
    // A `weight` of the recipe is a weight; only a kind of its own tells them apart.
    assert!(Selector::parse("weight").matches("prompts", ParamKind::Free));
    assert!(!Selector::parse("bias").matches("prompts", ParamKind::Free));
}

fn call(name: &str, args: &[(&str, Arg)]) -> Config {
    let args = args.iter().map(|(n, a)| ((*n).to_owned(), a.clone())).collect();
    let words = sslrun::optim::OPTIMIZERS.iter().chain(sslrun::optim::RULES).copied();
    let entry = words.into_iter().find(|entry| entry.name == name).expect("a word about parameters");
    Config { entry, args, span: None }
}

#[test]
fn later_rules_win_field_by_field() {
    let cosine = Schedule { from: 0.4, to: 0.0, ramp: Ramp::Cosine, unit: Unit::Epochs, ..Schedule::constant(0.0) };
    let optimizer = call("sgd", &[("lr", Arg::Schedule(cosine)), ("weight_decay", Arg::Number(0.1))]);
    let on = |items: &[&str]| Arg::List(items.iter().map(|s| Arg::Text((*s).into())).collect());
    let rules = [
        call("rule", &[("on", on(&["bias", "norm"])), ("weight_decay", Arg::Number(0.0)), ("frozen", Arg::None)]),
        call(
            "rule",
            &[("on", Arg::Text("f.head".into())), ("lr_factor", Arg::Number(0.5)), ("frozen", Arg::Number(1.5))],
        ),
        call(
            "rule",
            &[("on", Arg::Text("f.head.0".into())), ("lr", Arg::Number(0.2)), ("weight_decay", Arg::Number(0.3))],
        ),
    ]
    .map(|c| Rule::from_config(&c));
    let base = GroupSettings::base(&optimizer);
    let of = |path, kind| base.resolve(&rules, path, kind);

    let plain = of("f.encoder.conv1.weight", ParamKind::Weight).at(5, 10, 2).unwrap();
    assert!((plain.lr - 0.2).abs() < 1e-12);
    assert_eq!((plain.weight_decay, plain.step, plain.grad_scale), (0.1, 6, 1.0));

    let bias = of("f.encoder.conv1.bias", ParamKind::Bias).at(0, 10, 2).unwrap();
    assert_eq!((bias.lr, bias.weight_decay), (0.4, 0.0));

    let head = of("f.head.0.bias", ParamKind::Bias);
    assert_eq!(head.at(2, 10, 2), None);
    let thawed = head.at(3, 10, 2).unwrap();
    assert_eq!((thawed.lr, thawed.weight_decay, thawed.step), (0.1, 0.3, 1));
}

#[test]
fn rates_by_depth_are_those_of_timm() {
    // timm.optim.param_groups_layer_decay of a ViT of three blocks, 0.75; its last norm by BEiT's and MAE's rule.
    let path = |name: &str| format!("f.encoder.{name}");
    let timm = [
        ("cls_token", 0.316406),
        ("pos_embed", 0.316406),
        ("reg_token", 0.316406),
        ("patch_embed.proj.weight", 0.316406),
        ("blocks.0.attn.qkv.bias", 0.421875),
        ("blocks.1.norm2.weight", 0.5625),
        ("blocks.2.mlp.fc1.weight", 0.75),
        ("norm.weight", 1.0),
        ("head.weight", 1.0),
    ];
    let stages = [
        ("conv1.weight", 0.03125),
        ("layer1.0.bn1.weight", 0.0625),
        ("layer4.1.conv2.weight", 0.5),
        ("fc.weight", 1.0),
    ];
    let args = [("on", Arg::Text("f.encoder".into())), ("layer_decay", Arg::Number(0.75)), ("frozen", Arg::None)];
    let optimizer = call("sgd", &[("lr", Arg::Number(2.0)), ("weight_decay", Arg::Number(0.0))]);
    let rate = |decay: f64, names: &[&str], name: &str| {
        let mut args = args.to_vec();
        args[1].1 = Arg::Number(decay);
        let all: Vec<String> = names.iter().map(|name| path(name)).collect();
        let rule =
            Rule::from_config(&call("rule", &args)).counting(all.iter().map(|p| (p.as_str(), ParamKind::Weight)));
        GroupSettings::base(&optimizer).resolve(&[rule], &path(name), ParamKind::Weight).at(0, 1, 1).unwrap().lr / 2.0
    };
    for (name, want) in timm {
        let found = rate(0.75, &timm.map(|(name, _)| name), name);
        assert!((found - want).abs() < 1e-6, "{name}: {found} instead of {want}");
    }
    for (name, want) in stages {
        let found = rate(0.5, &stages.map(|(name, _)| name), name);
        assert!((found - want).abs() < 1e-6, "{name}: {found} instead of {want}");
    }
    // What no rule speaks of keeps its rate.
    let other = GroupSettings::base(&optimizer).resolve(&[], "f.projector.0.weight", ParamKind::Weight);
    assert_eq!(other.at(0, 1, 1).unwrap().lr, 2.0);
}

#[test]
fn calls_become_optimizers() {
    let betas = |b: &[f64]| Arg::List(b.iter().map(|&x| Arg::Number(x)).collect());
    let good = call("adamw", &[("betas", betas(&[0.9, 0.95])), ("eps", Arg::Number(1e-8))]);
    assert!(build::<f32>(&good).is_ok_and(|o| o.state_slots() == 2));
    let bad = call("adamw", &[("betas", betas(&[0.9]))]);
    assert!(build::<f32>(&bad).is_err_and(|e| e.contains("two numbers")));
    assert!(build::<f32>(&call("clip_norm", &[])).is_err());
}

#[test]
#[should_panic(expected = "`sgd` declares no parameter `learning_rate`")]
fn a_call_is_not_asked_for_what_its_word_does_not_declare() {
    call("sgd", &[]).number("learning_rate");
}
