//! Starting and stopping: what a first start makes, what an unsafe one is told, how one ends.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use doorward_e2e::{
    Options, Server,
    program::{binary, block_on, client, refused},
};

fn get(server: &Server, path: &str) -> (u16, String) {
    block_on(async {
        let answer = client().get(format!("{}{path}", server.issuer)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    })
}

#[test]
fn a_first_start_makes_its_folder_for_its_owner_only() {
    let server = Server::start(Options::default());
    let mode = |name: &str| {
        let path = server.data().join(name);
        path.metadata().expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("doorward.db"), mode("master.key")), (0o700, 0o600, 0o600));
    server.log_with("/setup?token=");
    assert_eq!(get(&server, "/healthz").0, 200);
    let (status, discovery) = get(&server, "/.well-known/openid-configuration");
    assert_eq!(status, 200);
    assert!(discovery.contains(&format!("\"issuer\":\"{}\"", server.issuer)), "{discovery}");
}

#[test]
fn a_second_start_keeps_what_the_first_made() {
    let mut server = Server::start(Options::default());
    let keys = get(&server, "/.well-known/jwks.json");
    assert!(server.stop(), "asked to end, it ends well:\n{}", server.log());
    server.restart();
    assert_eq!(get(&server, "/.well-known/jwks.json"), keys);
}

#[test]
fn unsafe_starts_are_refused_by_name() {
    let told = refused(&[("DOORWARD_LISTEN", "0.0.0.0:0"), ("DOORWARD_PUBLIC_URL", "http://id.example.com")]);
    assert!(told.contains("allow.plain_http"), "{told}");
    let told = refused(&[("DOORWARD_CORS_ALLOWED_ORIGINS", "*")]);
    assert!(told.contains("allow.any_origin"), "{told}");
    let told = refused(&[("DOORWARD_AUTH_BOOTSTRAP_TOKEN_EXPIRES_AT", "next tuesday")]);
    assert!(
        told.contains("DOORWARD_AUTH_BOOTSTRAP_TOKEN_EXPIRES_AT"),
        "an expiry that cannot be read: {told}"
    );
    let told = refused(&[("DOORWARD_AUTH_BOOTSTRAP_SERVICE_TOKEN", "short")]);
    assert!(told.to_lowercase().contains("bootstrap_service_token"), "a token that can be guessed: {told}");
}

#[test]
fn a_gateway_alone_that_believes_nobody_does_not_start() {
    // Without the bootstrap token, which it would believe.
    let nobody = ("DOORWARD_AUTH_BOOTSTRAP_SERVICE_TOKEN", "");
    let told = refused(&[("DOORWARD_ROLE", "gateway"), nobody]);
    assert!(told.contains("auth.issuer") && told.contains("believes nobody"), "{told}");
    // Where others reach it, its mode cannot be the way out in passing.
    let exposed = ("DOORWARD_PUBLIC_URL", "https://app.example.com");
    let told = refused(&[("DOORWARD_ROLE", "gateway"), ("DOORWARD_AUTH_MODE", "disabled"), exposed]);
    assert!(told.contains("allow.open_gateway"), "{told}");
    // `config check` says the same beforehand.
    let folder = tempfile::tempdir().expect("a folder");
    let mut check = Command::new(binary());
    check.args(["config", "check", "--set", "role=gateway"]).current_dir(folder.path());
    let checked = check.output().expect("it runs");
    let said = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    assert!(!checked.status.success() && said.contains("believes nobody"), "{said}");
}

#[test]
fn a_value_that_cannot_be_read_is_named_with_its_variable() {
    let told = refused(&[("DOORWARD_TOKENS_ACCESS_TTL", "ten minutes")]);
    assert!(told.contains("DOORWARD_TOKENS_ACCESS_TTL"), "{told}");
}
