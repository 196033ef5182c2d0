//! Service tokens from the command line, against a running server; tokens of an Orcheo database.

use std::os::unix::fs::PermissionsExt as _;

use doorward_world::orcheo;
use serde_json::Value as Json;

use crate::support::{Said, Server, doorward, run};

fn json(said: &Said) -> Json {
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    serde_json::from_str(&said.out).unwrap()
}

fn secret_in(out: &str) -> String {
    out.lines().find_map(|line| line.strip_prefix("Secret: ")).expect("a secret").to_owned()
}

/// Makes `my-ci-token` and looks at what is printed; answers its secret.
fn created(home: &std::path::Path) -> String {
    let create = [
        "token",
        "create",
        "--id",
        "my-ci-token",
        "-s",
        "admin:users:read",
        "--scope",
        "admin:tokens:read",
        "-w",
        "ws-a",
        "--workspace",
        "ws-b",
        "--expires-in",
        "2592000",
        "--owner",
        "Ada",
        "--allowed-ip",
        "127.0.0.0/8",
    ];
    let made = run(&mut doorward(home, &create));
    assert_eq!(made.code, 0, "{}", made.err);
    let secret = secret_in(&made.out);
    let lines: Vec<&str> = made.out.lines().collect();
    assert_eq!(lines[..3], ["Service token created successfully!", "", "ID: my-ci-token"], "{}", made.out);
    assert_eq!(
        lines[4..9],
        [
            "",
            "⚠ Store this secret securely. It will not be shown again.",
            "",
            "Scopes: admin:users:read, admin:tokens:read",
            "Workspaces: ws-a, ws-b"
        ],
        "{}",
        made.out
    );
    assert!(lines[10].starts_with("Expires: ") && lines[10].ends_with(" UTC"), "{}", made.out);
    secret
}

#[test]
fn a_token_is_made_used_rotated_and_revoked() {
    let home = tempfile::tempdir().unwrap();
    let away = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let url = format!("http://{}", server.address);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    let by = |secret: &str, args: &[&str]| {
        run(doorward(away.path(), args).env("DOORWARD_URL", &url).env("DOORWARD_SERVICE_TOKEN", secret))
    };
    let secret = created(home.path());
    let taken = cli(&["token", "create", "--id", "my-ci-token"]);
    assert!(taken.code == 1 && taken.err.starts_with("doorward: token.name_taken: "), "{}", taken.err);
    let short = cli(&["token", "create", "--expires-in", "59"]);
    assert!(short.code == 1 && short.err.starts_with("doorward: token.lifetime: "), "{}", short.err);

    assert_eq!(json(&by(&secret, &["whoami", "--output", "json"]))["identity_type"], "service");
    assert_eq!(by(&secret, &["user", "list"]).code, 0);
    let more = by(&secret, &["token", "create"]);
    assert!(more.code == 1 && more.err.contains("auth.missing_scope"), "{}", more.err);

    let filed = cli(&["token", "rotate", "my-ci-token", "--overlap", "0", "--output-file", "secret"]);
    assert!(filed.code == 0 && filed.out.contains("Secret: written to secret"), "{}{}", filed.out, filed.err);
    let file = home.path().join("secret");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let new = std::fs::read_to_string(&file).unwrap();
    let again = cli(&["token", "rotate", "my-ci-token", "--output-file", "secret"]);
    assert!(
        again.code == 1 && again.err.contains("cannot make secret"),
        "a secret replaces nothing: {}",
        again.err
    );
    let none = cli(&["token", "rotate", "none", "--output-file", "other"]);
    assert!(none.code == 1 && !home.path().join("other").exists(), "{}", none.err);
    assert_eq!(by(&secret, &["user", "list"]).code, 4, "no overlap");
    assert_eq!(by(new.trim(), &["user", "list"]).code, 0);

    let shown = cli(&["token", "show", "my-ci-token"]);
    assert!(
        shown.out.starts_with("ID: my-ci-token\nVersion: 2\n")
            && shown.out.contains("Allowed from: 127.0.0.0/8"),
        "{}",
        shown.out
    );
    let changed = json(&cli(&["token", "update", "my-ci-token", "--purpose", "CI", "--output", "json"]));
    assert_eq!(changed["purpose"], "CI");
    let listed = cli(&["token", "list"]);
    assert!(
        listed.out.contains("Rotated") && listed.out.contains("Active") && !listed.out.contains("dw_st_"),
        "{}",
        listed.out
    );
    let active = json(&cli(&["token", "list", "--active", "--all", "--output", "json"]));
    assert_eq!(active["items"].as_array().unwrap().len(), 1);
    assert!(cli(&["token", "list", "--output", "markdown"]).out.starts_with("| id | version |"));

    assert_eq!(cli(&["token", "revoke", "my-ci-token"]).code, 2, "a reason is needed");
    let revoked = cli(&["token", "revoke", "my-ci-token", "--reason", "Token compromised"]);
    assert_eq!(revoked.out, "Service token my-ci-token revoked.\nReason: Token compromised\n");
    assert_eq!(by(new.trim(), &["user", "list"]).code, 4);
    assert!(cli(&["token", "list", "--status", "revoked"]).out.contains("Revoked"));
    let (_, out) = server.stop();
    for hidden in [secret.as_str(), new.trim()] {
        assert!(!out.contains(hidden));
    }
}

#[test]
fn many_are_revoked_at_once_and_a_found_secret_too() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    for name in ["one", "two"] {
        assert_eq!(cli(&["token", "create", "--id", name, "--owner", "Ada"]).code, 0);
    }
    for lacking in [
        &["token", "revoke", "--reason", "x"][..],
        &["token", "revoke", "--all", "--reason", "x"],
        &["token", "revoke", "one", "--all", "--owner", "Ada", "--reason", "x"],
        &["token", "revoke", "one", "--owner", "Ada", "--reason", "x"],
    ] {
        assert_eq!(cli(lacking).code, 2, "{lacking:?}");
    }
    let all = cli(&["token", "revoke", "--all", "--owner", "Ada", "--reason", "left"]);
    assert_eq!(all.out, "2 service tokens revoked:\none\ntwo\n", "{}", all.err);
    let again = cli(&["token", "revoke", "--all", "--owner", "Ada", "--reason", "left"]);
    assert_eq!((again.code, again.out.as_str()), (0, "There was nothing to revoke.\n"));

    assert_eq!(cli(&["token", "create", "--id", "found", "--output-file", "secret"]).code, 0);
    let place = "https://example.com/commit/1";
    let told = cli(&["leak", "create", "--secret", "@secret", "--found-at", place, "--output", "json"]);
    assert_eq!(json(&told)["status"], "revoked");
    assert!(cli(&["token", "show", "found"]).out.contains("reported as leaked"));
    let secret = std::fs::read_to_string(home.path().join("secret")).unwrap();
    assert!(!server.stop().1.contains(secret.trim()));
}

/// A clean stop writes what was counted.
#[test]
fn uses_are_exact_over_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    let secret = secret_in(&cli(&["token", "create", "--id", "busy"]).out);
    for _ in 0..25 {
        let head =
            format!("GET /api/whoami HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n");
        assert_eq!(server.ask(&head, "").status, 200);
    }
    assert!(server.stop().0.success());
    let server = Server::start(home.path(), &[]);
    let shown = json(&cli(&["token", "show", "busy", "--output", "json"]));
    assert_eq!((&shown["use_count"], &shown["last_used_address"]), (&25.into(), &"127.0.0.1".into()));
    drop(server);
}

#[test]
fn an_orcheo_database_is_taken_over() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    let many: Vec<String> = (0..250).map(|n| format!("many-{n}")).collect();
    let mut rows: Vec<orcheo::Row<'_>> =
        many.iter().map(|name| (name.as_str(), orcheo::hash(name), &[][..])).collect();
    rows.push(("ci", orcheo::hash("old-secret"), &[("scopes", r#"["admin:users:read"]"#)]));
    orcheo::write(&home.path().join("service_tokens.sqlite"), &rows);
    let said = cli(&["import", "orcheo", "service_tokens.sqlite"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "251 service tokens were imported, 0 were there already, 0 were left out.\n"),
        "{}",
        said.err
    );
    assert_eq!(said.err, "251 of 251 records imported\n");
    let users = |secret: &str| {
        let head =
            format!("GET /api/v1/users HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n");
        server.ask(&head, "").status
    };
    assert_eq!((users("old-secret"), users("many-7"), users("nothing")), (200, 403, 401));
    let again = cli(&["import", "orcheo", "service_tokens.sqlite"]);
    assert!(again.out.starts_with("0 service tokens were imported, 251 were there already"), "{}", again.out);
    assert_eq!(users("old-secret"), 200);
    assert_eq!(cli(&["import", "orcheo", "missing.sqlite"]).code, 1);
    let over = server.ask(
        "POST /api/local/import/orcheo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n",
        "{\"rows\":[]}",
    );
    assert_eq!(over.status, 404, "not from the network");
    assert!(server.stop().0.success());
    let here = cli(&["import", "orcheo", "service_tokens.sqlite"]);
    assert!(
        here.out.starts_with("0 service tokens were imported, 251"),
        "without a server: {}{}",
        here.out,
        here.err
    );
}

#[test]
fn a_jwt_is_looked_into_and_checked_with_the_servers_keys() {
    let home = tempfile::tempdir().unwrap();
    let away = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &["--set", "public_url=http://localhost:1"]);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    let app = [
        "client",
        "create",
        "--client-id",
        "app",
        "--name",
        "App",
        "--grant-type",
        "client_credentials",
        "--scope",
        "admin:users:read",
        "--output",
        "json",
    ];
    let app = json(&cli(&app));
    let form = format!(
        "grant_type=client_credentials&client_id=app&client_secret={}",
        app["client_secret"].as_str().unwrap()
    );
    let head = "POST /oauth2/token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let answer: Json = serde_json::from_str(&server.ask(head, &form).body).unwrap();
    let jwt = answer["access_token"].as_str().unwrap();
    std::fs::write(home.path().join("jwt"), jwt).unwrap();
    let told = cli(&["token", "inspect", "@jwt"]);
    assert!(told.code == 0 && told.out.contains("  sub: app\n"), "{}{}", told.out, told.err);
    assert!(told.out.contains("  good, by a key of http://localhost:1\n"), "{}", told.out);
    assert!(!told.out.contains(jwt.rsplit('.').next().unwrap()), "{}", told.out);
    let machine = json(&cli(&["token", "inspect", jwt, "--output", "json"]));
    assert_eq!((&machine["verified"], &machine["claims"]["client_id"]), (&true.into(), &"app".into()));
    let (start, _) = jwt.rsplit_once('.').unwrap();
    let forged = cli(&["token", "inspect", &format!("{start}.{}", "A".repeat(86))]);
    assert!(forged.code == 1 && forged.out.contains("WRONG"), "{}{}", forged.out, forged.err);
    let alone = run(&mut doorward(away.path(), &["token", "inspect", jwt, "--url", "http://127.0.0.1:1"]));
    assert!(alone.code == 0 && alone.out.contains("NOT VERIFIED"), "{}{}", alone.out, alone.err);
    assert_eq!(cli(&["token", "inspect", "no-jwt"]).code, 1);
}
