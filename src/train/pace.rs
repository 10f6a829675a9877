//! How many steps fit into a time: measured before a training whose length is given as a time.

use std::time::{Duration, Instant};

use super::{Clock, Control, Learner, Refresher, Setup, TrainError, loader};

/// Steps that are not timed: memory is touched, and the first batches made, for the first time.
const WARM: usize = 3;
/// The fewest steps that are timed.
const FEWEST: usize = 5;

/// The seconds a step takes, its share of refreshes over the data set included, from steps on real batches of a learner that is then thrown away. They are timed for
/// `time`, or a little longer where steps are slow; the epochs of the result are those of the data set.
pub fn seconds_a_step(setup: &Setup, time: Duration) -> Result<(f64, Clock), TrainError> {
    let train = &setup.recipe.train;
    let mut loader = loader(setup.recipe, &setup.data.train, train.batch, train.seed)?;
    if let Some(threads) = setup.threads {
        loader = loader.threads(threads);
    }
    let clock = Clock::new(train.epochs, loader.batches_per_epoch());
    let mut learner = Learner::of_samples(setup.recipe, setup.engine, clock, loader.samples())?;
    let refreshing = match Refresher::new(setup.recipe, setup.engine) {
        Some(refresher) => {
            let start = Instant::now();
            refresher.apply(0, clock, &mut learner, &loader, &Control::default(), &mut |_| {})?;
            start.elapsed().as_secs_f64() * refresher.share(clock)
        }
        None => 0.0,
    };
    let (mut start, mut timed) = (Instant::now(), 0);
    for (step, batch) in loader.steps(0..usize::MAX).enumerate() {
        let batch = batch?;
        learner.run(step, &batch)?;
        loader.recycle(batch);
        if step + 1 == WARM {
            start = Instant::now();
        } else if step + 1 > WARM {
            timed += 1;
        }
        if timed >= FEWEST && start.elapsed() >= time {
            break;
        }
    }
    Ok((start.elapsed().as_secs_f64() / timed.max(1) as f64 + refreshing, clock))
}
