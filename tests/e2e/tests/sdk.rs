//! The library: an API that mounts it, and a program that asks that API, both against the real server.

use std::{path::PathBuf, process::Command};

use doorward_e2e::{Options, Server, program::root, scripts};

const EXAMPLES: [&str; 2] = ["guarded", "calling"];

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
