//! Threads: as many as make sense, fewer where there are no more, and the same bits whatever their number.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::Builder;

use rayon::prelude::*;
use sslrun::threads::{self, Work, apart, handing, hands};

/// Starts so many threads, and no more.
fn spawner(most: usize) -> impl FnMut(Work) -> io::Result<()> {
    let mut left = most;
    move |work| {
        left = left.checked_sub(1).ok_or(io::ErrorKind::WouldBlock)?;
        Builder::new().spawn(work).map(drop)
    }
}

#[test]
fn a_pool_has_the_threads_that_could_be_started() {
    for (asked, most, wanted) in [(4, 9, 4), (4, 2, 2), (1, 1, 1), (5, 0, 0)] {
        let hands = hands(asked, &mut spawner(most));
        assert_eq!(hands.len(), wanted);
        if wanted == 0 {
            continue;
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(wanted).spawn_handler(handing(hands)).build();
        let pool = pool.expect("a pool of threads that wait for it");
        assert_eq!(pool.current_num_threads(), wanted);
        assert_eq!(pool.install(|| (0..1000u64).into_par_iter().sum::<u64>()), 499_500);
    }
}

#[test]
fn work_apart_is_done_here_where_no_thread_has_room() {
    assert_eq!(apart(Builder::new(), |own| (own, 7)).expect("no panic"), (true, 7));
    let impossible = || Builder::new().stack_size(1 << 62);
    assert_eq!(apart(impossible(), |own| (own, 7)).expect("no panic"), (false, 7));
    for thread in [Builder::new(), impossible()] {
        assert!(
            apart(thread, |_| if threads::most() > 0 {
                panic!("on purpose")
            })
            .is_err()
        );
    }
    // A pool that waited for another thread, which waits for the pool, would wait for ever.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let own = pool.install(|| apart(Builder::new(), |own| (own, (0..9).into_par_iter().sum::<i32>())));
    assert_eq!(own.expect("no panic"), (false, 36));
}

const RECIPE: &str = "views { a, b: crop(0.5..1) | flip }
branch f { encoder: small_convnet(width: 4); projector: mlp(16, 8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 1; batch: 16; optimizer: sgd(lr: 0.05) }
";
const DATA: &str = "shapes:train=64,test=30,size=16";

/// A folder that any user may use, with the program and a recipe; taken away in the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let folder = std::env::temp_dir().join(format!("sslrun-threads-{name}-{}", std::process::id()));
        _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::set_permissions(&folder, Permissions::from_mode(0o777)).expect("a mode");
        std::fs::copy(env!("CARGO_BIN_EXE_sslrun"), folder.join("sslrun")).expect("the program");
        std::fs::write(folder.join("r.ssl"), RECIPE).expect("a recipe");
        Place(folder)
    }

    /// The program with at most `processes` processes and threads of its user, root being somebody else for that: there is no limit
    /// for root. `None` where the tools for it are not there.
    fn limited(&self, processes: usize, args: &[&str]) -> Option<Output> {
        let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
        let lowered = ["setpriv", "--reuid", "61234", "--regid", "61234", "--clear-groups"];
        let limit = format!("--nproc={processes}");
        let words = lowered.iter().take(if root { 6 } else { 0 }).copied().chain(["prlimit", &limit, "./sslrun"]);
        let words: Vec<&str> = words.chain(args.iter().copied()).collect();
        let output = Command::new(words[0]).args(&words[1..]).current_dir(&self.0).output().ok()?;
        (output.status.code() != Some(127)).then_some(output)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn weights(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("checkpoints/encoder.safetensors")).expect("weights")
}

#[test]
fn a_run_that_gets_no_thread_is_the_same_run() {
    let place = Place::new("none");
    let free = Command::new(place.0.join("sslrun"))
        .args(["r.ssl", "--data", DATA, "--quiet", "-o", "free", "--threads", "3"])
        .current_dir(&place.0)
        .output()
        .expect("the program starts");
    assert!(free.status.success(), "{}", told(&free));
    for (processes, engine) in [(1, "planned"), (1, "candle"), (2, "planned"), (3, "planned"), (3, "candle")] {
        let out = format!("run-{processes}-{engine}");
        let args = ["r.ssl", "--data", DATA, "--quiet", "-o", &out, "--engine", engine, "--threads", "3"];
        let Some(output) = place.limited(processes, &args) else { return };
        let told = told(&output);
        assert!(output.status.success() && !told.contains("panicked"), "{processes} {engine}: {told}");
        assert!(engine == "candle" || weights(&place.0.join(&out)) == weights(&place.0.join("free")), "{processes}");
    }
    for args in [&["check", "r.ssl"][..], &["graph", "r.ssl"], &["views", "r.ssl", "-o", "v.png", "--data", DATA]] {
        let Some(output) = place.limited(1, args) else { return };
        assert!(output.status.success(), "{args:?}: {}", told(&output));
    }
}

#[test]
fn more_threads_than_make_sense_are_not_started() {
    let place = Place::new("many");
    let output = Command::new(place.0.join("sslrun"))
        .args(["r.ssl", "--data", DATA, "--quiet", "--threads", "60000"])
        .current_dir(&place.0)
        .output()
        .expect("the program starts");
    let told = told(&output);
    assert!(output.status.success() && told.contains(&format!("note: {} threads are used", threads::most())), "{told}");
    let record = std::fs::read_to_string(place.0.join("runs/r-1/run.ron")).expect("a record");
    assert!(record.contains(&format!("threads: {}", threads::most())), "{record}");
}
