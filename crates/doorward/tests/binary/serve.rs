//! The server as an operator meets it: first start, safe starts, limits, stopping.

use std::{io::Write as _, os::unix::fs::MetadataExt as _, path::Path};

use doorward_core::db::{Db, Place};

use crate::support::{Server, doorward, read_answer, run};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_first_start_makes_everything_private_and_a_second_finds_it() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/readyz").status, 200);
    let data = home.path().join("doorward-data");
    assert_eq!(mode(&data), 0o700);
    for file in ["doorward.db", "master.key", "admin.sock"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    let health = server.ask_socket("GET /api/health HTTP/1.1\r\nhost: x\r\n", "");
    assert!(health.body.contains(r#""database":"connected""#), "{health:?}");
    let issuer = format!("http://localhost:{}", server.address.rsplit(':').next().unwrap());
    assert!(health.body.contains(&issuer), "the issuer follows the port that was bound: {health:?}");
    let (status, out) = server.stop();
    assert!(status.success());
    assert!(out.contains(&issuer), "{out}");
    let shown = data.canonicalize().unwrap();
    assert!(out.contains(&format!("  Data       {}\n", shown.display())), "{out}");
    assert!(!data.join("admin.sock").exists());
    let again = Server::start(home.path(), &[]);
    assert_eq!(again.get("/readyz").status, 200);
}

#[test]
fn a_request_that_was_begun_is_answered_after_the_order_to_stop() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: loc").unwrap();
    // Something later on another connection has been answered, so the first bytes have arrived.
    assert_eq!(server.get("/healthz").status, 200);
    server.terminate();
    server.wait_for("stopping: finishing what was accepted");
    stream.write_all(b"alhost\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut stream).status, 200);
    let (status, _) = server.end();
    assert!(status.success());
}

#[test]
fn an_unsafe_start_is_refused_with_the_key_that_would_allow_it() {
    let home = tempfile::tempdir().unwrap();
    for (setting, key) in [
        ("listen=0.0.0.0:0", "allow.plain_http"),
        ("public_url=http://id.example.com", "allow.plain_http"),
        ("cors.allowed_origins=*", "allow.any_origin"),
    ] {
        let said = run(&mut doorward(home.path(), &["serve", "--set", setting]));
        assert_eq!(said.code, 1, "{setting}");
        assert!(said.err.contains(key), "{setting}: {}", said.err);
    }
    let said = run(doorward(home.path(), &["serve"]).env("DOORWARD_AUTH_BOOTSTRAP_SERVICE_TOKEN", "short"));
    assert!(said.code == 1 && said.err.contains("32 bytes"), "{}", said.err);
    assert!(!home.path().join("doorward-data").exists(), "nothing is made before the checks");
    let said = run(&mut doorward(home.path(), &["serve", "--set", "lisen=x"]));
    assert!(said.code == 1 && said.err.contains("`listen`"), "{}", said.err);
}

/// Each names its setting and what to do.
#[test]
fn a_start_that_cannot_go_well_says_which_setting_it_is() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("file"), "").unwrap();
    for (setting, says) in [
        ("database.url=postgres://u:hush@127.0.0.1:1/d", "(database.url): PostgreSQL at 127.0.0.1:1: "),
        ("database.url=sqlite://nowhere/x.db", "database.url: there is no folder nowhere; make it"),
        ("data_dir=file", "data_dir: file is a file, and must be a folder"),
        ("data_dir=file/below", "data_dir: file is a file, and must be a folder; name another"),
        ("data_dir=/proc/below", "data_dir: cannot make the folder /proc/below; make it"),
        (
            "auth.bootstrap_token_scopes=admin:user:read",
            "bootstrap_token_scopes: there is no scope `admin:user:read`",
        ),
        ("trusted_proxies=10.0.0.0/99", "trusted_proxies: `10.0.0.0/99` is no network; write 10.0.0.0/8"),
        ("public_url=http://localhost:8080/", "public_url: the issuer is used exactly as it is written"),
        ("tokens.access_ttl=1000d", "keys.overlap: it is 30d, and tokens.access_ttl asks for 1000d"),
    ] {
        let said = run(&mut doorward(home.path(), &["serve", "--listen", "127.0.0.1:0", "--set", setting]));
        assert_eq!(said.code, 1, "{setting}");
        assert!(said.err.contains(says) && !said.err.contains(": : "), "{setting}: {}", said.err);
        assert!(!said.err.contains("hush"), "{}", said.err);
    }
    let mut weak = doorward(home.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let said =
        run(weak.env("DOORWARD_SETUP_EMAIL", "a@b.example").env("DOORWARD_SETUP_PASSWORD", "password"));
    assert!(said.code == 1 && said.err.contains("setup.password: "), "{}", said.err);
    assert!(said.err.contains("Choose another") && said.err.contains("password.breached"), "{}", said.err);
}

/// What a developer's machine may do is no way to run a server for others.
#[test]
fn dev_is_for_this_machine_alone() {
    let home = tempfile::tempdir().unwrap();
    for setting in [
        &["listen=0.0.0.0:0", "allow.plain_http=true"][..],
        &["public_url=https://id.example.com", "trusted_proxies=127.0.0.1/32"],
    ] {
        let mut args = vec!["serve", "--dev"];
        args.extend(setting.iter().flat_map(|setting| ["--set", setting]));
        let said = run(&mut doorward(home.path(), &args));
        assert!(
            said.code == 1 && said.err.contains("--dev is for this machine"),
            "{setting:?}: {}",
            said.err
        );
    }
    assert!(!home.path().join("doorward-data").exists(), "nothing is made before that");
}

#[test]
fn oversized_heads_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let head = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n";
    let many = format!("{head}{}", "x-filler: 1\r\n".repeat(200));
    let wide = format!("{head}x-filler: {}\r\n", "x".repeat(40 * 1024));
    let path = format!("GET /api/v1/whoami?{} HTTP/1.1\r\nhost: localhost\r\n", "x".repeat(40 * 1024));
    for head in [many, wide, path] {
        let told = server.ask(&head, "");
        assert_eq!(told.status, 431);
        assert!(told.body.contains(r#""code":"request.head_too_large""#), "{}", told.body);
    }
    let long = format!("{head}x-filler: {}\r\n", "x".repeat(64 * 1024));
    assert_eq!(server.ask(&long, "").status, 431);
    let path = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n", "x".repeat(64 * 1024));
    assert!(matches!(server.ask(&path, "").status, 414 | 431));
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn every_request_has_one_line_without_its_query() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &["--set", "trusted_proxies=127.0.0.0/8"]);
    let answer = server.ask(
        "GET /nowhere?token=hush HTTP/1.1\r\nhost: localhost\r\nx-request-id: my-request-1\r\n\
         x-forwarded-for: 203.0.113.9\r\n\
         traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
        "",
    );
    assert_eq!(answer.status, 404);
    assert!(answer.head.contains("x-request-id: my-request-1"));
    let line = server.wait_for("request");
    assert_eq!(line["request_id"], "my-request-1");
    assert_eq!(line["client"], "203.0.113.9");
    assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(line["path"], "/nowhere");
    assert!(!line.to_string().contains("hush"));
}

#[test]
fn a_strangers_reference_does_not_count() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let ask = "GET /nowhere HTTP/1.1\r\nhost: localhost\r\nx-request-id: somebody-elses\r\n";
    let answer = server.ask(ask, "");
    assert!(!answer.head.contains("somebody-elses"), "{}", answer.head);
    let line = server.wait_for("request");
    let own = line["request_id"].as_str().unwrap();
    assert!(own.len() >= 8 && own != "somebody-elses", "{line}");
    assert!(answer.head.contains(&format!("x-request-id: {own}")), "{}", answer.head);
}

fn form_head(path: &str, headers: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\
         content-type: application/x-www-form-urlencoded\r\n"
    )
}

/// What an operator watches: who signs in, what is issued and refused, what waits.
#[test]
fn metrics_tell_what_happened_and_what_waits() {
    let home = tempfile::tempdir().unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
    let mut command = doorward(home.path(), &args);
    command.args(["--set", "metrics.listen=127.0.0.1:0"]);
    let mut server = Server::spawn_after(home.path(), &mut command, "metrics are served");
    let metrics = server.address.clone();
    server.wait_for("listening")["address"].as_str().unwrap().clone_into(&mut server.address);
    let client =
        r#"{"client_id":"robot","name":"Robot","type":"confidential","grant_types":["client_credentials"]}"#;
    let head = "POST /api/v1/clients HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let made: serde_json::Value = serde_json::from_str(&server.ask_socket(head, client).body).unwrap();
    let secret = made["client_secret"].as_str().unwrap();
    let body = format!("grant_type=client_credentials&client_id=robot&client_secret={secret}");
    assert_eq!(server.ask(&form_head("/oauth2/token", ""), &body).status, 200);
    let wrong = "grant_type=client_credentials&client_id=robot&client_secret=wrong";
    assert_eq!(server.ask(&form_head("/oauth2/token", ""), wrong).status, 400);
    let page = server.get("/sign-in");
    let token = page.body.split("name=\"form_token\"").nth(1).unwrap();
    let token = token.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
    let body = format!("form_token={token}&identifier=nobody%40example.org&password=wrong");
    let cookies = format!("cookie: {}\r\n", page.cookies);
    let refused = server.ask(&form_head("/sign-in/password", &cookies), &body);
    assert!(refused.body.contains("form_token"), "{refused:?}");
    server.address = metrics;
    let page = server.get("/metrics").body;
    for line in [
        "doorward_tokens_issued_total{grant=\"client_credentials\"} 1",
        "doorward_refusals_total{code=\"client.authentication\"} 1",
        "doorward_sign_ins_total{outcome=\"sign_in.failed\"} 1",
        "doorward_database_up 1",
        "doorward_mails_waiting 0",
        "doorward_mails_given_up 0",
        "doorward_jobs_waiting 0",
        "doorward_jobs_failing 0",
        "doorward_passwords_waiting 0",
        "doorward_audit_unsealed ",
        "doorward_audit_seal_lag_seconds ",
        "doorward_password_verification_seconds_count ",
        "doorward_database_operation_seconds_count{kind=\"write\"} ",
    ] {
        assert!(page.lines().any(|found| found.starts_with(line)), "{line} in\n{page}");
    }
    let documented = include_str!("../../../../docs/operating.md");
    for name in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(documented.contains(&format!("`{name}`")), "{name} is not in docs/operating.md");
    }
}

#[test]
fn metrics_have_a_listener_of_their_own() {
    let home = tempfile::tempdir().unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
    let mut command = doorward(home.path(), &args);
    command.args(["--set", "metrics.listen=127.0.0.1:0"]);
    let mut server = Server::spawn_after(home.path(), &mut command, "metrics are served");
    let metrics = server.address.clone();
    server.wait_for("listening")["address"].as_str().unwrap().clone_into(&mut server.address);
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/metrics").status, 404);
    server.address = metrics;
    let page = server.get("/metrics").body;
    assert!(page.contains(r#"doorward_http_requests_total{method="GET",status="2xx"} 1"#), "{page}");
    assert_eq!(server.get("/").status, 404);
}

#[test]
fn a_replaced_master_key_is_refused_with_what_may_have_happened() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    assert!(server.stop().0.success());
    let key = home.path().join("doorward-data/master.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, run(&mut doorward(home.path(), &["keys", "generate"])).out).unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["db", "verify"], &["keys", "list"]] {
        let said = run(&mut doorward(home.path(), command));
        assert_eq!(said.code, 1, "{command:?}");
        assert!(said.err.contains("replaced or lost") && said.err.contains("database.url"), "{}", said.err);
    }
    let doctor = run(&mut doorward(home.path(), &["doctor"]));
    assert!(doctor.code == 1 && doctor.out.contains("replaced or lost"), "{}", doctor.out);
    std::fs::remove_file(&key).unwrap();
    let said = run(&mut doorward(home.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.code == 1 && said.err.contains("put the key back"), "{}", said.err);
    assert!(!key.exists(), "no new key is made beside a database in use");
    std::fs::write(&key, right).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(Server::start(home.path(), &[]).get("/readyz").status, 200);
}

#[test]
fn a_database_that_was_emptied_is_told_and_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    assert!(Server::start(home.path(), &[]).stop().0.success());
    let data = home.path().join("doorward-data");
    for journal in ["doorward.db-wal", "doorward.db-shm"] {
        let _ = std::fs::remove_file(data.join(journal));
    }
    let database = std::fs::File::options().write(true).open(data.join("doorward.db")).unwrap();
    database.set_len(0).unwrap();
    let doctor = run(&mut doorward(home.path(), &["doctor"]));
    assert!(doctor.code == 1 && doctor.out.contains("put it back from your backup"), "{}", doctor.out);
    assert_eq!(database.metadata().unwrap().len(), 0, "a diagnosis writes nothing");
}

#[test]
fn newcomers_join_an_organisation_that_there_is() {
    let home = tempfile::tempdir().unwrap();
    let start = ["serve", "--listen", "127.0.0.1:0", "--set", "sign_up.default_org=nobody"];
    let said = run(&mut doorward(home.path(), &start));
    assert!(said.code == 1 && said.err.contains("sign_up.default_org"), "{}", said.err);
}

#[test]
fn a_data_folder_that_others_can_use_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("doorward-data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let said = run(&mut doorward(home.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.code == 1 && said.err.contains("chmod 700"), "{}", said.err);
    assert!(std::fs::read_dir(&data).unwrap().next().is_none(), "nothing is made in it");
}

#[test]
fn a_damaged_row_is_found_by_verify_and_by_doctor() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    let whole = cli(&["db", "verify"]);
    assert!(whole.code == 0 && whole.out.contains("sealed values open"), "{}{}", whole.out, whole.err);
    assert!(server.stop().0.success());
    change(&home.path().join("doorward-data/doorward.db"), ORPHAN);
    for command in [&["db", "verify"][..], &["doctor"]] {
        let said = cli(command);
        assert_eq!(said.code, 1, "{command:?}: {}{}", said.out, said.err);
        assert!(said.out.contains("access tokens of a family that there is not: 1"), "{}", said.out);
    }
}

/// A row that refers to nothing, as a restore by hand may leave.
const ORPHAN: &str = "INSERT INTO access_tokens
    (hash, family, client_id, principal_id, epoch, claims, created_at, expires_at)
    SELECT sealed, 'grt_none', '', '', 0, '', 0, 0 FROM signing_keys ORDER BY id LIMIT 1";

fn change(path: &Path, sql: &'static str) {
    let change = async {
        let db = Db::open(&Place::Sqlite(path.to_owned())).await.unwrap();
        db.write("damage", (), move |tx, ()| Box::pin(async move { tx.exec(sql, &[]).await })).await.unwrap()
    };
    assert_eq!(tokio::runtime::Runtime::new().unwrap().block_on(change), 1);
}

#[test]
fn doctor_tells_what_is_broken_in_a_data_folder_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("doorward-data");
    let doctor = |says: &str| {
        let said = run(&mut doorward(home.path(), &["doctor"]));
        assert!(said.code == 1 && said.out.contains(says), "{says}: {}", said.out);
        said.out
    };
    std::fs::write(&data, "").unwrap();
    let told = doctor("./doorward-data is a file, and must be a folder");
    assert!(!told.contains("there is none yet"), "{told}");
    std::fs::remove_file(&data).unwrap();
    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&data).unwrap();
    let prepared = run(&mut doorward(home.path(), &["doctor"]));
    assert!(prepared.code == 0, "before the first start there is no key: {}", prepared.out);
    let server = Server::start(home.path(), &[]);
    assert!(server.stop().0.success());
    let (key, database) = (data.join("master.key"), data.join("doorward.db"));

    std::fs::rename(&key, home.path().join("key")).unwrap();
    std::fs::create_dir(&key).unwrap();
    doctor("./doorward-data/master.key is no file; move it away, and put the key back");
    std::fs::remove_dir(&key).unwrap();
    std::fs::rename(home.path().join("key"), &key).unwrap();

    std::fs::rename(&database, home.path().join("database")).unwrap();
    std::fs::create_dir(&database).unwrap();
    doctor("./doorward-data/doorward.db is no file; move it away and restore a backup");
    std::fs::remove_dir(&database).unwrap();
    std::fs::write(&database, "this is no database, and long enough to be read as if it were one".repeat(9))
        .unwrap();
    doctor("cannot open the database ./doorward-data/doorward.db: ");
}
