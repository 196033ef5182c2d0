//! The library: an API that mounts it, and a program that asks that API, both against the real server; and the
//! vectors, sent to adapters that listen.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use doorward_e2e::{Options, Server, program::root, scripts};

const EXAMPLES: [&str; 5] = ["guarded", "calling", "tenants", "conformance", "adapter"];

/// The folder of the built examples.
fn examples() -> PathBuf {
    let mut build = Command::new("cargo");
    build.args(["build", "--quiet", "--package", "doorward-sdk"]).current_dir(root());
    let built =
        build.args(EXAMPLES.map(|name| ["--example", name]).as_flattened()).status().expect("cargo runs");
    assert!(built.success(), "the examples do not build");
    let test = std::env::current_exe().expect("a test has a path");
    let folders = test.ancestors().map(|folder| folder.join("examples"));
    folders.into_iter().find(|folder| folder.join("guarded").is_file()).expect("they are beside the test")
}

#[test]
fn an_api_is_guarded_in_ten_lines_and_asked_with_a_token() {
    let server = Server::start(Options::default());
    scripts::python_told(&server, "sdk.py", &[("DOORWARD_EXAMPLES", &examples())]);
}

#[test]
fn an_api_of_many_organisations_keeps_their_data_apart() {
    let server = Server::start(Options::default());
    scripts::python_told(&server, "tenants.py", &[("DOORWARD_EXAMPLES", &examples())]);
}

/// What the runner says of adapters, and whether they passed.
fn conformance(args: &[&str]) -> (bool, String) {
    let mut runner = Command::new(examples().join("conformance"));
    let done = runner.args(args).current_dir(root()).output().expect("the runner runs");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.success(), said)
}

#[test]
fn every_vector_holds_for_the_layer_over_the_network() {
    let mut files: Vec<String> = std::fs::read_dir(root().join("vectors/http"))
        .expect("there are vectors")
        .map(|entry| entry.expect("a file").path().display().to_string())
        .filter(|file| !file.ends_with("keys.json"))
        .collect();
    files.sort();
    let adapter = examples().join("adapter").display().to_string();
    let args: Vec<&str> = files.iter().map(String::as_str).chain(["--", &adapter]).collect();
    let (passed, said) = conformance(&args);
    assert!(passed && said.ends_with(" passed, 0 failed\n"), "{said}");
    assert_eq!(said.matches(".json: ").count(), files.len(), "{said}");
    assert!(!said.contains("left out"), "{said}");
}

#[test]
fn an_adapter_in_another_language_passes_the_vectors_of_a_gateways_word() {
    let args = ["vectors/http/assertion.json", "--", "python3", "tests/e2e/python/adapter.py"];
    let (passed, said) = conformance(&args);
    assert!(passed && said.contains("28 of 28 passed"), "{said}");
}

#[test]
fn what_an_adapter_does_otherwise_is_named() {
    let mut adapter = Command::new(examples().join("adapter"));
    adapter.arg("vectors/http/mode-optional.json").current_dir(root()).stdout(Stdio::piped());
    let mut adapter = adapter.spawn().expect("it starts");
    let mut url = String::new();
    BufReader::new(adapter.stdout.take().expect("it prints")).read_line(&mut url).expect("where it listens");
    let asked = |file: &str| conformance(&["--url", url.trim(), &format!("vectors/http/{file}.json")]);
    let (right, wrong) = (asked("mode-optional"), asked("mode-disabled"));
    adapter.kill().expect("it runs");
    adapter.wait().expect("it ends");
    let gone = asked("mode-optional");
    assert!(right.0, "{}", right.1);
    // It asks for more than one that is disabled: of what that lets through, it refuses or names these.
    assert!(!wrong.0 && wrong.1.contains("mode-disabled.json: 4 of 7 passed"), "{}", wrong.1);
    for case in
        ["something wrong: the status is 401, not 200", "somebody: the caller is", "two credentials: "]
    {
        assert!(wrong.1.contains(&format!("  failed: {case}")), "{}", wrong.1);
    }
    assert!(!gone.0 && gone.1.contains("0 of 7 passed") && gone.1.contains("no answer"), "{}", gone.1);
    assert!(conformance(&["--url", "http://127.0.0.1:1"]).1.starts_with("Usage"));
}
