//! Parameters and states: what lives from step to step.

use super::{ExecError, Real, claim, init};
use crate::graph::{Graph, Init, ParamId, StateId};
use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Storage, StorageRef, Tensor};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

/// The parameters and states of a run, as candle tensors found by their names.
#[derive(Debug)]
pub struct Memory<T: Real = f32> {
    params: usize,
    names: Vec<String>,
    tensors: Vec<Tensor>,
    places: HashMap<String, usize>,
    element: PhantomData<T>,
}

/// Where the parameters and states of a graph stand in a [`Memory`].
#[derive(Clone, Debug)]
pub struct Binding {
    params: Vec<usize>,
    states: Vec<usize>,
}

impl<T: Real> Memory<T> {
    /// The first values of everything a graph holds, drawn from the seed and each name. Averaged parameters start as
    /// copies of what they follow. `size` gives the sizes of the symbols, such as `N`.
    pub fn new(graph: &Graph, size: &dyn Fn(&str) -> Option<i64>, seed: u64) -> Result<Self, ExecError> {
        let mut memory =
            Memory { params: 0, names: Vec::new(), tensors: Vec::new(), places: HashMap::new(), element: PhantomData };
        let states = graph.states.iter().map(|s| {
            let shape = s.shape.concrete(size);
            shape.ok_or_else(|| ExecError::new(format!("the size {} of `{}` is not known", s.shape, s.name)))
        });
        let states = states.collect::<Result<Vec<_>, _>>()?;
        let count = |shape: &Vec<usize>| shape.iter().fold(size_of::<T>(), |all, n| all.saturating_mul(*n));
        let shapes = graph.params.iter().map(|p| &p.shape).chain(&states);
        claim("all parameters and states", shapes.map(count).fold(0, usize::saturating_add))?;
        for parameter in &graph.params {
            memory.add(&parameter.name, &parameter.shape, parameter.init, seed)?;
        }
        memory.params = graph.params.len();
        for (state, shape) in graph.states.iter().zip(&states) {
            memory.add(&state.name, shape, state.init, seed)?;
        }
        memory.copy_sources(graph)?;
        Ok(memory)
    }

    fn add(&mut self, name: &str, shape: &[usize], init: Init, seed: u64) -> Result<(), ExecError> {
        let place = self.tensors.len();
        if self.places.insert(name.to_owned(), place).is_some() {
            return Err(ExecError::new(format!("two tensors are named `{name}`")));
        }
        let values: Vec<T> = init::values(init, shape, seed, name).into_iter().map(T::from_f64).collect();
        self.names.push(name.to_owned());
        self.tensors.push(T::tensor(values, shape)?);
        Ok(())
    }

    fn copy_sources(&mut self, graph: &Graph) -> Result<(), ExecError> {
        for (i, parameter) in graph.params.iter().enumerate() {
            let mut source = parameter.ema.as_ref().map(|e| e.of);
            while let Some(next) = source.and_then(|s| graph.params[s.index()].ema.as_ref()).map(|e| e.of) {
                source = Some(next);
            }
            if let Some(source) = source {
                self.tensors[i] = self.tensors[source.index()].copy()?;
            }
        }
        Ok(())
    }

    /// The parameter of that number in the graph the memory was made for.
    pub fn param(&self, id: ParamId) -> &Tensor {
        &self.tensors[id.index()]
    }

    /// The state of that number in the graph the memory was made for.
    pub fn state(&self, id: StateId) -> &Tensor {
        &self.tensors[self.params + id.index()]
    }

    /// The parameter or state of that name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.places.get(name).map(|&place| &self.tensors[place])
    }

    /// Names and tensors, parameters before states, each in the order of the graph.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.names.iter().map(String::as_str).zip(&self.tensors)
    }

    /// Shows the numbers of a parameter, row-major.
    pub fn with_param<R>(&self, id: ParamId, show: impl FnOnce(&[T]) -> R) -> R {
        show(Reading::new(self.param(id)).numbers())
    }

    /// Lets the numbers of a parameter be changed in place.
    pub fn with_param_mut<R>(&mut self, id: ParamId, change: impl FnOnce(&mut [T]) -> R) -> R {
        write(self.param(id), change)
    }

    /// Lets the numbers of the parameter or state of that name be changed in place.
    pub fn with_mut<R>(&mut self, name: &str, change: impl FnOnce(&mut [T]) -> R) -> Option<R> {
        self.get(name).map(|tensor| write(tensor, change))
    }

    /// Lets the numbers of one parameter be changed in place in view of another's, as averages of parameters do.
    pub fn with_param_mut_and<R>(
        &mut self,
        id: ParamId,
        other: ParamId,
        change: impl FnOnce(&mut [T], &[T]) -> R,
    ) -> R {
        assert!(id != other, "a parameter cannot be read while it is changed");
        let other = Reading::new(self.param(other));
        write(self.param(id), |mine| change(mine, other.numbers()))
    }

    /// Copies of all tensors by name, to be written to a file.
    pub fn to_map(&self) -> Result<BTreeMap<String, Tensor>, ExecError> {
        self.iter().map(|(name, tensor)| Ok((name.to_owned(), tensor.copy()?))).collect()
    }

    /// Takes every parameter and state from `map` by its name; what else the map holds is left alone. Nothing changes
    /// unless all are there in the right shape.
    pub fn load(&mut self, map: &HashMap<String, Tensor>) -> Result<(), ExecError> {
        let taken = self.iter().map(|(name, mine)| take::<T>(name, mine, map)).collect::<Result<Vec<_>, _>>()?;
        self.tensors = taken;
        Ok(())
    }

    /// Finds the parameters and states of a graph, such as that of an evaluated encoder, in this memory.
    pub fn bind(&self, graph: &Graph) -> Result<Binding, ExecError> {
        let place = |name: &str| {
            let found = self.places.get(name).copied();
            found.ok_or_else(|| ExecError::new(format!("there is no parameter or state `{name}`")))
        };
        let params = graph.params.iter().map(|parameter| {
            let found = place(&parameter.name)?;
            same_shape(&parameter.name, self.tensors[found].dims(), &parameter.shape)?;
            Ok(found)
        });
        let params = params.collect::<Result<_, ExecError>>()?;
        let states = graph.states.iter().map(|state| place(&state.name)).collect::<Result<_, _>>()?;
        Ok(Binding { params, states })
    }

    /// The tensor of a bound parameter.
    pub fn bound_param(&self, binding: &Binding, id: ParamId) -> &Tensor {
        &self.tensors[binding.params[id.index()]]
    }

    /// The tensor of a bound state.
    pub fn bound_state(&self, binding: &Binding, id: StateId) -> &Tensor {
        &self.tensors[binding.states[id.index()]]
    }

    /// The tensors of all bound parameters.
    pub fn bound_params(&self, binding: &Binding) -> impl Iterator<Item = &Tensor> {
        binding.params.iter().map(|&place| &self.tensors[place])
    }

    /// The tensors of all bound states.
    pub fn bound_states(&self, binding: &Binding) -> impl Iterator<Item = &Tensor> {
        binding.states.iter().map(|&place| &self.tensors[place])
    }

    /// Sets the numbers of a bound state.
    pub fn set_state(&mut self, binding: &Binding, id: StateId, values: &[T]) -> Result<(), ExecError> {
        let tensor = self.bound_state(binding, id);
        if tensor.elem_count() != values.len() {
            let (has, given) = (tensor.elem_count(), values.len());
            return Err(ExecError::new(format!("a state of {has} numbers cannot become {given} numbers")));
        }
        write(tensor, |all| all.copy_from_slice(values));
        Ok(())
    }
}

/// A contiguous CPU tensor opened for reading.
pub(super) struct Reading<'a> {
    storage: StorageRef<'a>,
    start: usize,
    end: usize,
}

impl<'a> Reading<'a> {
    /// Opens a tensor of a memory.
    pub fn new(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        let (start, end) = layout.contiguous_offsets().expect("every tensor of a memory is contiguous");
        Self { storage, start, end }
    }

    /// Its numbers, row-major.
    pub fn numbers<T: Real>(&self) -> &[T] {
        let Storage::Cpu(storage) = &*self.storage else { unreachable!("every tensor of a memory is on the CPU") };
        &T::slice(storage).expect("a memory holds one element type")[self.start..self.end]
    }
}

/// Lets the numbers of a contiguous CPU tensor be changed in place, as an operation of candle.
fn write<T: Real, R>(tensor: &Tensor, change: impl FnOnce(&mut [T]) -> R) -> R {
    let mut answer = None;
    let edit = Edit(RefCell::new(Some(|all: &mut [T]| answer = Some(change(all)))), PhantomData);
    tensor.inplace_op1(&edit).expect("every tensor of a memory is a plain CPU tensor of one element type");
    drop(edit);
    answer.expect("candle runs an operation once")
}

/// A change of a tensor's numbers: a function that runs once.
struct Edit<F, T>(RefCell<Option<F>>, PhantomData<T>);

impl<T: Real, F: FnOnce(&mut [T])> InplaceOp1 for Edit<F, T> {
    fn name(&self) -> &'static str {
        "edit"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let range = layout.contiguous_offsets();
        let (Some(all), Some((start, end))) = (T::slice_mut(storage), range) else {
            candle_core::bail!("not a contiguous tensor of {:?}", T::DTYPE)
        };
        if let Some(change) = self.0.take() {
            change(&mut all[start..end]);
        }
        Ok(())
    }
}

fn take<T: Real>(name: &str, mine: &Tensor, map: &HashMap<String, Tensor>) -> Result<Tensor, ExecError> {
    let given = map.get(name).ok_or_else(|| ExecError::new(format!("there is no `{name}`")))?;
    same_shape(name, given.dims(), mine.dims())?;
    Ok(given.to_dtype(T::DTYPE)?.to_device(&Device::Cpu)?.force_contiguous()?)
}

fn same_shape(name: &str, found: &[usize], wanted: &[usize]) -> Result<(), ExecError> {
    if found == wanted {
        return Ok(());
    }
    Err(ExecError::new(format!("`{name}` has the shape {found:?} instead of {wanted:?}")))
}
