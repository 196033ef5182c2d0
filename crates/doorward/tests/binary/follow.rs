//! `--follow`: everything once, also while the server is started anew.

use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value as Json;

use crate::support::{Server, doorward, run};

/// Gone when the test ends.
struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads on until the person was created; every event on the way has the next number.
fn until_created(lines: &mut Lines<BufReader<ChildStdout>>, last: &mut i64, id: &str) {
    for line in lines {
        let event: Json = serde_json::from_str(&line.unwrap()).unwrap();
        let seq = event["seq"].as_i64().unwrap();
        assert_eq!(seq, *last + 1, "{event}");
        *last = seq;
        if event["code"] == "user.created" && event["subject"] == id {
            return;
        }
    }
    panic!("it ended before {id}");
}

#[test]
fn nothing_comes_twice_and_nothing_is_left_out() {
    let home = tempfile::tempdir().unwrap();
    let create = |email: &str| {
        let args = ["user", "create", "--email", email, "--output", "json"];
        let said = run(&mut doorward(home.path(), &args));
        assert_eq!(said.code, 0, "{}", said.err);
        let person: Json = serde_json::from_str(&said.out).unwrap();
        person["id"].as_str().unwrap().to_owned()
    };
    let server = Server::start(home.path(), &[]);
    let args = ["audit", "list", "--follow", "--after", "0", "--output", "json"];
    let mut child = doorward(home.path(), &args);
    let child = child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut follower = Follower(child.spawn().unwrap());
    let mut lines = BufReader::new(follower.0.stdout.take().unwrap()).lines();
    let mut last = 0;
    until_created(&mut lines, &mut last, &create("ada@example.com"));
    assert!(server.stop().0.success());
    let _server = Server::start(home.path(), &[]);
    until_created(&mut lines, &mut last, &create("grace@example.com"));
    let pid = follower.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(follower.0.wait().unwrap().code(), Some(0));
}
