//! How fast the kernels are, each beside what the machine can do: `cargo bench --bench kernels [-- part of a name]`.

mod along;
mod convolution;
mod machine;
mod products;
mod share;

use std::time::Duration;

use criterion::{Criterion, Throughput};
use machine::Machine;
use share::Share;
use sslrun::kernels::{Path, uniform};

/// A benchmark that tells shares of the machine.
pub type Bench = Criterion<Share>;

fn main() {
    let machine = Machine::measure();
    println!("{} on {} threads; {machine}", Path::current().name(), rayon::current_num_threads());
    let criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    let mut bench = criterion.configure_from_args().with_measurement(Share::of(machine));
    convolution::all(&mut bench);
    products::all(&mut bench);
    along::all(&mut bench);
    bench.final_summary();
}

/// Times something that is named by its family and its sizes.
pub fn time(bench: &mut Bench, family: &str, name: &str, work: Throughput, mut f: impl FnMut()) {
    let mut group = bench.benchmark_group(family);
    group.throughput(work);
    group.bench_function(name, |b| b.iter(&mut f));
    group.finish();
}

/// Work that is counted in multiplications and additions.
pub fn flops(count: usize) -> Throughput {
    Throughput::Elements(count as u64)
}

/// Work that is counted in numbers read and written.
pub fn moved(numbers: usize) -> Throughput {
    Throughput::Bytes(4 * numbers as u64)
}

/// Numbers in `0..1`.
pub fn filled(seed: u64, n: usize) -> Vec<f32> {
    let mut x = vec![0.0; n];
    uniform(seed, 0, &mut x);
    x
}
