//! Signals: the first that asks to stop lets the run stop after its step, with everything saved; the second stops the program at once.

use std::sync::Arc;

use super::{Exit, output};
use crate::system::{Request, listen};
use crate::train::Control;

/// What signals ask of a training from now on.
pub fn control() -> Arc<Control> {
    let control = Arc::new(Control::default());
    let heard = control.clone();
    let hear = move |request| match request {
        Request::Save => heard.save(),
        _ if heard.stop() => std::process::exit(Exit::Interrupted as i32),
        Request::Interrupt => output::message("\nstopping after this step; Ctrl-C again stops at once"),
        Request::End => output::message("\nstopping after this step"),
    };
    if let Err(error) = listen(hear) {
        output::message(&format!("warning: signals stop the program without saving: {error}"));
    }
    control
}
