//! Ctrl-C: the first asks the run to stop after its step, the second stops the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Exit, output};

/// A flag that the first Ctrl-C sets.
pub fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let installed = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
        output::message("\nstopping after this step; Ctrl-C again stops at once");
    });
    if let Err(error) = installed {
        output::message(&format!("Ctrl-C will not save anything: {error}"));
    }
    stop
}
