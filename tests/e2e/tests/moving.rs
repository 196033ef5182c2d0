//! A server moves: what is exported from one and imported into another goes on working there.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use doorward_e2e::{
    Options, Server,
    program::{BOOTSTRAP, block_on, client},
    scripts,
};
use serde_json::{Value, json};

/// Runs a command, which must end well; answers what it said.
fn done(server: &Server, args: &[&str]) -> String {
    let output = server.command(args);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

async fn created(server: &Server, area: &str, body: Value) -> Value {
    let url = format!("{}/api/v1/{area}", server.issuer);
    let request = client().post(url).bearer_auth(BOOTSTRAP).header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 201, "{area}");
    serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON")
}

#[test]
fn people_and_applications_find_everything_at_the_new_server() {
    let old = Server::start(Options::default());
    let folder = tempfile::tempdir().expect("a folder");
    let facts = block_on(async {
        let user = created(
            &old,
            "users",
            json!({ "email": "ada@example.com", "email_verified": true, "name": "Ada", "password": "correct horse 7 battery staple" }),
        );
        let application = created(
            &old,
            "clients",
            json!({
                "client_id": "lamps", "name": "Lamps", "type": "confidential", "first_party": true,
                "redirect_uris": ["https://app.example/callback"], "scopes": ["openid"],
                "grant_types": ["authorization_code", "client_credentials"],
            }),
        );
        json!({ "user": user.await, "client": application.await })
    });
    let told = folder.path().join("facts.json");
    std::fs::write(&told, facts.to_string()).expect("is written");
    let phrase = folder.path().join("phrase");
    std::fs::write(&phrase, "seven quiet lanterns by the canal\n").expect("is written");
    let passphrase = format!("@{}", phrase.display());
    let file = folder.path().join("server.ndjson");
    let file = file.to_str().expect("a plain path");
    let said = done(&old, &["export", "--all", file, "--with-secrets", "--passphrase", &passphrase]);
    assert!(said.contains("1 user") && said.contains("1 client_secret"), "{said}");

    // Into a server that runs.
    let new = Server::start(Options::default());
    let said = done(&new, &["import", file, "--passphrase", &passphrase]);
    assert!(said.contains("1 user") && !said.contains("Left out"), "{said}");
    scripts::python_told(&new, "moved.py", &[("DOORWARD_MOVED", &told)]);
    let again = new.command(&["import", file, "--passphrase", &passphrase]);
    assert_eq!(again.status.code(), Some(1), "it is not empty any more");
    let said = done(&new, &["import", file, "--passphrase", &passphrase, "--merge"]);
    assert!(said.contains("nothing new"), "{said}");

    // While none runs, and with what the next start finds.
    let mut third = Server::start(Options::default());
    assert!(third.stop(), "it ends well:\n{}", third.log());
    done(&third, &["import", file, "--passphrase", &passphrase]);
    third.restart();
    scripts::python_told(&third, "moved.py", &[("DOORWARD_MOVED", &told)]);
    done(&third, &["audit", "verify"]);
    done(&third, &["db", "verify"]);
}
