//! Running the scripts in `js/` and `python/` against a server, and showing what they said.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::program::{BOOTSTRAP, Server, binary, root};

/// Runs a file of `js/` under node's own test runner.
pub fn node(server: &Server, file: &str) {
    run(node_command(file), server, file);
}

/// The same, for a script that wants to know more.
pub fn node_told(server: &Server, file: &str, more: &[(&str, &Path)]) {
    run_told(node_command(file), server, file, more);
}

/// The same, for a script that knows a second process of the same issuer.
pub fn node_beside(server: &Server, second: &Server, file: &str) {
    let mut command = node_command(file);
    command.env("DOORWARD_SECOND", &second.issuer);
    run(command, server, file);
}

fn node_command(file: &str) -> Command {
    let folder = root().join("tests/e2e");
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=spec"]).arg(folder.join("js").join(file)).current_dir(&folder);
    command
}

/// Runs a file of `python/` with the packages of `requirements.txt`.
pub fn python(server: &Server, file: &str) {
    run(python_command(file), server, file);
}

/// The same, for a script that wants to know more.
pub fn python_told(server: &Server, file: &str, more: &[(&str, &Path)]) {
    run_told(python_command(file), server, file, more);
}

/// The environment of the processes that `storm.py` asks: one application, on this port.
pub fn storm_env(behind: &str) -> Vec<(&'static str, String)> {
    let routes = format!(
        r#"[{{"name": "app", "hosts": ["app.localhost"], "upstream": "http://127.0.0.1:{behind}"}}]"#
    );
    vec![("DOORWARD_GATEWAY_ROUTES", routes)]
}

/// The same with this environment, for a program that is no [`Server`].
pub fn python_with(environment: &[(&str, &str)], file: &str) {
    let mut command = python_command(file);
    finish(command.envs(environment.iter().copied()), file);
}

pub(crate) fn python_command(file: &str) -> Command {
    let folder = root().join("tests/e2e/python");
    let installed = root().join(".dev/venv/bin/python");
    let python = if installed.exists() { installed } else { PathBuf::from("python3") };
    let mut command = Command::new(python);
    command.arg(folder.join(file)).current_dir(&folder);
    command
}

fn run(command: Command, server: &Server, file: &str) {
    run_told(command, server, file, &[]);
}

fn run_told(mut command: Command, server: &Server, file: &str, more: &[(&str, &Path)]) {
    if let Some(folder) = server.certificates() {
        let authority = folder.join("authority.pem");
        command.env("DOORWARD_CERTIFICATES", folder);
        command.env("REQUESTS_CA_BUNDLE", &authority).env("NODE_EXTRA_CA_CERTS", &authority);
    }
    command
        .env("DOORWARD_PROGRAM", binary())
        .env("DOORWARD_ISSUER", &server.issuer)
        .env("DOORWARD_BOOTSTRAP", BOOTSTRAP)
        .env("DOORWARD_MAIL_PORT", server.mail_port.to_string())
        .env("DOORWARD_SERVER_LOG", server.log_file())
        .envs(more.iter().copied());
    finish(&mut command, file);
}

fn finish(command: &mut Command, file: &str) {
    let done = command.env("NO_COLOR", "1").stdin(Stdio::null()).output().expect("the script runs");
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{file} failed:\n{said}\n{complained}");
    println_for_tests(&said);
}

#[expect(clippy::print_stdout, reason = "shown by `--nocapture`")]
fn println_for_tests(said: &str) {
    println!("{said}");
}
