//! From graph to plan: gradients only where needed, buffers that never collide, printers.

use proptest::prelude::*;
use sslrun::compile::{Buffer, Description, Loc, Operand, Plan, Program, Wishes, lay_out, reaches};
use sslrun::graph::{Dim, Graph, Init, InputKind, NodeId, ParamKind, Parameter, Shape, TensorType};
use sslrun::source::{FileId, Span};

fn input(g: &mut Graph, name: &str, shape: &[Dim]) -> NodeId {
    g.input(name, TensorType::float(Shape(shape.to_vec())), InputKind::Given)
}

fn parameter(g: &mut Graph, name: &str, shape: &[usize]) -> NodeId {
    g.parameter(Parameter {
        name: name.to_owned(),
        shape: shape.to_vec(),
        init: Init::Constant(0.0),
        kind: ParamKind::Weight,
        ema: None,
        unit_rows: false,
        span: None,
    })
}

fn batch_of(width: i64) -> Vec<Dim> {
    vec![Dim::batch(), Dim::from(width)]
}

fn sizes(name: &str) -> Option<i64> {
    (name == "N").then_some(6)
}

/// The operations that are needed only for gradients.
fn backward_operations(program: &Program, forward: usize) -> Vec<String> {
    program
        .live()
        .into_iter()
        .filter(|n| n.index() >= forward)
        .map(|n| program.graph.node(n).kind.to_string())
        .collect()
}

#[test]
fn a_loss_must_be_a_scalar() {
    let mut g = Graph::default();
    let w = parameter(&mut g, "w", &[3]);
    let error = Program::training(g, &[w], w, &[], Wishes::default()).unwrap_err();
    assert_eq!(error.message, "the loss must be a scalar, it has the shape [3]");
}

#[test]
fn nothing_is_computed_for_what_needs_no_gradient() {
    let mut g = Graph::default();
    let x = input(&mut g, "x", &batch_of(4));
    let (v, w) = (parameter(&mut g, "v", &[4, 3]), parameter(&mut g, "w", &[4, 3]));
    let student = g.matmul(x, v).unwrap();
    let teacher = g.matmul(x, w).unwrap();
    let teacher = g.tanh(teacher).unwrap();
    let teacher = g.stopgrad(teacher).unwrap();
    let difference = g.sub(student, teacher).unwrap();
    let square = g.square(difference).unwrap();
    let loss = g.mean_all(square).unwrap();
    let forward = g.len();
    let program = Program::training(g, &[loss], loss, &[], Wishes::default()).unwrap();
    assert_eq!(program.grads.len(), 1, "only `v` has a gradient");
    assert_eq!(program.graph.params[program.grads[0].0.index()].name, "v");
    let operations = backward_operations(&program, forward);
    assert_eq!(operations.iter().filter(|o| **o == "matmul").count(), 1, "{operations:?}");
    assert!(operations.iter().all(|name| name != "broadcast_to"), "{operations:?}");
}

#[test]
fn an_input_has_a_gradient_if_it_is_asked_for() {
    let mut g = Graph::default();
    let (x, y) = (input(&mut g, "x", &batch_of(4)), input(&mut g, "y", &batch_of(4)));
    let stopped = g.stopgrad(y).unwrap();
    let product = g.mul(x, stopped).unwrap();
    let loss = g.sum_all(product).unwrap();
    let program = Program::training(g, &[loss], loss, &["x", "y"], Wishes::default()).unwrap();
    let [(first, by_x), (second, by_y)] = &program.input_grads[..] else { panic!("two gradients") };
    assert_eq!((first.as_str(), second.as_str()), ("x", "y"));
    assert_eq!(*by_x, stopped, "the gradient of sum(x y) by x is y, with nothing computed");
    assert_eq!(program.graph.node(*by_y).kind.to_string(), "broadcast_to", "zeros");
}

#[test]
fn the_gradient_of_slices_is_a_concatenation() {
    let mut g = Graph::default();
    let w = parameter(&mut g, "w", &[6, 2]);
    let mut loss = g.constant(0.0);
    for i in 0..3i64 {
        let part = g.slice(w, 0, &Dim::from(2 * i), &Dim::from(2i64)).unwrap();
        let part = g.exp(part).unwrap();
        let sum = g.sum_all(part).unwrap();
        loss = g.add(loss, sum).unwrap();
    }
    let forward = g.len();
    let program = Program::training(g, &[loss], loss, &[], Wishes::default()).unwrap();
    let operations = backward_operations(&program, forward);
    assert!(operations.iter().all(|o| *o == "concat"), "{operations:?}");
}

#[test]
fn gradients_know_the_source_of_what_they_are_gradients_of() {
    let mut g = Graph::default();
    let w = parameter(&mut g, "w", &[3]);
    let span = Span::new(FileId::ALONE, 10..16);
    let y = g.at(Some(span), |g| g.tanh(w)).unwrap();
    let loss = g.sum_all(y).unwrap();
    assert_eq!((g.node(y).span, g.node(loss).span), (Some(span), None), "what comes after is of another place");
    let program = Program::training(g, &[loss], loss, &[], Wishes::default()).unwrap();
    assert_eq!(program.graph.node(program.grads[0].1).span, Some(span));
}

#[test]
fn gradients_reach_through_everything_but_a_stop() {
    let mut g = Graph::default();
    let (v, w) = (parameter(&mut g, "v", &[3]), parameter(&mut g, "w", &[3]));
    let stopped = g.stopgrad(v).unwrap();
    let product = g.mul(stopped, w).unwrap();
    assert_eq!(reaches(&g, product).into_iter().map(|p| p.0).collect::<Vec<_>>(), [1]);
    let chosen = g.argsort(w, 0, false).unwrap();
    assert!(reaches(&g, chosen).is_empty());
}

#[test]
fn dead_code_is_not_planned_and_views_cost_nothing() {
    let mut g = Graph::default();
    let x = input(&mut g, "x", &batch_of(4));
    let _unused = g.exp(x).unwrap();
    let y = g.tanh(x).unwrap();
    let flat = g.reshape(y, &[&Dim::batch() * &Dim::from(4i64)]).unwrap();
    let stopped = g.stopgrad(flat).unwrap();
    let plan = Plan::new(&Program::forward(g, vec![stopped]), &sizes).unwrap();
    assert_eq!(plan.steps.iter().map(|s| s.op.to_string()).collect::<Vec<_>>(), ["tanh"]);
    assert_eq!(plan.outputs[0].shape, [24]);
    assert_eq!(plan.outputs[0].loc, plan.steps[0].output.loc);
}

#[test]
fn a_chain_of_elementwise_operations_works_in_one_place() {
    let mut g = Graph::default();
    let x = input(&mut g, "x", &batch_of(1000));
    let mut y = x;
    for _ in 0..5 {
        y = g.sin(y).unwrap();
        y = g.square(y).unwrap();
    }
    let plan = Plan::new(&Program::forward(g, vec![y]), &sizes).unwrap();
    assert_eq!(plan.arena_len, 6000);
    assert_eq!(plan.steps[0].in_place, None, "an input is never written");
    assert!(plan.steps[1..].iter().all(|s| s.in_place == Some(0)));
}

#[test]
fn sizes_that_do_not_fit_are_found_when_planning() {
    let mut g = Graph::default();
    let x = input(&mut g, "x", &batch_of(4));
    let part = g.slice(x, 0, &Dim::default(), &Dim::from(8i64)).unwrap();
    let program = Program::forward(g, vec![part]);
    let error = Plan::new(&program, &sizes).unwrap_err();
    assert_eq!(error.message, "cannot take 0..8 of dimension 0 of [N, 4]: it has 6");
    assert!(Plan::new(&program, &|_| None).unwrap_err().message.contains("the size of dimension N is not known"));
}

/// A recipe's worth of text about a small program.
fn small_program() -> Program {
    let mut g = Graph::default();
    let x = input(&mut g, "x", &batch_of(4));
    let w = parameter(&mut g, "f.head.weight", &[4, 8]);
    let y = g.matmul(x, w).unwrap();
    let y = g.relu(y).unwrap();
    let loss = g.mean_all(y).unwrap();
    Program::training(g, &[loss], loss, &[], Wishes::default()).unwrap()
}

#[test]
fn a_program_prints_as_text_dot_and_ron() {
    let program = small_program();
    let plan = Plan::new(&program, &sizes).unwrap();
    let with_plan = Description::new(&program, Some(&plan));
    let text = with_plan.to_string();
    assert!(text.contains("matmul(%0, %1, ta: false, tb: false)"), "{text}");
    assert!(text.contains("parameters    32 trained, 0 not"), "{text}");
    assert!(text.contains("gradient of f.head.weight"), "{text}");
    let symbolic = Description::new(&program, None);
    assert!(symbolic.to_string().contains("64N"), "2 * N * 4 * 8 FLOPs\n{symbolic}");
    assert_eq!(with_plan.nodes.iter().find(|n| n.operation == "matmul").unwrap().flops_count, Some(384));
    let back: Description = ron::from_str(&with_plan.ron().unwrap()).unwrap();
    assert_eq!(back, with_plan);
    let dot = with_plan.dot();
    assert!(dot.starts_with("digraph") && dot.contains("n0 -> n2;"), "{dot}");
}

proptest! {
    #[test]
    fn buffers_alive_together_never_overlap(spans in prop::collection::vec((1usize..200, 0usize..40, 0usize..12), 0..60)) {
        let buffers: Vec<Buffer> =
            spans.iter().map(|&(len, birth, life)| Buffer { len, birth, death: birth + life }).collect();
        let (offsets, length) = lay_out(&buffers);
        for (i, a) in buffers.iter().enumerate() {
            prop_assert!(offsets[i].is_multiple_of(16) && offsets[i] + a.len <= length);
            for (j, b) in buffers.iter().enumerate().take(i) {
                let apart = offsets[i] + a.len <= offsets[j] || offsets[j] + b.len <= offsets[i];
                prop_assert!(!a.meets(b) || apart, "{i} and {j}");
            }
        }
    }

    #[test]
    fn every_value_is_there_when_it_is_read(choices in prop::collection::vec((0u8..14, 0usize..100, 0usize..100), 1..60)) {
        let program = random_program(&choices);
        check_memory(&program, &Plan::new(&program, &sizes).unwrap());
        let fused = program.fused();
        check_memory(&fused, &Plan::new(&fused, &sizes).unwrap());
    }
}

/// A program of square matrices, vectors and scalars, with gradients.
fn random_program(choices: &[(u8, usize, usize)]) -> Program {
    let mut g = Graph::default();
    let square = [Dim::from(5i64), Dim::from(5i64)];
    let mut made = vec![input(&mut g, "x", &square), parameter(&mut g, "w", &[5, 5]), parameter(&mut g, "v", &[5, 5])];
    for &(operation, i, j) in choices {
        let (a, b) = (made[i % made.len()], made[j % made.len()]);
        made.push(random_node(&mut g, operation, a, b));
    }
    let mut loss = g.constant(0.0);
    for &node in made.iter().rev().take(3) {
        let mean = g.mean_all(node).unwrap();
        loss = g.add(loss, mean).unwrap();
    }
    let outputs = [loss, made[made.len() / 2]];
    Program::training(g, &outputs, loss, &["x"], Wishes::default()).unwrap()
}

fn random_node(g: &mut Graph, operation: u8, a: NodeId, b: NodeId) -> NodeId {
    let five = Dim::from(5i64);
    match operation {
        0 => g.add(a, b),
        1 => g.mul(a, b),
        2 => g.sub(a, b),
        3 => g.matmul(a, b),
        4 => g.transpose_last(a),
        5 => g.tanh(a),
        6 => g.relu(a),
        7 => g.sum(a, &[0], true).and_then(|s| g.mul(s, b)),
        8 => g.concat(&[a, b], 0).and_then(|c| g.slice(c, 0, &Dim::from(2i64), &five)),
        9 => g.reshape(a, &[Dim::from(25i64)]).and_then(|f| g.reshape(f, &[five.clone(), five.clone()])),
        10 => g.stopgrad(a),
        11 => g.less(a, b).and_then(|c| g.select(c, a, b)),
        12 => g.max(a, &[1], true).and_then(|m| g.maximum(m, b)),
        _ => g.argsort(a, 1, true).and_then(|order| g.gather(b, order, 1)),
    }
    .unwrap()
}

/// Runs a plan on a memory that holds, instead of numbers, the names of the nodes they belong to.
fn check_memory(program: &Program, plan: &Plan) {
    let mut memory: Vec<Option<NodeId>> = vec![None; plan.arena_len];
    let root = |mut node: NodeId| {
        while matches!(program.graph.node(node).kind.to_string().as_str(), "reshape" | "stopgrad") {
            node = program.graph.node(node).inputs[0];
        }
        node
    };
    let holds = |memory: &[Option<NodeId>], operand: &Operand, node: NodeId| match operand.loc {
        Loc::Arena { offset, len } => {
            assert_eq!(len, operand.len());
            memory[offset..offset + len].iter().all(|&owner| owner == Some(root(node)))
        }
        _ => program.graph.node(root(node)).inputs.is_empty(),
    };
    for step in &plan.steps {
        let node = program.graph.node(step.node);
        for (operand, &input) in step.inputs.iter().zip(&node.inputs) {
            assert!(holds(&memory, operand, input), "{} reads what is no longer there", node.kind);
        }
        let Loc::Arena { offset, len } = step.output.loc else { panic!("{} writes outside", node.kind) };
        for (i, operand) in step.inputs.iter().enumerate() {
            let Loc::Arena { offset: from, len: count } = operand.loc else { continue };
            let apart = from + count <= offset || offset + len <= from;
            let same = step.in_place.is_some() && operand.shape == step.output.shape && from == offset;
            assert!(apart || same, "input {i} of {} is overwritten", node.kind);
        }
        memory[offset..offset + len].fill(Some(step.node));
    }
    let results = plan.outputs.iter().chain(&plan.loss).chain(plan.grads.iter().map(|(_, o)| o));
    let results = results.chain(plan.input_grads.iter().map(|(_, o)| o));
    for (operand, node) in results.zip(program.results()) {
        assert!(holds(&memory, operand, node), "a result is not kept to the end");
    }
}
