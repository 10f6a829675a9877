//! What stands around the work: completions, manual pages, and what a machine has.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::cli::place_of;

/// The commands, as the help lists them.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split("Commands:\n").nth(1).expect("a list").split("\n\n").next().expect("its end");
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_page_and_is_completed() {
    let place = place_of("pages", "");
    let (help, _) = place.expect(0, &["-h"]);
    let commands = commands(&help);
    assert!(commands.len() > 14, "{commands:?}");
    place.expect(0, &["man", "pages"]);
    let page = place.read("pages/sslrun.1");
    assert!(page.contains(".TH sslrun 1") && page.contains("Goes on with the run"), "{page}");
    let (bash, _) = place.expect(0, &["completions", "bash"]);
    for command in &commands {
        let page = place.read(&format!("pages/sslrun-{command}.1"));
        assert!(page.contains(&format!("sslrun {command}")), "{page}");
        assert!(bash.contains(&format!("sslrun,{command})")), "{command} is not completed");
    }
    assert_eq!(std::fs::read_dir(place.folder.join("pages")).expect("pages").count(), commands.len() + 1);
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        let (script, _) = place.expect(0, &["completions", shell]);
        assert!(commands.iter().all(|command| script.contains(command.as_str())), "{shell}");
    }
}

#[test]
fn a_shell_completes_by_what_is_printed() {
    let place = place_of("completions", "");
    let (script, _) = place.expect(0, &["completions", "bash"]);
    let asked = "\nCOMP_WORDS=(sslrun runs --so); COMP_CWORD=2; _sslrun sslrun --so runs; echo \"${COMPREPLY[@]}\"\n";
    let child = Command::new("bash").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    // Without that shell there is nobody to ask.
    let Ok(mut child) = child else { return };
    child.stdin.take().expect("a pipe").write_all((script + asked).as_bytes()).expect("it reads");
    let out = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "--sort");
}

#[test]
fn the_doctor_says_what_there_is_and_what_is_used() {
    let place = place_of("doctor", "");
    let output = place.command(&["doctor"]).env("SSLRUN_KERNELS", "portable").env("RAYON_NUM_THREADS", "1").output();
    let output = output.expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let line = |name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name).map(str::trim));
        found.unwrap_or_else(|| panic!("{name} in\n{text}")).to_owned()
    };
    assert_eq!(line("version"), env!("CARGO_PKG_VERSION"));
    assert!(line("instructions").starts_with("portable; "), "{text}");
    assert!(line("threads").starts_with("1 compute; "), "{text}");
    assert!(line("cores").chars().next().is_some_and(|c| c.is_ascii_digit()), "{text}");
    assert!(line("engine").starts_with("planned"), "{text}");
    assert!(line("this folder").ends_with("can be written to"), "{text}");
    if cfg!(target_os = "linux") {
        assert!(line("memory").contains("this machine: ") && line("memory").contains("are free"), "{text}");
    }
    let gone = place.command(&["doctor"]).env("TMPDIR", place.folder.join("nowhere")).output().expect("it starts");
    assert!(gone.status.success() && String::from_utf8_lossy(&gone.stdout).contains("nowhere, cannot be written to"));
}
