//! Signals: the first that asks to stop lets the run stop after its step, with everything saved; the second stops the program at once.

use std::sync::Arc;

use super::{Exit, output};
use crate::train::Control;

/// What signals ask of a training from now on.
pub fn control() -> Arc<Control> {
    let control = Arc::new(Control::default());
    if let Err(error) = listen(control.clone()) {
        output::message(&format!("warning: signals stop the program without saving: {error}"));
    }
    control
}

/// Ctrl-C, the end of a terminal (unless the program was started by `nohup`) and what batch systems send before they kill all ask to
/// stop; SIGUSR1 asks to save and to go on.
fn listen(control: Arc<Control>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    let hang_up = (!ignored(SIGHUP)).then_some(SIGHUP);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGUSR1].into_iter().chain(hang_up))?;
    let heard = move || {
        for signal in signals.forever() {
            match signal {
                SIGUSR1 => control.save(),
                _ if control.stop() => std::process::exit(Exit::Interrupted as i32),
                SIGINT => output::message("\nstopping after this step; Ctrl-C again stops at once"),
                _ => output::message("\nstopping after this step"),
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(heard).map(|_| ())
}

/// Whether whoever started the program wanted it to hear nothing of a signal.
fn ignored(signal: i32) -> bool {
    // SAFETY: no handler is set; the old one is written to a place of the right type, for which zeros are a value.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut old) == 0 && old.sa_sigaction == libc::SIG_IGN
    }
}

/// Lets a write beyond the limit on file sizes fail as one to a full disk does, instead of killing the program.
pub fn survive_file_limits() {
    // What cannot be registered leaves the system's default.
    let _ = signal_hook::flag::register(libc::SIGXFSZ, Arc::default());
}
