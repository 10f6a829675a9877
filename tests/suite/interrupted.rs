//! Runs that are killed, stopped, moved and gone on with, and two at one place: nothing is lost, and the record says what it says of
//! a run that nobody touched.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli::{Place, place_of};
use sslrun::random::Rng;
use sslrun::report::{Outcome, RunRecord};
use sslrun::train::Checkpoint;

/// A state of every kind: averages of weights and of values, a queue, a table, one that is refreshed, moments, an expectation.
const ALL: &str = r#"recipe "All"

param classes = 8

views {
  a, b: crop(0.5..1) | flip
}

branch f {
  encoder: conv2d(8, stride: 2) | batchnorm | relu | global_avgpool
  head:    linear(classes)
}

branch slow = ema(f, decay: cosine(0.9 -> 1))

let q = normalize(f(a))

state bank   = queue(of: normalize(slow(b)), size: 40)
state center = ema(of: mean(slow(a), dim: 0), decay: 0.9)
state labels = refresh(of: argmax(over_data(log_softmax(f(a))), dim: 1), times: 4)

loss {
  contrast: info_nce_with_bank(q, normalize(slow(b)), bank, temperature: 0.2)
  classes:  mean(-sum(one_hot(labels, classes) * log_softmax(f(a)), dim: 1))
  centred:  0.1 * mse(f(b), stopgrad(center))
}

train {
  epochs: 40
  batch: 16
  optimizer: [adamw(lr: cosine(0.01 -> 0, warmup: 1)), sgd(lr: 0.05, momentum: 0.9, on: f.head)]
  checkpoint: 0.5
}

evaluate {
  every: 1
  probes: [knn(), linear(), finetune(epochs: 2, batch: 16)]
}

expect {
  loss.contrast < 0.1
}
"#;

/// The seed is written as 1e3 where a recipe is written again.
const DATA: &str = "shapes:train=160,test=60,size=16,seed=1000";

fn send(child: &Child, signal: &str) {
    // It may have ended meanwhile.
    let _ = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).stderr(Stdio::null()).status();
}

/// A process that ends with the test, however that ends.
struct Running(Option<Child>);

impl std::ops::Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().expect("it has not been waited for")
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().expect("it has not been waited for")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            _ = child.kill().and_then(|()| child.wait());
        }
    }
}

fn start(place: &Place, args: &[&str]) -> Running {
    let mut command = place.command(args);
    let listen = || {
        // SAFETY: `signal` may be called between fork and exec, and touches no memory of ours.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) };
        Ok(())
    };
    // SAFETY: see above. Whoever runs the tests by `nohup` would have the program ignore a terminal that closes.
    unsafe { command.pre_exec(listen) };
    Running(Some(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")))
}

/// Status and words of a program that ends.
fn end(mut child: Running) -> (Option<i32>, String) {
    let output = child.0.take().expect("it has not been waited for").wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!err.contains("panicked"), "{err}");
    (output.status.code(), err)
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what} has not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn record(run: &Path) -> RunRecord {
    RunRecord::read(&run.join("run.ron")).unwrap_or_else(|e| panic!("{e}"))
}

/// A record without times.
fn timeless(run: &Path) -> RunRecord {
    let mut record = record(run);
    (record.seconds, record.started) = (0.0, String::new());
    record.history.iter_mut().for_each(|point| point.seconds = 0.0);
    record
}

/// The lines of the metrics without times.
fn lines(run: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).expect("metrics");
    let line = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        for time in ["seconds", "images_per_second"] {
            value.as_object_mut().expect("an object").remove(time);
        }
        value
    };
    text.lines().map(line).collect()
}

/// The tensors of a file, and what a checkpoint says besides, without times.
fn tensors(file: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    tensors.tensors().into_iter().map(|(name, view)| (name, view.data().to_vec())).collect()
}

/// Everything that a run has left is what another has left, but for times.
fn assert_same(one: &Path, other: &Path) {
    assert_eq!(timeless(one), timeless(other));
    assert_eq!(lines(one), lines(other));
    for file in ["last", "encoder"] {
        let file = format!("checkpoints/{file}.safetensors");
        assert!(tensors(&one.join(&file)) == tensors(&other.join(&file)), "{file}");
    }
    let progress = |run: &Path| {
        let mut progress = Checkpoint::read(&run.join("checkpoints/last.safetensors")).expect("a checkpoint").progress;
        progress.seconds = 0.0;
        progress.journal.looks.iter_mut().for_each(|look| look.seconds = 0.0);
        progress
    };
    assert_eq!(progress(one), progress(other));
    let files = |run: &Path| {
        let mut names: Vec<PathBuf> = Vec::new();
        for folder in [run.to_owned(), run.join("checkpoints")] {
            let entries = std::fs::read_dir(&folder).expect("a folder").flatten();
            names.extend(entries.map(|e| e.path().strip_prefix(run).expect("inside").to_owned()));
        }
        names.sort();
        names
    };
    assert_eq!(files(one), files(other), "nothing half-written is left");
}

#[test]
fn a_run_that_is_killed_and_stopped_at_any_moment_leaves_what_an_untouched_one_leaves() {
    let place = place_of("interrupted", ALL);
    place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "-o", "whole"]);
    let run = place.folder.join("run");
    let logged = || std::fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count());
    let (mut rng, mut interruptions) = (Rng::new(&[13]), BTreeMap::new());
    for number in 0..20 {
        let mut child = match run.join("recipe.ssl").exists() {
            true => start(&place, &["--resume", "run", "--quiet"]),
            false => start(&place, &[&place.recipe, "--data", DATA, "--quiet", "-o", "run"]),
        };
        // Some moments lie before the first step, most between two lines of the log, the last in the judgement.
        let (before, lines) = (logged(), rng.below(4));
        let pause = Duration::from_secs_f64(rng.range(0.0, if lines == 0 { 0.1 } else { 0.01 }));
        until("a line", || {
            let ended = child.try_wait().is_ok_and(|status| status.is_some());
            logged() >= before + lines || ended || logged() == 41
        });
        std::thread::sleep(pause);
        let signal = ["KILL", "INT", "TERM", "HUP", "USR1"][(number + rng.below(2)) % 5];
        send(&child, signal);
        if signal == "USR1" {
            // It saves, and goes on until it is killed.
            std::thread::sleep(pause);
            send(&child, "KILL");
        }
        let (status, err) = end(child);
        match status {
            Some(130) => assert!(err.is_empty() || err.contains("--resume"), "{err}"),
            None => {}
            Some(0) => break,
            Some(other) => panic!("{signal} ends with {other}: {err}"),
        }
        *interruptions.entry(signal).or_insert(0) += 1;
    }
    assert!(interruptions.values().sum::<usize>() >= 15 && interruptions.len() == 5, "{interruptions:?}");
    place.expect(0, &["--resume", "run", "--quiet"]);
    assert_same(&run, &place.folder.join("whole"));
}

#[test]
fn every_signal_that_asks_to_stop_saves_at_every_moment() {
    let text = ALL.replace("epochs: 40", "epochs: 100000").replace("every: 1\n", "every: 1000\n");
    let place = place_of("signals", &text);
    for signal in ["INT", "TERM", "HUP"] {
        let child = start(&place, &[&place.recipe, "--data", DATA, "-o", signal]);
        let run = place.folder.join(signal);
        until("a step", || std::fs::metadata(run.join("metrics.jsonl")).is_ok_and(|m| m.len() > 0));
        send(&child, signal);
        let (status, err) = end(child);
        assert_eq!(status, Some(130), "{signal}: {err}");
        assert!(err.contains("stopped and saved") && err.contains(&format!("--resume {signal}")), "{err}");
        let progress = Checkpoint::read(&run.join("checkpoints/last.safetensors")).expect("a checkpoint").progress;
        assert!(progress.step > 0 && record(&run).outcome == Outcome::Interrupted);
    }
    // A terminal that closes is not heard of by what `nohup` has started.
    let ignoring =
        format!("trap '' HUP; exec {} {} --data {DATA} -o nohup", env!("CARGO_BIN_EXE_sslrun"), place.recipe);
    let child = Command::new("sh").args(["-c", &ignoring]).current_dir(&place.folder).stderr(Stdio::null()).spawn();
    let child = &mut Running(Some(child.expect("it starts")));
    let run = place.folder.join("nohup");
    until("a step", || std::fs::metadata(run.join("metrics.jsonl")).is_ok_and(|m| m.len() > 0));
    send(child, "HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(child.try_wait().expect("a state"), None);
    send(child, "KILL");
    child.wait().expect("it ends");
}

#[test]
fn a_signal_to_save_saves_and_the_training_goes_on() {
    let text = ALL.replace("epochs: 40", "epochs: 100000").replace("every: 1\n", "every: 100000\n");
    let place = place_of("usr1", &text.replace("checkpoint: 0.5", "checkpoint: 100000"));
    let mut child = start(&place, &[&place.recipe, "--data", DATA, "-o", "run"]);
    let run = place.folder.join("run");
    until("a line", || std::fs::metadata(run.join("metrics.jsonl")).is_ok_and(|m| m.len() > 0));
    let last = run.join("checkpoints/last.safetensors");
    let step = || Checkpoint::read(&last).expect("a checkpoint").progress.step;
    assert_eq!(step(), 0, "there is one of the beginning");
    send(&child, "USR1");
    until("a checkpoint", || step() > 0);
    assert_eq!(child.try_wait().expect("a state"), None, "it goes on");
    send(&child, "KILL");
    child.wait().expect("it ends");
}

#[test]
fn a_run_is_gone_on_with_by_one_process_at_a_time() {
    let text = ALL.replace("epochs: 40", "epochs: 100000").replace("every: 1\n", "every: 1000\n");
    let place = place_of("twice", &text);
    let mut child = start(&place, &[&place.recipe, "--data", DATA, "-o", "run"]);
    until("the run", || place.folder.join("run/checkpoints/last.safetensors").exists());
    let (_, err) = place.expect(3, &["--resume", "run"]);
    assert!(err.contains(&format!("another process ({}) is at work on run", child.id())), "{err}");
    // One that is not begun yet is held, too.
    let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "-o", "run"]);
    assert!(err.contains("not empty"), "{err}");
    send(&child, "KILL");
    child.wait().expect("it ends");
    let child = start(&place, &["--resume", "run"]);
    std::thread::sleep(Duration::from_millis(300));
    send(&child, "INT");
    assert_eq!(end(child).0, Some(130), "the lock has died with its process");
}

const TEACHER: &str = "
    views { a, b: crop(0.5..1) }
    branch f { encoder: conv2d(8, stride: 2) | relu | global_avgpool; head: linear(6) }
    loss { l: nt_xent(f(a), f(b)) }
    train { epochs: 40; batch: 16; optimizer: sgd(lr: 0.2); checkpoint: 0.2 }
    evaluate { every: 100; probes: [knn()] }";

const STUDENT: &str = "
    views { a, b: crop(0.5..1) }
    branch f { encoder: conv2d(4, stride: 2) | relu | global_avgpool; head: linear(6) }
    branch teacher = frozen(\"teacher.ssl\")
    loss { match: mse(f(a), teacher(b).head) }
    train { epochs: 2; batch: 16; optimizer: sgd(lr: 0.01) }
    evaluate { every: 100; probes: [knn()] }";

#[test]
fn runs_that_share_a_frozen_recipe_train_it_once() {
    let place = place_of("shared", STUDENT);
    std::fs::write(place.folder.join("teacher.ssl"), TEACHER).expect("a recipe");
    let run = |out: &str| start(&place, &[&place.recipe, "--data", DATA, "-o", out]);
    let children: Vec<(Running, &str)> = ["a", "b", "c"].map(|out| (run(out), out)).into();
    let ends: Vec<(Option<i32>, String)> = children.into_iter().map(|(child, _)| end(child)).collect();
    assert!(ends.iter().all(|(status, _)| *status == Some(0)), "{ends:?}");
    let steps = ends.iter().filter(|(_, err)| err.contains("teacher: ") && err.contains("epoch 40")).count();
    assert_eq!(steps, 1, "{ends:?}");
    for out in ["b", "c"] {
        assert_same(&place.folder.join(out), &place.folder.join("a"));
    }
}

#[test]
fn what_stops_a_recipe_that_is_trained_first_saves_that_and_says_so() {
    let place = place_of("shared-stop", STUDENT);
    std::fs::write(place.folder.join("teacher.ssl"), TEACHER.replace("epochs: 40", "epochs: 40000")).expect("a recipe");
    for (signal, out) in [("TERM", "a"), ("INT", "b")] {
        let child = start(&place, &[&place.recipe, "--data", DATA, "-o", out]);
        until("the training", || place.folder.join(format!("{out}/.lock")).exists());
        std::thread::sleep(Duration::from_millis(300));
        send(&child, signal);
        let (status, err) = end(child);
        assert_eq!(status, Some(130), "{err}");
        assert!(err.contains("the same command goes on"), "{err}");
    }
}

#[test]
fn recipes_of_one_name_from_different_folders_do_not_take_each_others_place() {
    let text = STUDENT.replace("branch teacher", "branch other = frozen(\"more/frozen-x.ssl\")\n branch teacher");
    let text = text.replace("teacher.ssl", "frozen-x.ssl").replace("mse(", "mse(f(b), other(a).head) + mse(");
    let place = place_of("names", &text);
    std::fs::create_dir(place.folder.join("more")).expect("a folder");
    let teacher = TEACHER.replace("epochs: 40", "epochs: 1");
    std::fs::write(place.folder.join("frozen-x.ssl"), &teacher).expect("a recipe");
    std::fs::write(place.folder.join("more/frozen-x.ssl"), teacher.replace("0.2", "0.3")).expect("a recipe");
    let args = [place.recipe.as_str(), "--data", DATA, "--set", "train.epochs=1000", "-o", "run"];
    let child = start(&place, &args);
    until("a step", || std::fs::metadata(place.folder.join("run/metrics.jsonl")).is_ok_and(|m| m.len() > 0));
    send(&child, "INT");
    assert_eq!(end(child).0, Some(130));
    let before = place.read("run/recipe.ssl");
    assert!(place.read("run/frozen-other-frozen-x.ssl").contains("0.3"));
    assert!(place.read("run/frozen-teacher-frozen-x.ssl").contains("0.2"));
    let child = start(&place, &["--resume", "run"]);
    std::thread::sleep(Duration::from_millis(300));
    send(&child, "INT");
    let (status, err) = end(child);
    assert_eq!(status, Some(130), "{err}");
    assert_eq!(place.read("run/recipe.ssl"), before);
}

#[test]
fn a_folder_that_is_moved_or_removed_while_it_trains_is_noticed_and_nothing_is_lost() {
    let place = place_of("moved", ALL);
    place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "-o", "whole"]);
    let begun = |run: &str| {
        let child = start(&place, &[&place.recipe, "--data", DATA, "--quiet", "-o", run]);
        let metrics = place.folder.join(run).join("metrics.jsonl");
        until("a step", || std::fs::metadata(&metrics).is_ok_and(|m| m.len() > 0));
        child
    };
    let child = begun("moved");
    std::fs::rename(place.folder.join("moved"), place.folder.join("there")).expect("it moves");
    let (status, err) = end(child);
    assert_eq!(status, Some(3), "{err}");
    assert!(err.contains("moved is not there any more") && err.contains("there`"), "{err}");
    assert!(!place.folder.join("moved").exists());
    place.expect(0, &["--resume", "there", "--quiet"]);
    assert_same(&place.folder.join("there"), &place.folder.join("whole"));

    let child = begun("removed");
    std::fs::remove_dir_all(place.folder.join("removed")).expect("it goes");
    let (status, err) = end(child);
    assert_eq!(status, Some(3), "{err}");
    let saved = err.split("--resume ").nth(1).and_then(|rest| rest.split('`').next());
    let saved = saved.unwrap_or_else(|| panic!("{err}")).to_owned();
    assert!(saved.contains("removed-saved-"), "{err}");
    place.expect(0, &["--resume", &saved, "--quiet"]);
    assert_same(Path::new(&saved), &place.folder.join("whole"));
}

#[test]
fn a_limit_on_the_size_of_files_ends_a_run_by_a_word_and_does_not_stand_in_its_way() {
    let place = place_of("limited", &ALL.replace("epochs: 40", "epochs: 2"));
    place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "-o", "whole"]);
    // In KiB: too few for the record, and for the first checkpoint alone.
    for (blocks, begun) in [(1, false), (6, true)] {
        let run = format!("run-{blocks}");
        let args = format!("{} {} --data {DATA} --quiet -o {run}", env!("CARGO_BIN_EXE_sslrun"), place.recipe);
        let line = format!("ulimit -f {blocks}; exec {args}");
        let child = Command::new("bash").args(["-c", &line]).current_dir(&place.folder).stderr(Stdio::piped()).spawn();
        let (status, err) = end(Running(Some(child.expect("it starts"))));
        assert_eq!(status, Some(3), "{err}");
        assert!(err.contains("cannot write") && err.contains("File too large"), "{err}");
        assert_eq!(place.folder.join(&run).join("recipe.ssl").exists(), begun, "{err}");
        match begun {
            true => place.expect(0, &["--resume", &run, "--quiet"]),
            false => place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "-o", &run]),
        };
        assert_same(&place.folder.join(&run), &place.folder.join("whole"));
    }
}

#[test]
fn a_disk_that_is_full_for_a_moment_is_waited_for() {
    let place = place_of("full", &ALL.replace("epochs: 40", "epochs: 3"));
    let disk = place.folder.join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(&disk).stderr(Stdio::null());
    if !mount.status().is_ok_and(|status| status.success()) {
        // Only root may mount; the limit on files above tries the same routine.
        return;
    }
    let result = std::panic::catch_unwind(|| on_a_small_disk(&place));
    let _ = Command::new("umount").arg("-l").arg(&disk).status();
    result.expect("the disk holds");
}

fn on_a_small_disk(place: &Place) {
    let filler = place.folder.join("disk/filler");
    let fill = || {
        use std::io::Write;
        let mut file = std::fs::File::create(&filler).expect("a file");
        while file.write_all(&[0; 512]).is_ok() {}
    };
    // No room at the start.
    fill();
    let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "-o", "disk/run"]);
    assert!(err.contains("disk"), "{err}");
    std::fs::remove_file(&filler).expect("it goes");
    // Full from the first step on, and free again a second after the training has noticed.
    let args = [place.recipe.as_str(), "--data", DATA, "-o", "disk/late"];
    let mut child = place.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    until("a checkpoint", || place.folder.join("disk/late/checkpoints/last.safetensors").exists());
    fill();
    let err = std::io::BufReader::new(child.stderr.take().expect("its words"));
    let mut told = String::new();
    for line in std::io::BufRead::lines(err).map_while(Result::ok) {
        if line.contains("trying again") && filler.exists() {
            std::fs::remove_file(&filler).expect("it goes");
        }
        told += &(line + "\n");
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{told}");
    assert!(told.contains("No space left on device"), "{told}");
    assert_eq!(record(&place.folder.join("disk/late")).outcome, Outcome::Finished);
    // Full to the end: who is asked to stop does not wait for long, and saves elsewhere.
    let long = place.recipe.replace("tiny", "long");
    std::fs::write(&long, ALL.replace("epochs: 40", "epochs: 100000")).expect("a recipe");
    let child = start(place, &[&long, "--data", DATA, "-o", "disk/never"]);
    let metrics = place.folder.join("disk/never/metrics.jsonl");
    until("a step", || std::fs::metadata(&metrics).is_ok_and(|m| m.len() > 0));
    fill();
    send(&child, "TERM");
    let (status, err) = end(child);
    assert_eq!(status, Some(3), "{err}");
    let saved = err.split("--resume ").nth(1).and_then(|rest| rest.split('`').next());
    let saved = saved.unwrap_or_else(|| panic!("{err}"));
    let progress = Checkpoint::read(&Path::new(saved).join("checkpoints/last.safetensors")).expect("a checkpoint");
    assert!(progress.progress.step > 0 && Path::new(saved).join("recipe.ssl").exists());
    std::fs::remove_dir_all(saved).expect("it goes");
    std::fs::remove_file(&filler).expect("it goes");
}
