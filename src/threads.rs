//! Threads: how many compute, and work that wants one of its own. Where none is to be had, the thread at hand does the work.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder, JoinHandle};

use rayon::{ThreadBuilder, ThreadPoolBuilder};

/// The most threads for each core: more take memory and gain nothing.
const A_CORE: usize = 4;

/// The most threads that are used here: four for each core.
pub fn most() -> usize {
    A_CORE * cores()
}

/// The cores that this process may use.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, |n| n.get())
}

/// Lets all computation use so many threads, as many as there are cores where not given, and fewer where so many cannot be started; with
/// none, the calling thread does all of it. To be called once, by a program; answers how many threads there are.
pub fn start(count: Option<usize>) -> Result<usize, String> {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    let count = count.or(asked).unwrap_or_else(cores).clamp(1, most());
    let hands = hands(count, &mut |work| Builder::new().spawn(work).map(drop));
    let pool = ThreadPoolBuilder::new().num_threads(hands.len().max(1));
    let built = match hands.is_empty() {
        true => pool.use_current_thread().build_global(),
        false => pool.spawn_handler(handing(hands)).build_global(),
    };
    built.map_err(|e| format!("cannot start {count} threads: {e}"))?;
    Ok(rayon::current_num_threads())
}

/// What a thread does.
pub type Work = Box<dyn FnOnce() + Send>;

/// At most `count` threads that wait for a place in a pool, as many as `spawn` could start: a pool that fails for want of threads cannot
/// be made anew.
pub fn hands(count: usize, spawn: &mut dyn FnMut(Work) -> io::Result<()>) -> Vec<Sender<ThreadBuilder>> {
    let start = |_| {
        let (sender, receiver) = channel::<ThreadBuilder>();
        let work = move || receiver.recv().into_iter().for_each(ThreadBuilder::run);
        spawn(Box::new(work)).ok().map(|()| sender)
    };
    (0..count).map_while(start).collect()
}

/// Gives each thread of a pool to one of those that wait.
pub fn handing(mut hands: Vec<Sender<ThreadBuilder>>) -> impl FnMut(ThreadBuilder) -> io::Result<()> {
    let gone = || io::Error::other("a thread is gone");
    move |thread| hands.pop().ok_or_else(gone)?.send(thread).map_err(|_| gone())
}

/// Whether the calling thread is of the pool that computes. Another thread must not wait for the pool then: if the caller is all there is
/// of it, nobody would do the work.
fn within() -> bool {
    rayon::current_thread_index().is_some()
}

/// A thread that does some work; `None` where none is to be had.
pub fn spawn(work: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    if within() { None } else { Builder::new().spawn(work).ok() }
}

/// Does some work on a thread of its own, and waits for it; on this one where no other is to be had. The work is told whether it has the
/// thread that was asked for; a panic of it is an error.
pub fn apart<T: Send>(thread: Builder, work: impl FnOnce(bool) -> T + Send) -> thread::Result<T> {
    let kept = Mutex::new(Some(work));
    let take = || kept.lock().unwrap_or_else(PoisonError::into_inner).take();
    if !within() {
        let done = thread::scope(|scope| {
            let spawned = thread.spawn_scoped(scope, || take().map(|work| work(true)));
            spawned.ok().map(|thread| thread.join())
        });
        if let Some(Some(done)) = done.map(Result::transpose) {
            return done;
        }
    }
    match take() {
        Some(work) => catch_unwind(AssertUnwindSafe(|| work(false))),
        None => Err(Box::new("the work was done before")),
    }
}
