//! Clients of other people's making sign in through the real program.

use doorward_e2e::{Options, Server, scripts};

#[test]
fn npm_openid_client_signs_in() {
    let server = Server::start(Options::default());
    scripts::node(&server, "openid-client.test.mjs");
}

#[test]
fn npm_jose_accepts_the_logout_tokens() {
    // The receiver is on this machine.
    let env = vec![("DOORWARD_ALLOW_PRIVATE_FETCH", "true".to_owned())];
    scripts::node(&Server::start(Options { env, ..Options::default() }), "backchannel.test.mjs");
}

#[test]
fn the_programs_for_fastapi_verify_tokens_and_sign_people_in() {
    let server = Server::start(Options::default());
    scripts::python(&server, "fastapi_programs.py");
}

#[test]
fn what_the_console_gives_to_paste_runs() {
    let server = Server::start(Options::default());
    scripts::python(&server, "pasted.py");
}

#[test]
fn a_person_signs_the_command_line_in_and_out() {
    let server = Server::start(Options::default());
    scripts::python(&server, "command_line.py");
}

#[test]
fn a_program_without_accounts_nudges_until_somebody_registers() {
    let server = Server::start(Options::default());
    scripts::python(&server, "nudge.py");
}

#[test]
fn orcheos_own_commands_manage_service_tokens() {
    let server = Server::start(Options::default());
    scripts::python(&server, "orcheo_cli.py");
}

#[test]
fn an_attacker_gets_nothing_and_breaks_nothing() {
    let server = Server::start(Options::default());
    scripts::node(&server, "attacks.test.mjs");
    assert!(!server.log().contains("panicked"), "something panicked");
}
