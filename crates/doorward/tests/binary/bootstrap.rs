//! The bootstrap token from its making to its removal, as an operator meets it.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::support::{Answer, Server, doorward, run};

const TOKEN: &str = "ORCHEO_AUTH_BOOTSTRAP_SERVICE_TOKEN";
const SCOPES: &str = "ORCHEO_AUTH_BOOTSTRAP_TOKEN_SCOPES";

fn generated(home: &Path) -> String {
    let said = run(&mut doorward(home, &["token", "generate"]));
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(said.out.lines().count(), 1);
    said.out.trim_end().to_owned()
}

fn start(home: &Path, variables: &[(&str, &str)]) -> Server {
    let args = ["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
    let mut command = doorward(home, &args);
    Server::spawn(home, command.envs(variables.iter().copied()))
}

fn get(server: &Server, path: &str, token: &str) -> Answer {
    server.ask(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"), "")
}

fn whoami(server: &Server, token: &str) -> Json {
    let answer = get(server, "/api/whoami", token);
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

fn doctor(server: &Server, variables: &[(&str, &str)]) -> String {
    let listen = format!("listen={}", server.address);
    let mut command = doorward(&server.folder, &["doctor", "--set", &listen]);
    run(command.envs(variables.iter().copied())).out
}

#[test]
fn it_administers_everything_until_it_is_taken_away() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (generated(home.path()), generated(home.path()));
    assert!(first.len() >= 32 && first != second);
    let set = [(TOKEN, first.as_str())];
    let server = start(home.path(), &set);
    let told = doctor(&server, &set);
    assert!(told.contains("the bootstrap token is a root credential"), "{told}");
    assert!(told.contains("configured, last used: never"), "{told}");
    let who = whoami(&server, &first);
    let expected = [
        "admin:*",
        "admin:tokens:read",
        "admin:tokens:write",
        "workflows:read",
        "workflows:write",
        "workflows:execute",
        "vault:read",
        "vault:write",
    ];
    assert_eq!(who["scopes"], json!(expected));
    assert_eq!((&who["identity_type"], &who["token_id"]), (&json!("service"), &json!("bootstrap")));
    assert!(!doctor(&server, &set).contains("never"));
    let events = get(&server, "/api/v1/audit/events?code=bootstrap.used", &first);
    let events: Json = serde_json::from_str(&events.body).unwrap();
    assert_eq!(events["items"][0]["facts"]["uses"], 1, "{events}");
    let settings: Json = serde_json::from_str(&get(&server, "/api/v1/settings", &first).body).unwrap();
    assert_eq!(settings["bootstrap"]["uses"], 3, "{settings}");
    assert!(server.stop().0.success());

    // Exchanged: another token and a restart.
    let set = [(TOKEN, second.as_str())];
    let server = start(home.path(), &set);
    assert_eq!(get(&server, "/api/whoami", &first).status, 401);
    assert_eq!(whoami(&server, &second)["authenticated"], true);
    assert!(server.stop().0.success());

    // Taken away: nothing of it was kept that would open anything.
    let server = start(home.path(), &[]);
    for token in [&first, &second] {
        let refused = get(&server, "/api/whoami", token);
        assert!(refused.status == 401 && refused.body.contains("auth.invalid_token"), "{refused:?}");
    }
    assert!(!doctor(&server, &[]).contains("bootstrap"));
    assert!(server.stop().0.success());
    for file in std::fs::read_dir(home.path().join("doorward-data")).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for token in [&first, &second] {
            assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn it_may_do_what_its_scopes_say() {
    let home = tempfile::tempdir().unwrap();
    let token = generated(home.path());
    let set = [(TOKEN, token.as_str()), (SCOPES, "admin:tokens:write,workflows:read")];
    let server = start(home.path(), &set);
    assert_eq!(whoami(&server, &token)["scopes"], json!(["admin:tokens:write", "workflows:read"]));
    let refused = get(&server, "/api/v1/users", &token);
    assert!(refused.status == 403 && refused.body.contains("auth.missing_scope"), "{refused:?}");
}

/// Without a database there is the token of the environment, with its scopes and its end, for the applications behind.
#[test]
fn a_gateway_alone_knows_it() {
    let home = tempfile::tempdir().unwrap();
    let token = generated(home.path());
    let expiry = "ORCHEO_AUTH_BOOTSTRAP_TOKEN_EXPIRES_AT";
    let start = |more: &[(&str, &str)]| {
        let args = ["serve", "--role", "gateway", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
        let mut command = doorward(home.path(), &args);
        let command = command.env(TOKEN, &token).envs(more.iter().copied());
        Server::spawn_after(home.path(), command, "listening, as a gateway alone")
    };
    let server = start(&[]);
    let known = get(&server, "/validate", &token);
    assert!(known.status == 200 && known.head.contains("x-user-id: bootstrap"), "{known:?}");
    let permissions = known.head.lines().find_map(|line| line.strip_prefix("x-permissions: ")).unwrap();
    assert!(permissions.split(',').any(|one| one == "workflows:execute"), "{permissions}");
    let wrong = get(&server, "/validate", &token.replace("dw_", "dw-"));
    assert!(wrong.status == 401 && wrong.body.contains("auth.invalid_token"), "{wrong:?}");
    drop(server);

    let server = start(&[(SCOPES, "reports:read"), (expiry, "2100-01-01T00:00:00Z")]);
    let known = get(&server, "/validate", &token);
    assert!(known.status == 200 && known.head.contains("x-permissions: reports:read\r\n"), "{known:?}");
    drop(server);

    let server = start(&[(expiry, "2020-01-01T00:00:00Z")]);
    let late = get(&server, "/validate", &token);
    assert!(late.status == 401 && late.body.contains("auth.token_expired"), "{late:?}");
}
