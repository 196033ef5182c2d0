//! Commands that help with the others: completions, formats, keys.

use serde_json::Value as Json;

use crate::support::{Server, doorward, run};

#[test]
fn shells_learn_the_commands_that_the_api_makes_too() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = run(&mut doorward(home.path(), &["completions", shell]));
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains("serve") && said.out.contains("redirect-uri"), "{shell}");
    }
    assert_eq!(run(&mut doorward(home.path(), &["completions", "abacus"])).code, 2);
}

#[test]
fn lists_that_need_no_server_come_in_every_format_too() {
    let home = tempfile::tempdir().unwrap();
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args)).out;
    let keys: Json = serde_json::from_str(&cli(&["config", "show", "--output", "json"])).unwrap();
    let idle = keys["items"].as_array().unwrap().iter().find(|key| key["key"] == "session.idle").unwrap();
    assert_eq!(idle["value"], "7d");
    assert_eq!(idle["from"], "default");
    assert!(
        cli(&["config", "env", "--output", "markdown"]).starts_with("| key | variable | default | about |")
    );
    assert!(cli(&["explain", "--output", "yaml"]).contains("code: refresh.reused"));
    let one: Json = serde_json::from_str(&cli(&["explain", "refresh.reused", "--output", "json"])).unwrap();
    assert_eq!(one["oauth_error"], "invalid_grant");
}

#[test]
fn keys_are_rotated_together_or_one_by_one() {
    let home = tempfile::tempdir().unwrap();
    let _server = Server::start(home.path(), &[]);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    let made = |args: &[&str]| -> Vec<(String, String)> {
        let said = cli(&[args, &["--output", "json"]].concat());
        assert_eq!(said.code, 0, "{}", said.err);
        let made: Json = serde_json::from_str(&said.out).unwrap();
        let text = |key: &Json, name: &str| key[name].as_str().unwrap().to_owned();
        made["items"].as_array().unwrap().iter().map(|key| (text(key, "alg"), text(key, "state"))).collect()
    };
    let waiting = |alg: &str| (alg.to_owned(), "waiting".to_owned());
    assert_eq!(made(&["keys", "rotate", "--alg", "ES256"]), [waiting("ES256")]);
    let active = |alg: &str| (alg.to_owned(), "active".to_owned());
    assert_eq!(made(&["keys", "rotate", "--emergency"]), ["ES256", "EdDSA", "RS256"].map(active));
    let wrong = cli(&["keys", "rotate", "--alg", "none"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("RS256, ES256 and EdDSA"), "{}", wrong.err);
}

#[test]
fn a_reader_that_has_read_enough_is_no_fault() {
    let home = tempfile::tempdir().unwrap();
    for args in [&["config", "env"][..], &["client", "create", "--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = doorward(home.path(), args).stdout(writer).output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{args:?}: {ended:?}");
    }
}

#[test]
fn every_flag_says_what_it_is_for() {
    let home = tempfile::tempdir().unwrap();
    let help = |args: &[&str]| run(&mut doorward(home.path(), &[args, &["--help"]].concat())).out;
    let create = help(&["client", "create"]);
    assert!(
        create.contains("for `private_key_jwt`") && create.contains("`confidential` unless set"),
        "{create}"
    );
    let list = help(&["audit", "list"]);
    assert!(list.contains("from this time on") && list.contains("before this time"), "{list}");
}
