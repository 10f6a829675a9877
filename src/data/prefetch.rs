//! Work done ahead on threads and handed out in order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::threads;

/// The results of the jobs of a range, in order, computed by threads that run at most `ahead` jobs in front.
///
/// A job that panics yields its message as an error; the other jobs go on.
pub struct Prefetch<T> {
    shared: Arc<Shared<T>>,
    workers: Vec<JoinHandle<()>>,
    /// Does a job when its result is asked for, where there is no thread to do it before.
    here: Option<Job<T>>,
}

type Job<T> = Box<dyn FnMut(usize) -> T + Send>;

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    ahead: usize,
}

struct State<T> {
    /// Jobs no worker has begun.
    open: Range<usize>,
    /// The job whose result is handed out next.
    next: usize,
    ready: BTreeMap<usize, Result<T, String>>,
    stopped: bool,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts the threads, as many as can be had; `worker` makes each thread's own function from a job's number to its result.
    pub fn start<W, F>(jobs: Range<usize>, count: usize, ahead: usize, worker: W) -> Self
    where
        W: Fn() -> F,
        F: FnMut(usize) -> T + Send + 'static,
    {
        let state = State { next: jobs.start, open: jobs, ready: BTreeMap::new(), stopped: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), ahead: ahead.max(1) });
        let run = |_| {
            let (shared, mut job) = (shared.clone(), worker());
            threads::spawn(move || shared.work(&mut job))
        };
        let workers: Vec<JoinHandle<()>> = (0..count.max(1)).map_while(run).collect();
        let here = workers.is_empty().then(|| Box::new(worker()) as Job<T>);
        Self { shared, workers, here }
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = Result<T, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut state = self.shared.lock();
        if let Some(job) = &mut self.here {
            let number = state.open.next()?;
            drop(state);
            return Some(catch(job, number));
        }
        loop {
            let next = state.next;
            if let Some(result) = state.ready.remove(&next) {
                state.next += 1;
                self.shared.changed.notify_all();
                return Some(result);
            }
            if state.next >= state.open.end {
                return None;
            }
            state = self.shared.wait(state);
        }
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches its jobs' panics; if it died nevertheless, there is nothing left to wait for.
            let _ = worker.join();
        }
    }
}

impl<T> Shared<T> {
    fn work(&self, job: &mut impl FnMut(usize) -> T) {
        while let Some(number) = self.take() {
            let result = catch(job, number);
            self.lock().ready.insert(number, result);
            self.changed.notify_all();
        }
    }

    /// The next job to begin, once it is near enough; `None` when there is none left.
    fn take(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.open.is_empty() {
                return None;
            }
            if state.open.start < state.next + self.ahead {
                return state.open.next();
            }
            state = self.wait(state);
        }
    }

    /// No code that can panic runs under the lock, so a poisoned one still holds a sound state.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// The result of a job, or what it panicked with.
fn catch<T>(job: &mut impl FnMut(usize) -> T, number: usize) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(|| job(number))).map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_string())
}
