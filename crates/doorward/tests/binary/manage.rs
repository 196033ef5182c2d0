//! Commands that manage a server: through its socket, over the network, and where no server runs.

use crate::support::{Said, Server, doorward, run};

const BOOTSTRAP: &str = "a-bootstrap-token-of-more-than-32-bytes";

fn json(said: &Said) -> serde_json::Value {
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn people_and_applications_come_and_go_through_the_socket() {
    let home = tempfile::tempdir().unwrap();
    let _server = Server::start(home.path(), &[]);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    std::fs::write(home.path().join("secret"), "a long way from 221b baker street\n").unwrap();
    let user = ["user", "create", "--email", "ada@example.com", "--password", "@secret", "--output", "json"];
    let user = json(&cli(&user));
    assert_eq!(user["email"], "ada@example.com");
    assert!(cli(&["user", "list"]).out.contains("ada@example.com"));
    let again = cli(&["user", "create", "--email", "Ada@Example.com"]);
    assert_eq!(again.code, 1);
    assert!(again.err.starts_with("doorward: email.taken: "), "{}", again.err);
    assert_eq!(again.err.lines().count(), 1);
    let client =
        ["client", "create", "--name", "App", "--redirect-uri", "https://app.example/cb", "--output", "json"];
    let client = json(&cli(&client));
    let id = client["client_id"].as_str().unwrap();
    assert!(client["client_secret"].as_str().unwrap().starts_with("dw_cs_"));
    let shown = cli(&["client", "show", id, "--output", "yaml"]);
    assert!(shown.out.contains("name: App") && !shown.out.contains("dw_cs_"), "{}", shown.out);
    let changed = json(&cli(&["client", "update", id, "--name", "Other", "--output", "json"]));
    assert_eq!(changed["name"], "Other");
    assert_eq!(cli(&["client", "delete", id]).code, 0);
    assert_eq!(cli(&["client", "show", id]).code, 1);
    assert!(cli(&["keys", "list", "--output", "markdown"]).out.starts_with("| id | alg |"));
    assert_eq!(cli(&["client", "frobnicate"]).code, 2);
}

/// Without a mail server, whoever runs this one reads the links of its mails here.
#[test]
fn a_mail_that_waits_is_read_with_its_link() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    assert_eq!(cli(&["org", "create", "--name", "Acme", "--slug", "acme"]).code, 0);
    let invited =
        cli(&["org", "create-invitation", "acme", "--email", "ada@example.com", "--role", "member"]);
    assert_eq!(invited.code, 0, "{}", invited.err);
    let listed = json(&cli(&["mail", "list", "--output", "json"]));
    let shown = cli(&["mail", "show", listed["items"][0]["id"].as_str().unwrap()]);
    let link =
        shown.out.lines().find(|line| line.starts_with("http")).unwrap_or_else(|| panic!("{}", shown.out));
    assert!(link.contains("token=dw_ml_") && !shown.out.contains('<'), "{}", shown.out);
    let (status, out) = server.stop();
    assert!(status.success() && out.contains("  Mail       is not set up"), "{out}");
    let server = Server::start(
        home.path(),
        &["--set", "mail.url=smtp://127.0.0.1:9", "--set", "mail.from=a@example.com"],
    );
    assert!(!server.stop().1.contains("  Mail "));
}

/// What one learns with one command is good in the others, and needs no quotes within quotes.
#[test]
fn flags_are_called_as_one_expects() {
    let home = tempfile::tempdir().unwrap();
    let _server = Server::start(home.path(), &[]);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    let plain =
        ["--allowed-address", "10.0.0.0/8", "--expires-in-seconds", "3600", "--rate-limit", "100/minute"];
    let short = ["--allowed-ip", "10.0.0.0/8", "--expires-in", "3600", "--rate-limit", "100/minute"];
    for flags in [plain, short] {
        let create = ["key", "create", "--name", "builds", "--output", "json"];
        let made = json(&cli(&[&create[..], &flags].concat()));
        assert_eq!(made["allowed_addresses"], serde_json::json!(["10.0.0.0/8"]));
        assert_eq!(made["rate_limit"], "100/minute");
    }
    let listed = cli(&["key", "list"]);
    assert!(listed.out.contains("builds") && listed.out.contains("EXPIRES AT"), "{}", listed.out);

    let upstream = ["--host", "app.example.com", "--upstream", "http://127.0.0.1:9000"];
    let route = [&["route", "create", "--output", "json"], &upstream[..], &["--rate-limit"]].concat();
    for (name, limit) in [("plain", "100/minute"), ("quoted", "\"100/minute\"")] {
        let made = json(&cli(&[&route[..], &[limit, "--name", name]].concat()));
        assert_eq!(made["rate_limit"], "100/minute");
    }
    let wrong = cli(&[&route[..], &["{\"limit\":", "--name", "wrong"]].concat());
    assert!(wrong.err.starts_with("doorward: --rate-limit is no JSON: "), "{}", wrong.err);
    let listed = cli(&["route", "list"]);
    assert!(listed.out.contains("UPSTREAM") && listed.out.contains("HOSTS"), "{}", listed.out);

    assert_eq!(cli(&["token", "create", "--id", "builds"]).code, 0);
    let moved = cli(&["token", "update", "builds", "--allowed-ip", "10.0.0.0/8", "--output", "json"]);
    assert_eq!(json(&moved)["allowed_addresses"], serde_json::json!(["10.0.0.0/8"]));
    let help = cli(&["ratelimit", "--help"]);
    assert!(help.out.starts_with("Manage what limits have counted"), "{}", help.out);
}

#[test]
fn over_the_network_a_credential_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let away = tempfile::tempdir().unwrap();
    let setting = format!("auth.bootstrap_service_token={BOOTSTRAP}");
    let server = Server::start(home.path(), &["--set", &setting]);
    let url = format!("http://{}", server.address);
    let cli = |args: &[&str], token: &str| {
        run(doorward(away.path(), args).env("DOORWARD_URL", &url).env("DOORWARD_SERVICE_TOKEN", token))
    };
    assert_eq!(json(&cli(&["whoami", "--output", "json"], BOOTSTRAP))["authenticated"], true);
    assert_eq!(cli(&["user", "list"], BOOTSTRAP).code, 0);
    let wrong = cli(&["user", "list"], "wrong");
    assert!(wrong.code == 4 && wrong.err.contains("auth.invalid_token"), "{}", wrong.err);
    assert_eq!(cli(&["user", "list"], "").code, 4);
    let nowhere = run(&mut doorward(away.path(), &["user", "list", "--url", "http://127.0.0.1:1"]));
    assert_eq!(nowhere.code, 3, "{}", nowhere.err);
    let local =
        server.ask("POST /api/local/setup HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n", "{}");
    assert_eq!(local.status, 404, "local administration is not on the network");
}

#[test]
fn set_up_backup_and_checks_need_no_credential_here() {
    let home = tempfile::tempdir().unwrap();
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    assert_eq!(cli(&["db", "verify"]).code, 1, "there is no database yet");
    let server = Server::start(home.path(), &[]);
    assert!(cli(&["setup"]).out.contains("/setup?token=dw_ml_"));
    std::fs::write(home.path().join("secret"), "a long way from 221b baker street\n").unwrap();
    let setup = ["setup", "--email", "root@example.com", "--password", "@secret"];
    assert!(cli(&setup).out.contains("usr_"));
    assert!(cli(&setup).err.contains("set_up.done"));
    assert_eq!(cli(&["db", "backup", "copy.db"]).code, 0);
    assert_eq!(cli(&["db", "backup", "copy.db"]).code, 1, "a backup replaces nothing");
    let nowhere = cli(&["db", "backup", "nowhere/copy.db"]);
    assert!(nowhere.code == 1 && nowhere.err.contains("request.invalid"), "{}", nowhere.err);
    assert!(nowhere.err.contains("nowhere/copy.db cannot be written"), "{}", nowhere.err);
    assert_eq!(cli(&["db", "restore", "copy.db"]).code, 1, "a server runs");
    let doctor = cli(&["doctor", "--set", &format!("listen={}", server.address)]);
    assert_eq!(doctor.code, 0, "{}{}", doctor.out, doctor.err);
    // The issuer of a server with a free port is told to the commands that run after it.
    let port = server.address.rsplit(':').next().unwrap();
    let issuer = format!("public_url=http://localhost:{port}");
    assert!(server.stop().0.success());
    for command in
        [&["db", "verify"][..], &["audit", "verify"], &["doctor"], &["keys", "list"], &["mail", "list"]]
    {
        let said = cli(&[command, &["--set", &issuer]].concat());
        assert_eq!(said.code, 0, "{command:?}: {}{}", said.out, said.err);
    }
    let data = home.path().join("doorward-data");
    std::fs::remove_file(data.join("doorward.db")).unwrap();
    let _ = std::fs::remove_file(data.join("doorward.db-wal"));
    let _ = std::fs::remove_file(data.join("doorward.db-shm"));
    for (name, bytes) in [("empty", &b""[..]), ("short", b"DWAR"), ("other", b"what a backup is not")] {
        std::fs::write(home.path().join(name), bytes).unwrap();
        let refused = cli(&["db", "restore", name]);
        assert!(
            refused.code == 1 && refused.err.contains(&format!("{name}: it is no backup")),
            "{}",
            refused.err
        );
    }
    let missing = cli(&["db", "restore", "missing"]);
    assert!(missing.code == 1 && missing.err.contains("missing: No such file"), "{}", missing.err);
    let restored = cli(&["db", "restore", "copy.db"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    let again = Server::start(home.path(), &[]);
    assert!(cli(&["setup"]).err.contains("set_up.done"), "the administrator is back");
    drop(again);
}

#[test]
fn the_demo_fills_itself_and_says_how_to_use_it() {
    let home = tempfile::tempdir().unwrap();
    let args = ["demo", "--listen", "127.0.0.1:0", "--set", "log.format=json", "--set", "log.level=debug"];
    let server = Server::spawn(home.path(), &mut doorward(home.path(), &args));
    // Its words come after the listeners are open.
    server.wait_for("the greeting was given");
    let (status, out) = server.stop();
    assert!(status.success());
    for word in ["admin@example.com", "ada@example.com", "demo-shop", "https://api.example.com", "dw_cs_"] {
        assert!(out.contains(word), "{word}: {out}");
    }
    assert!(!home.path().join("doorward-data").exists());
}

#[test]
fn secrets_are_made_on_the_spot() {
    let home = tempfile::tempdir().unwrap();
    let token = run(&mut doorward(home.path(), &["token", "generate"])).out;
    let mut server = doorward(home.path(), &["config", "check"]);
    let said = run(server.env("DOORWARD_AUTH_BOOTSTRAP_SERVICE_TOKEN", token.trim()));
    assert_eq!(said.code, 0, "{}", said.err);
    let key = run(&mut doorward(home.path(), &["keys", "generate"])).out;
    let server = Server::start(home.path(), &["--set", &format!("master_key={}", key.trim())]);
    assert_eq!(server.get("/readyz").status, 200);
    assert!(!home.path().join("doorward-data/master.key").exists());
}
