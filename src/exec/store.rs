//! The store: what lives from step to step, as flat buffers of numbers.

use super::{ExecError, Real, claim, init};
use crate::graph::{Graph, ParamId, StateId};
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

/// Buffers of numbers that live from step to step, each with an id, a name and a shape: the parameters and states of a graph, and
/// whatever is added to them, such as what optimizers keep. Nothing is said about who changes them.
#[derive(Debug)]
pub struct Store<T: Real = f32> {
    layout: Arc<Layout>,
    values: Vec<Vec<T>>,
}

/// A buffer of a store. Ids count from 0: the parameters of the graph, then its states, then what was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BufferId(u32);

impl BufferId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the buffers of a store are called, and their shapes. It is shared with whoever has looked something up in it, and never changes
/// under them: a store to which a buffer is added gets another one.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    params: usize,
    states: usize,
    buffers: Vec<(String, Vec<usize>)>,
    ids: HashMap<String, BufferId>,
}

/// A buffer as it is read.
#[derive(Clone, Copy, Debug)]
pub struct Buffer<'a, T> {
    /// Its name.
    pub name: &'a str,
    /// The sizes of its dimensions.
    pub shape: &'a [usize],
    /// Its numbers, row-major.
    pub values: &'a [T],
}

/// Where a store can take values from, by their names: a file, or another store.
pub trait Source<T> {
    /// The shape of what has that name, if there is something.
    fn shape(&self, name: &str) -> Option<&[usize]>;

    /// Copies its numbers into a buffer of that shape.
    fn fill(&mut self, name: &str, into: &mut [T]) -> Result<(), String>;
}

impl<T: Real> Store<T> {
    /// The first values of everything a graph holds, drawn from the seed and each name. Averaged parameters start as
    /// copies of what they follow. `size` gives the sizes of the symbols, such as `N`.
    pub fn new(graph: &Graph, size: &dyn Fn(&str) -> Option<i64>, seed: u64) -> Result<Self, ExecError> {
        let states = graph.states.iter().map(|s| {
            let shape = s.shape.concrete(size);
            shape.ok_or_else(|| ExecError::new(format!("the size {} of `{}` is not known", s.shape, s.name)))
        });
        let states = states.collect::<Result<Vec<_>, _>>()?;
        let count = |shape: &Vec<usize>| shape.iter().fold(size_of::<T>(), |all, n| all.saturating_mul(*n));
        let shapes = graph.params.iter().map(|p| &p.shape).chain(&states);
        claim("all parameters and states", shapes.map(count).fold(0, usize::saturating_add))?;
        let mut store = Store { layout: Arc::default(), values: Vec::new() };
        let params = graph.params.iter().map(|p| (&p.name, &p.shape, p.init));
        let states = graph.states.iter().zip(&states).map(|(s, shape)| (&s.name, shape, s.init));
        for (name, shape, init) in params.chain(states) {
            store.push(name, shape, init::values(init, shape, seed, name))?;
        }
        let layout = Arc::make_mut(&mut store.layout);
        (layout.params, layout.states) = (graph.params.len(), graph.states.len());
        store.copy_sources(graph);
        Ok(store)
    }

    /// Adds a buffer of zeros.
    pub fn add(&mut self, name: &str, shape: &[usize]) -> Result<BufferId, ExecError> {
        self.push(name, shape, vec![T::ZERO; shape.iter().product()])
    }

    fn push(&mut self, name: &str, shape: &[usize], values: Vec<T>) -> Result<BufferId, ExecError> {
        let id = BufferId(self.values.len() as u32);
        let layout = Arc::make_mut(&mut self.layout);
        if layout.ids.contains_key(name) {
            return Err(ExecError::new(format!("two tensors are named `{name}`")));
        }
        layout.ids.insert(name.to_owned(), id);
        layout.buffers.push((name.to_owned(), shape.to_vec()));
        self.values.push(values);
        Ok(id)
    }

    fn copy_sources(&mut self, graph: &Graph) {
        for (i, parameter) in graph.params.iter().enumerate() {
            let mut source = parameter.ema.as_ref().map(|e| e.of);
            while let Some(next) = source.and_then(|s| graph.params[s.index()].ema.as_ref()).map(|e| e.of) {
                source = Some(next);
            }
            if let Some(source) = source {
                let [mine, first] = self.disjoint([BufferId(i as u32), self.param(source)]);
                mine.copy_from_slice(first);
            }
        }
    }

    /// The buffer of a parameter of the graph that the store was made for.
    pub fn param(&self, id: ParamId) -> BufferId {
        BufferId(id.index() as u32)
    }

    /// The buffer of a state of the graph that the store was made for.
    pub fn state(&self, id: StateId) -> BufferId {
        BufferId((self.layout.params + id.index()) as u32)
    }

    /// The buffer of that name.
    pub fn find(&self, name: &str) -> Option<BufferId> {
        self.layout.ids.get(name).copied()
    }

    /// What a buffer is called.
    pub fn name(&self, id: BufferId) -> &str {
        &self.layout.buffers[id.index()].0
    }

    /// The sizes of a buffer's dimensions.
    pub fn shape(&self, id: BufferId) -> &[usize] {
        &self.layout.buffers[id.index()].1
    }

    /// The numbers of a buffer, row-major.
    pub fn get(&self, id: BufferId) -> &[T] {
        &self.values[id.index()]
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: BufferId) -> &mut [T] {
        &mut self.values[id.index()]
    }

    /// Several buffers at once, to be changed or read. Asking for one twice is a bug, and panics.
    pub fn disjoint<const N: usize>(&mut self, ids: [BufferId; N]) -> [&mut [T]; N] {
        let found = self.values.get_disjoint_mut(ids.map(BufferId::index));
        found.expect("different buffers of this store").map(Vec::as_mut_slice)
    }

    /// The same for any number of them, which must ascend.
    pub fn ascending(&mut self, ids: &[BufferId]) -> Vec<&mut [T]> {
        let (mut rest, mut passed) = (self.values.as_mut_slice(), 0);
        let mut next = |id: &BufferId| {
            assert!(passed <= id.index(), "ids that ascend");
            let (one, more) = mem::take(&mut rest).split_at_mut(id.index() + 1 - passed);
            (rest, passed) = (more, id.index() + 1);
            one.last_mut().expect("it has at least one").as_mut_slice()
        };
        ids.iter().map(&mut next).collect()
    }

    /// The buffer of that name.
    pub fn named(&self, name: &str) -> Option<Buffer<'_, T>> {
        self.find(name).map(|id| self.buffer(id))
    }

    /// The numbers of the buffer of that name, to be changed.
    pub fn named_mut(&mut self, name: &str) -> Option<&mut [T]> {
        self.find(name).map(|id| self.get_mut(id))
    }

    /// A buffer with its name and shape.
    pub fn buffer(&self, id: BufferId) -> Buffer<'_, T> {
        Buffer { name: self.name(id), shape: self.shape(id), values: self.get(id) }
    }

    /// Parameters, then states, each in the order of the graph.
    pub fn of_graph(&self) -> impl Iterator<Item = Buffer<'_, T>> {
        self.iter().take(self.layout.params + self.layout.states)
    }

    /// All buffers, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = Buffer<'_, T>> {
        (0..self.values.len()).map(|i| self.buffer(BufferId(i as u32)))
    }

    /// The same, names, shapes and numbers handed over.
    pub fn into_buffers(self) -> impl Iterator<Item = (String, Vec<usize>, Vec<T>)> {
        let named = Arc::unwrap_or_clone(self.layout).buffers.into_iter().zip(self.values);
        named.map(|((name, shape), values)| (name, shape, values))
    }

    /// Takes the numbers of every buffer from `source` by its name; what else is there is left alone. Nothing changes unless all are
    /// there in the right shape.
    pub fn load(&mut self, source: &mut dyn Source<T>) -> Result<(), ExecError> {
        self.load_some(source, &|_| true)
    }

    /// The same for the buffers whose name is `wanted`.
    pub fn load_some(&mut self, source: &mut dyn Source<T>, wanted: &dyn Fn(&str) -> bool) -> Result<(), ExecError> {
        let all = || self.layout.buffers.iter().filter(|(name, _)| wanted(name));
        for (name, shape) in all() {
            let found = source.shape(name).ok_or_else(|| ExecError::new(format!("there is no `{name}`")))?;
            same_shape(name, found, shape)?;
        }
        for ((name, _), values) in
            self.layout.buffers.iter().zip(&mut self.values).filter(|((name, _), _)| wanted(name))
        {
            source.fill(name, values).map_err(ExecError::new)?;
        }
        Ok(())
    }

    /// Finds the parameters and states of a graph, such as that of an evaluated encoder, in this store.
    pub fn bind(&self, graph: &Graph) -> Result<Binding, ExecError> {
        let find = |name: &str| {
            let found = self.find(name);
            found.ok_or_else(|| ExecError::new(format!("there is no parameter or state `{name}`")))
        };
        let params = graph.params.iter().map(|parameter| {
            let found = find(&parameter.name)?;
            same_shape(&parameter.name, self.shape(found), &parameter.shape)?;
            Ok(found)
        });
        let params = params.collect::<Result<_, ExecError>>()?;
        let states = graph.states.iter().map(|state| find(&state.name)).collect::<Result<_, _>>()?;
        Ok(Binding { params, states })
    }

    /// Sets the numbers of a buffer, of which there must be as many.
    pub fn set(&mut self, id: BufferId, values: &[T]) -> Result<(), ExecError> {
        let all = self.get_mut(id);
        if all.len() != values.len() {
            let (has, given) = (all.len(), values.len());
            return Err(ExecError::new(format!("a state of {has} numbers cannot become {given} numbers")));
        }
        all.copy_from_slice(values);
        Ok(())
    }
}

impl<T: Real> Source<T> for &Store<T> {
    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.find(name).map(|id| Store::shape(self, id))
    }

    fn fill(&mut self, name: &str, into: &mut [T]) -> Result<(), String> {
        self.find(name).into_iter().for_each(|id| into.copy_from_slice(self.get(id)));
        Ok(())
    }
}

/// Where the parameters and states of a graph stand in a [`Store`].
#[derive(Clone, Debug)]
pub struct Binding {
    params: Vec<BufferId>,
    states: Vec<BufferId>,
}

impl Binding {
    /// The buffer of a parameter of the graph.
    pub fn param(&self, id: ParamId) -> BufferId {
        self.params[id.index()]
    }

    /// The buffer of a state of the graph.
    pub fn state(&self, id: StateId) -> BufferId {
        self.states[id.index()]
    }

    /// The numbers of all parameters of the graph, in its order.
    pub fn params<'s, T: Real>(&self, store: &'s Store<T>) -> Vec<&'s [T]> {
        self.params.iter().map(|id| store.get(*id)).collect()
    }

    /// The numbers of all states of the graph, in its order.
    pub fn states<'s, T: Real>(&self, store: &'s Store<T>) -> Vec<&'s [T]> {
        self.states.iter().map(|id| store.get(*id)).collect()
    }
}

/// The binding of a program that meets one store again and again: names are looked up when it is another one than before.
#[derive(Debug, Default)]
pub(super) struct Bound(Option<(Arc<Layout>, Binding)>);

impl Bound {
    /// Where the parameters and states of a graph, always the same one, stand in a store.
    pub fn to<T: Real>(&mut self, store: &Store<T>, graph: &Graph) -> Result<&Binding, ExecError> {
        let known = match self.0.take() {
            Some(known) if Arc::ptr_eq(&known.0, &store.layout) => known,
            _ => (store.layout.clone(), store.bind(graph)?),
        };
        Ok(&self.0.insert(known).1)
    }

    /// The same for the store that was last met.
    pub fn last<T: Real>(&self, store: &Store<T>) -> Result<&Binding, ExecError> {
        let known = self.0.as_ref().filter(|known| Arc::ptr_eq(&known.0, &store.layout));
        known.map(|known| &known.1).ok_or_else(|| ExecError::new("states move on in the store they were computed on"))
    }
}

fn same_shape(name: &str, found: &[usize], wanted: &[usize]) -> Result<(), ExecError> {
    if found == wanted {
        return Ok(());
    }
    Err(ExecError::new(format!("`{name}` has the shape {found:?} instead of {wanted:?}")))
}
