//! What a step assigns besides computing: order, what moves along with what, and what rests, by both engines.

use sslrun::catalog::{Arg, Config};
use sslrun::compile::{Amount, Assignment, Descend, Program, Wishes};
use sslrun::exec::{EngineKind, Fault, Feed, Store, engine};
use sslrun::graph::{Graph, Init, ParamId, ParamKind, Parameter, Shape, State, StateId};

/// More than one stretch.
const LONG: usize = 40_000;

fn parameter(name: &str, start: f64) -> Parameter {
    Parameter {
        name: name.into(),
        shape: vec![LONG / 4, 4],
        init: Init::Constant(start),
        kind: ParamKind::Weight,
        ema: None,
        unit_rows: false,
        span: None,
    }
}

fn call(name: &str, args: &[(&str, Arg)]) -> Config {
    let args = args.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let entry = sslrun::optim::OPTIMIZERS.iter().chain(sslrun::optim::RULES).copied().find(|entry| entry.name == name);
    Config { entry: entry.expect("a word about parameters"), args, span: None }
}

/// A weight with momentum and a gradient of 1 everywhere; `first` follows it and `second` follows `first`.
fn program(after: impl Fn(Assignment) -> Vec<Assignment>) -> Program {
    let mut graph = Graph::default();
    let weight = graph.parameter(parameter("weight", 1.0));
    for name in ["first", "second"] {
        graph.parameter(parameter(name, 0.0));
    }
    let loss = graph.sum_all(weight).unwrap();
    let mut program = Program::training(graph, &[loss], loss, &[], Wishes::default()).unwrap();
    let slot = State { name: "slot".into(), shape: Shape::of(&[LONG]), init: Init::Constant(0.0), span: None };
    program.graph.states.push(slot);
    let by = call("sgd", &[("momentum", Arg::Number(0.5)), ("nesterov", Arg::Bool(false))]);
    let (parameter, slots) = (ParamId(0), vec![StateId(0)]);
    let descend = Descend { by, parameter, kind: ParamKind::Weight, ndim: 2, gradient: 0, slots };
    program.after = after(Assignment::Descend(descend));
    program
}

fn follow(parameter: u32, of: u32) -> Assignment {
    Assignment::Follow { parameter: ParamId(parameter), of: ParamId(of) }
}

const DOWN: Option<Amount> = Some(Amount::Descend { lr: 0.25, weight_decay: 0.0, update: 1 });
const HALF: Option<Amount> = Some(Amount::Follow { decay: 0.5 });

/// The number that each variable holds everywhere after some steps.
fn after(program: &Program, kind: EngineKind, amounts: &[Vec<Option<Amount>>]) -> [f32; 4] {
    let mut store = Store::new(&program.graph, &|_| None, 0).unwrap();
    let mut engine = engine::<f32>(kind, program, &|_| None).unwrap();
    for after in amounts {
        let outcome = engine.run(&mut store, &Feed { after: after.clone(), ..Feed::default() }).unwrap();
        assert_eq!((outcome.fault, outcome.norms), (None, vec![200.0]));
    }
    ["weight", "first", "second", "slot"].map(|name| {
        let values = store.named(name).unwrap().values;
        assert!(values.iter().all(|x| *x == values[0]), "{name} differs from place to place");
        values[0]
    })
}

#[test]
fn averages_move_in_the_order_in_which_they_stand() {
    type Order = fn(Assignment) -> Vec<Assignment>;
    let orders: [(Order, [f32; 4]); 3] = [
        // The weight is 0.75 then; what follows it sees that, whether it moves along or not.
        (|descend| vec![descend, follow(1, 0), follow(2, 1)], [0.75, 0.375, 0.1875, 1.0]),
        (|descend| vec![descend, follow(2, 1), follow(1, 0)], [0.75, 0.375, 0.0, 1.0]),
        (|descend| vec![follow(1, 0), descend, follow(2, 0)], [0.75, 0.5, 0.375, 1.0]),
    ];
    for (order, want) in orders {
        let program = program(order);
        let amounts: Vec<Option<Amount>> =
            program.after.iter().map(|a| if matches!(a, Assignment::Descend(_)) { DOWN } else { HALF }).collect();
        for kind in [EngineKind::Planned, EngineKind::Candle] {
            assert_eq!(after(&program, kind, std::slice::from_ref(&amounts)), want, "{kind:?}");
        }
    }
}

#[test]
fn what_is_not_due_rests() {
    let program = program(|descend| vec![descend, follow(1, 0), follow(2, 0)]);
    for kind in [EngineKind::Planned, EngineKind::Candle] {
        assert_eq!(after(&program, kind, &[vec![None, HALF, None]]), [1.0, 0.5, 0.0, 0.0], "{kind:?}");
        assert_eq!(after(&program, kind, &[vec![DOWN, None, HALF]]), [0.75, 0.0, 0.375, 1.0], "{kind:?}");
        let twice = [vec![DOWN, None, None], vec![DOWN, None, None]];
        assert_eq!(after(&program, kind, &twice), [0.375, 0.0, 0.0, 1.5], "{kind:?}");
    }
}

#[test]
fn a_clipped_gradient_counts_with_its_norm() {
    let mut program = program(|descend| vec![descend]);
    // The norm of the gradient is 200: of it a hundredth is left.
    for word in ["clip_norm", "clip_each"] {
        program.clip = Some(call(word, &[("max", Arg::Number(2.0))]));
        for kind in [EngineKind::Planned, EngineKind::Candle] {
            let [weight, .., slot] = after(&program, kind, &[vec![DOWN]]);
            assert!((weight - 0.9975).abs() < 1e-6 && (slot - 0.01).abs() < 1e-6, "{word} {kind:?}: {weight} {slot}");
        }
    }
}

#[test]
fn nothing_moves_where_something_is_not_finite() {
    let program = program(|descend| vec![descend, follow(1, 0)]);
    for kind in [EngineKind::Planned, EngineKind::Candle] {
        let mut store = Store::new(&program.graph, &|_| None, 0).unwrap();
        store.named_mut("weight").unwrap()[7] = f32::INFINITY;
        let mut engine = engine::<f32>(kind, &program, &|_| None).unwrap();
        let outcome = engine.run(&mut store, &Feed { after: vec![DOWN, HALF], ..Feed::default() }).unwrap();
        assert_eq!(outcome.fault, Some(Fault::Loss(f64::INFINITY)), "{kind:?}");
        assert!(["first", "slot"].iter().all(|name| store.named(name).unwrap().values.iter().all(|x| *x == 0.0)));
    }
}
