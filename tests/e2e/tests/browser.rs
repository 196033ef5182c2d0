//! A real browser meets the real program.

use doorward_e2e::{Options, Server, scripts};

#[test]
fn a_person_travels_from_the_sign_up_mail_to_an_application_and_out() {
    let server = Server::start(Options::default());
    scripts::node(&server, "journey.test.mjs");
}

#[test]
fn every_page_is_accessible() {
    let server = Server::start(Options::default());
    scripts::node(&server, "pages.test.mjs");
}

#[test]
fn an_account_is_kept_with_a_keyboard() {
    let server = Server::start(Options::default());
    scripts::node(&server, "keyboard.test.mjs");
}
