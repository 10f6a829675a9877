//! The store of a run: flat buffers found by id, taken over whole or not at all.

use sslrun::catalog::Schedule;
use sslrun::exec::{EngineKind, Feed, Source, Store, engine};
use sslrun::graph::{Dim, Ema, Fan, Graph, Init, ParamId, Parameter, Shape, State, StateId};
use sslrun::train::{Checkpoint, Clock, Learner, last_checkpoint};

use crate::cli::place_of;
use crate::engines::{parameter, sizes};
use crate::train::recipe;

fn small_graph() -> Graph {
    let mut graph = Graph::default();
    graph.parameter(parameter("f.weight", &[64, 32], Init::KaimingNormal(Fan::In)));
    let ema = Some(Ema { of: ParamId(0), decay: Schedule::constant(0.99), before: false, every: None });
    graph.parameter(Parameter { ema, ..parameter("g.weight", &[64, 32], Init::Normal(1.0)) });
    let shape = Shape(vec![Dim::batch(), 8usize.into()]);
    graph.state(State { name: "bank".into(), shape, init: Init::Sphere, span: None });
    graph
}

#[test]
fn first_values_follow_their_rule_and_seed() {
    let store = Store::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    let weight = store.get(store.param(ParamId(0)));
    let variance = weight.iter().map(|w| w * w).sum::<f32>() / weight.len() as f32;
    assert!((variance * 16.0 - 1.0).abs() < 0.1, "{variance}");
    assert_eq!(weight, store.get(store.param(ParamId(1))), "an average starts as a copy");
    let bank = store.buffer(store.state(StateId(0)));
    assert_eq!(bank.shape, [4, 8]);
    assert!(bank.values.chunks(8).all(|row| (row.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5));
    let other = Store::<f32>::new(&small_graph(), &sizes, 8).unwrap();
    assert_ne!(weight, other.get(other.param(ParamId(0))));
}

#[test]
fn averages_move_in_place() {
    let mut store = Store::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    let (of, average) = (store.param(ParamId(0)), store.param(ParamId(1)));
    let [mine, other] = store.disjoint([average, of]);
    mine.fill(1.0);
    other.fill(3.0);
    mine.iter_mut().zip(other).for_each(|(m, o)| *m = 0.5 * *m + 0.5 * *o);
    assert!(store.get(average).iter().all(|&x| x == 2.0));
}

#[test]
fn another_graph_finds_its_parameters_by_name() {
    let store = Store::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    let mut encoder = Graph::default();
    encoder.parameter(parameter("g.weight", &[64, 32], Init::Constant(0.0)));
    let binding = store.bind(&encoder).unwrap();
    assert_eq!(binding.param(ParamId(0)), store.param(ParamId(1)));
    encoder.parameter(parameter("h.weight", &[64, 32], Init::Constant(0.0)));
    assert_eq!(store.bind(&encoder).unwrap_err().message, "there is no parameter or state `h.weight`");
}

/// Some tensors in memory.
struct Given(Vec<(&'static str, Vec<usize>, Vec<f32>)>);

impl Source<f32> for Given {
    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.iter().find(|(n, ..)| *n == name).map(|(_, shape, _)| shape.as_slice())
    }

    fn fill(&mut self, name: &str, into: &mut [f32]) -> Result<(), String> {
        let found = self.0.iter().find(|(n, ..)| *n == name).ok_or("asked for what is not there")?;
        into.copy_from_slice(&found.2);
        Ok(())
    }
}

#[test]
fn a_store_takes_over_all_or_nothing_by_name() {
    let first = Store::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    let mut second = Store::<f32>::new(&small_graph(), &sizes, 8).unwrap();
    let values = |store: &Store| store.iter().map(|buffer| buffer.values.to_vec()).collect::<Vec<_>>();
    let before = values(&second);
    let mut given = Given(first.iter().map(|b| ("", b.shape.to_vec(), b.values.to_vec())).collect());
    for (tensor, name) in given.0.iter_mut().zip(["f.weight", "g.weight", "bank"]) {
        tensor.0 = name;
    }
    given.0[2].1 = vec![64, 32];
    assert_eq!(second.load(&mut given).unwrap_err().message, "`bank` has the shape [64, 32] instead of [4, 8]");
    assert_eq!(values(&second), before);
    let bank = given.0.pop().expect("the bank");
    assert_eq!(second.load(&mut given).unwrap_err().message, "there is no `bank`");
    assert_eq!(values(&second), before);
    second.load_some(&mut given, &|name| name != "bank").unwrap();
    assert_eq!(values(&second)[..2], values(&first)[..2]);
    assert_eq!(values(&second)[2], before[2]);
    given.0.extend([("another", vec![1], vec![0.0]), ("bank", vec![4, 8], bank.2)]);
    second.load(&mut given).unwrap();
    assert_eq!(values(&second), values(&first));
    let mut third = Store::<f32>::new(&small_graph(), &sizes, 9).unwrap();
    third.load(&mut &first).unwrap();
    assert_eq!(values(&third), values(&first));
}

#[test]
fn buffers_are_lent_together_in_any_order() {
    let mut store = Store::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    let (weight, bank) = (store.param(ParamId(0)), store.state(StateId(0)));
    assert_eq!((store.name(weight), store.name(bank)), ("f.weight", "bank"));
    assert_eq!(store.iter().map(|b| b.name.to_owned()).collect::<Vec<_>>(), ["f.weight", "g.weight", "bank"]);
    let [second, first] = store.several(&[bank, weight]).try_into().expect("two buffers");
    first.fill(2.0);
    second.fill(3.0);
    assert_eq!((store.get(weight)[5], store.get(bank)[5]), (2.0, 3.0));
    assert_eq!(store.set(bank, &[1.0]).unwrap_err().message, "a state of 32 numbers cannot become 1 numbers");
}

#[test]
#[should_panic(expected = "different buffers")]
fn one_buffer_is_not_lent_twice() {
    let mut store = Store::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    let weight = store.param(ParamId(0));
    store.several(&[weight, weight]);
}

/// An engine that has met one store reads and writes the right buffers of another, in which they stand elsewhere.
#[test]
fn engines_find_their_buffers_in_each_store() {
    let mut graph = Graph::default();
    let (state, old) = graph.state(State {
        name: "count".into(),
        shape: Shape(vec![2usize.into()]),
        init: Init::Constant(1.0),
        span: None,
    });
    let weight = graph.parameter(parameter("weight", &[2], Init::Constant(10.0)));
    let next = graph.add(old, weight).unwrap();
    graph.update(state, next);
    let loss = graph.sum_all(next).unwrap();
    let program =
        sslrun::compile::Program::training(graph.clone(), &[loss], loss, &[], sslrun::compile::Wishes::default())
            .unwrap();
    let mut larger = Graph::default();
    larger.parameter(parameter("other", &[2], Init::Constant(5.0)));
    larger.parameter(parameter("weight", &[2], Init::Constant(20.0)));
    larger.state(State {
        name: "more".into(),
        shape: Shape(vec![2usize.into()]),
        init: Init::Constant(7.0),
        span: None,
    });
    larger.state(graph.states[0].clone());
    for kind in [EngineKind::Planned, EngineKind::Candle] {
        let mut engine = engine::<f32>(kind, &program, &sizes).unwrap();
        let mut stores = [&graph, &larger].map(|graph| Store::<f32>::new(graph, &sizes, 0).unwrap());
        for round in 1..=2 {
            for (store, step) in stores.iter_mut().zip([10.0, 20.0]) {
                engine.run(store, &Feed::default()).unwrap();
                assert_eq!(store.named("count").unwrap().values, [1.0 + round as f32 * step; 2], "{kind:?}");
            }
        }
        engine.run(&mut stores[0], &Feed::default()).unwrap();
        assert_eq!(stores[0].named("count").unwrap().values, [31.0; 2]);
        // What was computed on one store is not moved on in another.
        assert!(engine.advance(&mut stores[1], &Feed::default()).is_err());
        assert_eq!(stores[1].named("more").unwrap().values, [7.0; 2]);
    }
}

const TRAINED: &str = "views { a, b: crop(0.5..1, size: 8) }
branch f { encoder: conv2d(4) | batchnorm | relu | global_avgpool; head: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 1; batch: 16; optimizer: sgd(lr: 0.3) }
evaluate { probes: [] }
";

#[test]
fn a_checkpoint_of_another_recipe_changes_nothing() {
    let place = place_of("store", TRAINED);
    place.expect(0, &[&place.recipe, "--data", "shapes:train=64,test=20,size=16", "--quiet", "-o", "run"]);
    let path = last_checkpoint(&place.folder.join("run"));
    let checkpoint = Checkpoint::read(&path).expect("a checkpoint");
    let learner = |text: &str| {
        let clock = Clock { steps: 4, per_epoch: 4 };
        Learner::new(&recipe(text), EngineKind::Planned, clock).expect("a learner")
    };
    let values = |learner: &Learner| learner.store.iter().map(|b| b.values.to_vec()).collect::<Vec<_>>();
    let others = [
        ("linear(8)", "linear(6)", "`f.head.weight` has the shape [8, 4] instead of [6, 4]"),
        ("head: linear(8)", "head: linear(8); more: linear(8)", "there is no `f.more.weight`"),
        ("sgd(lr: 0.3)", "adamw(lr: 0.3)", "there is no `adamw.0/f.encoder.0.weight`"),
    ];
    for (was, is, want) in others {
        let mut other = learner(&TRAINED.replace(was, is));
        let before = values(&other);
        let message = checkpoint.restore(&mut other).expect_err(want).to_string();
        assert_eq!(message, format!("cannot go on from {}: {want}", path.display()));
        assert_eq!(values(&other), before, "{want}");
    }
    let mut same = learner(TRAINED);
    checkpoint.restore(&mut same).expect("its own recipe");
    assert_ne!(values(&same), values(&learner(TRAINED)));
    let bytes = std::fs::read(&path).expect("the file");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("tensors");
    assert_eq!(file.len(), same.store.iter().count());
    for buffer in same.store.iter() {
        let tensor = file.tensor(buffer.name).expect("a tensor of that name");
        let numbers = tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        assert_eq!((tensor.shape(), numbers.collect::<Vec<_>>().as_slice()), (buffer.shape, buffer.values));
    }
}
