//! Layers and backbones: names, shapes, counts, averages and running statistics in the graph; numbers in the modules below.

mod algebra;
mod encoders;
mod run;
mod transformers;
mod values;

use sslrun::catalog::{Arg, Config, Schedule};
use sslrun::graph::{Dim, Graph, Init, InputKind, NodeId, ParamKind, Shape, ShapeError, TensorType};
use sslrun::nn::{self, Build, EmaOf, MaskInput, Mode, Output, Owner};

/// The layer of a name.
fn layer(word: &str) -> &'static nn::Layer {
    let layer = nn::LAYERS.iter().find(|layer| layer.entry.name == word);
    layer.unwrap_or_else(|| panic!("no layer {word}"))
}

/// A call of a layer: the given arguments, and its defaults for the rest.
fn config(word: &str, given: &[(&str, Arg)]) -> Config {
    let entry = &layer(word).entry;
    let argument = |name: &str, default: Option<&str>| {
        let given = given.iter().find(|(n, _)| *n == name).map(|(_, a)| a.clone());
        given.unwrap_or_else(|| read(default.unwrap_or_else(|| panic!("{word} needs {name}"))))
    };
    let args = entry.params.iter().map(|p| (p.name.to_owned(), argument(p.name, p.default))).collect();
    Config { entry, args, span: None }
}

fn read(default: &str) -> Arg {
    match default {
        "none" => Arg::None,
        "true" | "false" => Arg::Bool(default == "true"),
        _ => default.parse().map_or_else(|_| Arg::Text(default.to_owned()), Arg::Number),
    }
}

/// Shorthand for a number as an argument.
fn number(x: usize) -> Arg {
    Arg::Number(x as f64)
}

fn text(t: &str) -> Arg {
    Arg::Text(t.to_owned())
}

/// The sizes of a batch of `n`.
fn sizes(n: usize) -> impl Fn(&str) -> Option<i64> {
    move |name| (name == "N").then_some(n as i64)
}

/// Applies a layer to `x` under `path`.
fn apply(
    graph: &mut Graph,
    path: &str,
    mode: Mode,
    word: &str,
    given: &[(&str, Arg)],
    x: NodeId,
) -> Result<Output, ShapeError> {
    apply_as(graph, path, mode, Owner::default(), word, given, x)
}

fn apply_as(
    graph: &mut Graph,
    path: &str,
    mode: Mode,
    owner: Owner,
    word: &str,
    given: &[(&str, Arg)],
    x: NodeId,
) -> Result<Output, ShapeError> {
    let module = (layer(word).build)(&config(word, given)).unwrap();
    module.apply(&mut Build::new(graph, path, mode, owner), x)
}

/// Applies a layer to what was made of a view with that mask.
fn apply_masked(
    graph: &mut Graph,
    path: &str,
    mode: Mode,
    word: &str,
    given: &[(&str, Arg)],
    x: NodeId,
    mask: Option<&MaskInput>,
) -> Result<Output, ShapeError> {
    let module = (layer(word).build)(&config(word, given)).unwrap();
    module.apply(&mut Build::new(graph, path, mode, Owner::default()).with_mask(mask), x)
}

fn input(graph: &mut Graph, name: &str, sizes: &[usize]) -> NodeId {
    let dims = [Dim::batch()].into_iter().chain(sizes.iter().map(|&s| Dim::from(s))).collect();
    graph.input(name, TensorType::float(Shape(dims)), InputKind::Given)
}

/// The shape that a layer makes of `[N, sizes..]`, or its complaint.
fn shape_of(word: &str, given: &[(&str, Arg)], sizes: &[usize]) -> String {
    let mut graph = Graph::default();
    let x = input(&mut graph, "x", sizes);
    match apply(&mut graph, "f", Mode::Train, word, given, x) {
        Ok(output) => graph.shape(output.value).to_string(),
        Err(error) => error.message,
    }
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.params.iter().map(|p| p.name.as_str()).collect()
}

#[test]
fn layers_have_the_shapes_of_pytorch() {
    let cases = [
        shape_of("linear", &[("out", number(7))], &[5]),
        shape_of("linear", &[("out", number(7))], &[3, 5]),
        shape_of("conv2d", &[("out", number(8))], &[32, 32, 3]),
        shape_of("conv2d", &[("out", number(8)), ("stride", number(2))], &[15, 16, 3]),
        shape_of("conv2d", &[("out", number(8)), ("kernel", number(4)), ("padding", number(0))], &[5, 4, 3]),
        shape_of("maxpool", &[("kernel", number(3)), ("stride", number(2)), ("padding", number(1))], &[7, 8, 3]),
        shape_of("avgpool", &[], &[7, 8, 3]),
        shape_of("global_avgpool", &[], &[7, 8, 3]),
        shape_of("flatten", &[], &[7, 8, 3]),
        shape_of("groupnorm", &[("groups", number(3))], &[7, 8, 6]),
        shape_of("mlp", &[("widths", Arg::List(vec![number(16), number(4)]))], &[5]),
    ];
    let wanted = [
        "[N, 7]",
        "[N, 3, 7]",
        "[N, 32, 32, 8]",
        "[N, 8, 8, 8]",
        "[N, 2, 1, 8]",
        "[N, 4, 4, 3]",
        "[N, 3, 4, 3]",
        "[N, 3]",
        "[N, 168]",
        "[N, 7, 8, 6]",
        "[N, 4]",
    ];
    assert_eq!(cases, wanted);
}

#[test]
fn misfits_are_explained() {
    let cases = [
        shape_of("linear", &[("out", number(7))], &[8, 8, 3]),
        shape_of("linear", &[("out", number(7))], &[]),
        shape_of("conv2d", &[("out", number(8))], &[5]),
        shape_of("conv2d", &[("out", number(8)), ("groups", number(2))], &[8, 8, 3]),
        shape_of("conv2d", &[("out", number(8)), ("kernel", number(7)), ("padding", number(1))], &[4, 4, 3]),
        shape_of("maxpool", &[("kernel", number(4))], &[2, 8, 3]),
        shape_of("groupnorm", &[("groups", number(4))], &[8, 8, 6]),
        shape_of("global_avgpool", &[], &[6]),
        shape_of("resnet18", &[], &[128]),
    ];
    let wanted = [
        "linear needs vectors [N, D] or tokens [N, T, D], this is [N, 8, 8, 3]",
        "linear needs a batch of vectors or images, this is [N]",
        "conv2d needs images [N, H, W, C], this is [N, 5]",
        "3 channels do not divide into 2 groups",
        "conv2d: a 7 x 7 window with padding 1 is larger than the image [N, 4, 4, 3]",
        "max_pool: a 4 x 4 window with padding 0 is larger than the image [N, 2, 8, 3]",
        "6 channels do not divide into 4 groups",
        "global_avgpool needs images [N, H, W, C], this is [N, 6]",
        "resnet18 needs images [N, H, W, C], this is [N, 128]",
    ];
    assert_eq!(cases, wanted);
    let wrong = |word: &str, given: &[(&str, Arg)]| (layer(word).build)(&config(word, given)).unwrap_err();
    assert_eq!(wrong("avgpool", &[("padding", number(2))]), "padding 2 is more than half the kernel 2");
    assert_eq!(wrong("conv2d", &[("out", number(9)), ("groups", number(2))]), "9 channels do not divide into 2 groups");
}

#[test]
fn one_set_of_weights_takes_inputs_of_one_size() {
    let mut graph = Graph::default();
    let (x, y) = (input(&mut graph, "x", &[5]), input(&mut graph, "y", &[6]));
    apply(&mut graph, "f", Mode::Train, "linear", &[("out", number(7))], x).unwrap();
    let error = apply(&mut graph, "f", Mode::Train, "linear", &[("out", number(7))], y).unwrap_err();
    assert_eq!(error.message, "`f.weight` is [7, 5] where it is used first, but [7, 6] here");
}

#[test]
fn resnets_are_torchvisions() {
    for (word, weights, tensors, features) in
        [("resnet18", 11_176_512, 60, 512), ("resnet34", 21_284_672, 108, 512), ("resnet50", 23_508_032, 159, 2048)]
    {
        let mut graph = Graph::default();
        let x = input(&mut graph, "x", &[224, 224, 3]);
        let output = apply(&mut graph, "", Mode::Train, word, &[], x).unwrap();
        assert_eq!(graph.shape(output.value).to_string(), format!("[N, {features}]"));
        assert_eq!(graph.params.iter().map(|p| p.shape.iter().product::<usize>()).sum::<usize>(), weights, "{word}");
        // What torchvision's state_dict holds without `fc` and the batch counters: two statistics a batch norm.
        let norms = graph.params.iter().filter(|p| p.kind == ParamKind::Norm).count() / 2;
        assert_eq!((graph.params.len(), graph.states.len(), graph.updates.len()), (tensors, 2 * norms, 2 * norms));
        assert_eq!(graph.params.len() - 2 * norms, norms, "every convolution has its batch norm");
        assert_eq!(output.taps.len(), 1);
        assert_eq!(
            (output.taps[0].0.as_str(), graph.shape(output.taps[0].1).to_string()),
            ("map", format!("[N, 7, 7, {features}]"))
        );
    }
}

#[test]
fn resnet_parameters_are_named_as_in_torchvision() {
    let mut graph = Graph::default();
    let x = input(&mut graph, "x", &[64, 64, 3]);
    apply(&mut graph, "f.encoder", Mode::Train, "resnet50", &[("zero_init", Arg::Bool(true))], x).unwrap();
    let all = names(&graph);
    assert_eq!(all[..3], ["f.encoder.conv1.weight", "f.encoder.bn1.weight", "f.encoder.bn1.bias"]);
    let parts = ["conv1.weight", "bn3.bias", "downsample.0.weight", "downsample.1.bias"];
    assert!(parts.iter().all(|part| all.contains(&format!("f.encoder.layer2.0.{part}").as_str())), "{all:?}");
    assert!(!all.contains(&"f.encoder.layer2.1.downsample.0.weight"));
    let find = |name: &str| &graph.params[graph.find_parameter(name).unwrap().index()];
    assert_eq!(find("f.encoder.layer2.0.conv2.weight").shape, [128, 128, 3, 3]);
    assert_eq!(find("f.encoder.layer2.0.downsample.0.weight").shape, [512, 256, 1, 1]);
    assert_eq!(find("f.encoder.layer4.2.bn3.weight").init, Init::Constant(0.0));
    assert_eq!(find("f.encoder.layer4.2.bn2.weight").init, Init::Constant(1.0));
    assert_eq!(graph.states[0].name, "f.encoder.bn1.running_mean");
}

#[test]
fn stems_and_widths() {
    let small = |width: usize, side: usize| {
        shape_of("resnet18", &[("stem", text("small")), ("width", number(width))], &[side, side, 3])
    };
    assert_eq!([small(16, 32), small(64, 1)], ["[N, 128]", "[N, 512]"]);
    let mut graph = Graph::default();
    let x = input(&mut graph, "x", &[32, 32, 3]);
    let output = apply(&mut graph, "f", Mode::Train, "resnet18", &[("stem", text("small"))], x).unwrap();
    assert_eq!(graph.shape(output.taps[0].1).to_string(), "[N, 4, 4, 512]");
    assert_eq!(graph.params[0].shape, [64, 3, 3, 3]);
}

#[test]
fn perceptrons_are_numbered_as_a_sequential() {
    let mlp = |widths: &[usize], given: &[(&'static str, Arg)]| {
        let mut graph = Graph::default();
        let x = input(&mut graph, "x", &[8]);
        let mut args = vec![("widths", Arg::List(widths.iter().map(|&w| number(w)).collect()))];
        args.extend_from_slice(given);
        apply(&mut graph, "p", Mode::Train, "mlp", &args, x).unwrap();
        names(&graph).join(" ")
    };
    assert_eq!(mlp(&[4], &[]), "p.0.weight p.0.bias");
    assert_eq!(mlp(&[4, 2], &[]), "p.0.weight p.1.weight p.1.bias p.3.weight p.3.bias");
    assert_eq!(mlp(&[4, 2], &[("norm", text("none"))]), "p.0.weight p.0.bias p.2.weight p.2.bias");
    assert_eq!(mlp(&[4, 2], &[("last_bias", Arg::Bool(false))]), "p.0.weight p.1.weight p.1.bias p.3.weight");
    assert_eq!(mlp(&[4, 2], &[("last", text("batchnorm"))]), "p.0.weight p.1.weight p.1.bias p.3.weight");
    assert_eq!(
        mlp(&[4, 2], &[("bias", text("always")), ("last", text("batchnorm"))]),
        "p.0.weight p.0.bias p.1.weight p.1.bias p.3.weight p.3.bias"
    );
    assert_eq!(mlp(&[4, 2], &[("bias", text("never"))]), "p.0.weight p.1.weight p.1.bias p.3.weight");
}

fn target() -> Owner {
    let (copy, source) = ("target".to_owned(), "online".to_owned());
    Owner {
        ema: Some(EmaOf { copy, source, decay: Schedule::constant(0.99), before: true, every: None, then: None }),
        span: None,
    }
}

#[test]
fn an_averaged_branch_follows_its_source_path_by_path() {
    for source_first in [true, false] {
        let mut graph = Graph::default();
        let x = input(&mut graph, "x", &[32, 32, 3]);
        let width = [("width", number(4))];
        if source_first {
            apply(&mut graph, "online.encoder", Mode::Train, "resnet18", &width, x).unwrap();
        }
        apply_as(&mut graph, "target.encoder", Mode::Train, target(), "resnet18", &width, x).unwrap();
        if !source_first {
            apply(&mut graph, "online.encoder", Mode::Train, "resnet18", &width, x).unwrap();
        }
        assert_eq!(graph.params.len(), 120);
        for copy in graph.params.iter().filter(|p| p.name.starts_with("target.")) {
            let ema = copy.ema.as_ref().unwrap();
            let source = &graph.params[ema.of.index()];
            assert_eq!(copy.name.replacen("target", "online", 1), source.name);
            assert_eq!((&copy.shape, copy.init, &source.ema), (&source.shape, source.init, &None));
            assert_eq!((ema.decay.clone(), ema.before), (Schedule::constant(0.99), true));
        }
        let running = graph.states.iter().filter(|s| s.name.starts_with("target.")).count();
        assert_eq!((running, graph.states.len()), (40, 80), "each branch has its own running statistics");
    }
}

#[test]
fn running_statistics_follow_each_use_once_and_in_order() {
    let mut graph = Graph::default();
    let (a, b) = (input(&mut graph, "a", &[6]), input(&mut graph, "b", &[6]));
    let norm = |graph: &mut Graph, x| apply(graph, "f", Mode::Train, "batchnorm", &[], x).unwrap().value;
    let first = norm(&mut graph, a);
    let only_a = graph.updates.clone();
    norm(&mut graph, b);
    let both = graph.updates.clone();
    assert_eq!(norm(&mut graph, a), first, "the same use is the same node");
    norm(&mut graph, b);
    assert_eq!(graph.updates, both, "and counts once");
    assert_eq!(both.len(), 2);
    for (before, after) in only_a.iter().zip(&both) {
        assert_eq!(graph.node(after.value).inputs[0], before.value, "the second use goes on from the first");
    }
    let stats = graph.node(first).inputs[1];
    let average = graph.node(only_a[1].value);
    assert_eq!((average.inputs[1], average.attrs().get_float("momentum")), (stats, 0.1));
    assert_eq!(average.attrs().get_dims("count"), [Dim::batch()]);
}

#[test]
fn evaluation_reads_running_statistics_and_drops_nothing() {
    let mut graph = Graph::default();
    let x = input(&mut graph, "x", &[6]);
    apply(&mut graph, "f", Mode::Eval, "batchnorm", &[], x).unwrap();
    assert!(graph.updates.is_empty());
    assert!(graph.nodes().all(|(_, n)| n.kind.to_string() != "channel_stats"));
    assert_eq!(apply(&mut graph, "d", Mode::Eval, "dropout", &[], x).unwrap().value, x);
}

#[test]
fn dropout_draws_anew_for_each_layer_and_input() {
    let mut graph = Graph::default();
    let (x, y) = (input(&mut graph, "x", &[6]), input(&mut graph, "y", &[6]));
    let mut drop = |path: &str, x| apply(&mut graph, path, Mode::Train, "dropout", &[], x).unwrap().value;
    let first = drop("f.0", x);
    assert_eq!(drop("f.0", x), first, "one forward pass however often it is written");
    let others = [drop("f.1", x), drop("f.0", y)];
    let mask =
        |node| graph.node(node).inputs.iter().copied().find(|&i| graph.node(i).kind.to_string() == "dropout_mask");
    assert!(others.iter().all(|&o| mask(o).is_some() && mask(o) != mask(first)) && mask(others[0]) != mask(others[1]));
}

#[test]
fn every_layer_is_documented_and_known_by_name() {
    for layer in nn::LAYERS {
        assert_eq!(nn::layer(&layer.entry).expect("it is registered").entry, layer.entry);
        assert!(layer.entry.doc.ends_with('.') && !layer.entry.formula.is_empty());
        assert!(layer.entry.params.iter().all(|p| !p.doc.is_empty()));
    }
    assert!(nn::layer(&sslrun::optim::CLIP_NORM).is_none());
}
