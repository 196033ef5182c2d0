//! The same program on PostgreSQL: alone, and as two processes behind a transaction pooler.

use std::{path::Path, process::Command};

use doorward_e2e::{
    Options, Server,
    pooler::Pooler,
    program::{BOOTSTRAP, block_on, client, free_port, refused, root},
    scripts,
};
use doorward_world::Fresh;

#[test]
fn npm_openid_client_signs_in_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let server = Server::start(Options { database_url: Some(place.url()), ..Options::default() });
    scripts::node(&server, "openid-client.test.mjs");
}

/// Two processes of one issuer; `env` is for both.
fn two(database_url: &str, env: &[(&'static str, String)]) -> (Server, Server) {
    let start = |more: &[(&'static str, String)]| {
        let env = env.iter().chain(more).cloned().collect();
        Server::start(Options { database_url: Some(database_url.to_owned()), env, ..Options::default() })
    };
    let first = start(&[]);
    let second = start(&[
        ("DOORWARD_PUBLIC_URL", first.issuer.clone()),
        ("DOORWARD_MASTER_KEY_FILE", first.data().join("master.key").display().to_string()),
    ]);
    (first, second)
}

#[test]
fn two_processes_behind_a_transaction_pooler_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let pooler = Pooler::start(&place.url());
    let unnamed = [("DOORWARD_DATABASE_STATEMENT_CACHE", "0".to_owned())];
    let (first, second) = two(&pooler.url(&place.url()), &unnamed);
    scripts::node_beside(&first, &second, "two-nodes.test.mjs");
    scripts::node_beside(&first, &second, "two-nodes-changes.test.mjs");
}

#[test]
fn what_ends_at_one_process_ends_at_the_other_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let (first, second) = two(&place.url(), &[]);
    scripts::node_beside(&first, &second, "two-nodes-changes.test.mjs");
}

#[test]
fn nothing_passes_at_either_process_once_it_is_taken_back_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let behind = free_port().to_string();
    let (first, second) = two(&place.url(), &scripts::storm_env(&behind));
    let more = [("DOORWARD_UPSTREAM", Path::new(&behind)), ("DOORWARD_SECOND", Path::new(&second.issuer))];
    scripts::python_told(&first, "storm.py", &more);
}

#[test]
fn a_second_node_does_not_make_a_master_key_of_its_own_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let _first = Server::start(Options { database_url: Some(place.url()), ..Options::default() });
    let told = refused(&[("DOORWARD_DATABASE_URL", &place.url())]);
    assert!(told.contains("a further node needs a copy of the first one's"), "{told}");
}

#[test]
fn the_master_key_is_not_replaced_under_a_node_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let (mut first, mut second) = two(&place.url(), &[]);
    let rekey = |node: &Server| {
        let done = node.command(&["keys", "rekey"]);
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        (done.status.success(), said)
    };
    assert!(second.stop());
    let (done, said) = rekey(&second);
    assert!(!done && said.contains("A node is running"), "{said}");
    assert!(first.stop());
    let verified = first.command(&["db", "verify"]);
    assert!(verified.status.success(), "a command leaves when it is done: {verified:?}");
    let (done, said) = rekey(&first);
    assert!(done && said.contains("Every node needs a copy"), "{said}");
    first.restart();
    second.restart();
    let verified = second.command(&["db", "verify"]);
    assert!(verified.status.success(), "{verified:?}");
}

fn get(server: &Server, path: &str) -> (u16, String) {
    block_on(async {
        let ask = client().get(format!("{}{path}", server.issuer)).bearer_auth(BOOTSTRAP);
        let answer = ask.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    })
}

#[test]
fn a_database_that_goes_away_is_told_and_comes_back_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let mut pooler = Pooler::start(&place.url());
    let unnamed = ("DOORWARD_DATABASE_STATEMENT_CACHE", "0".to_owned());
    let database_url = Some(pooler.url(&place.url()));
    let mut server = Server::start(Options { database_url, env: vec![unnamed], ..Options::default() });
    assert_eq!(get(&server, "/api/v1/users").0, 200);
    pooler.stop();
    assert_eq!(get(&server, "/readyz"), (503, "not ready".to_owned()));
    let (status, told) = get(&server, "/api/health");
    assert!(status == 503 && told.contains("\"database\":\"disconnected\""), "{status}: {told}");
    let (status, told) = get(&server, "/api/v1/users");
    assert!(status == 503 && told.contains("\"code\":\"unavailable\""), "{status}: {told}");
    assert_eq!(get(&server, "/healthz").0, 200, "the process itself is well");
    assert_eq!(get(&server, "/.well-known/jwks.json").0, 200, "applications go on verifying tokens");
    pooler.restart();
    server.wait_until_ready();
    assert_eq!(get(&server, "/api/v1/users").0, 200);
}

/// The statements of a chapter, then a probe, in a transaction that leaves nothing: whether it went well, and
/// what was said. It is not the first transaction of its connection: one before named a tenant.
fn probed(url: &str, probe: &str) -> (bool, String) {
    let chapter = std::fs::read_to_string(root().join("docs/tenants.md")).expect("a chapter");
    let block =
        chapter.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next()).expect("statements");
    let mut psql = Command::new("psql");
    psql.args([url, "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", "--command"]);
    let before = "BEGIN; SET LOCAL app.tenant_id = 'org_one'; COMMIT;";
    let done =
        psql.arg(format!("{before} BEGIN; {block} SET LOCAL ROLE notes_app; {probe} ROLLBACK;")).output();
    let done = done.expect("psql runs");
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).trim().to_owned())
}

#[test]
fn the_wall_between_tenants_that_the_docs_build_stands_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let tenant = |name: &str| format!("SET LOCAL app.tenant_id = '{name}';");
    let (one, two) = (tenant("org_one"), tenant("org_two"));
    let add = "INSERT INTO notes (tenant_id, body) VALUES ('org_one', 'ours');";
    let all = "SELECT body FROM notes;";
    for (probe, goes_well, says) in [
        (format!("{one} {add} {all}"), true, "ours"),
        (format!("{one} {add} {two} {all}"), true, ""),
        (format!("{one} {add} {two} UPDATE notes SET body = 'theirs'; {one} {all}"), true, "ours"),
        (format!("{two} {add}"), false, "violates row-level security policy"),
        (
            format!("{one} {add} UPDATE notes SET tenant_id = 'org_two';"),
            false,
            "violates row-level security",
        ),
        (all.to_owned(), false, "app.tenant_id is not set"),
        (add.to_owned(), false, "app.tenant_id is not set"),
        ("UPDATE notes SET body = 'theirs';".to_owned(), false, "app.tenant_id is not set"),
        ("DELETE FROM notes;".to_owned(), false, "app.tenant_id is not set"),
    ] {
        let (went_well, said) = probed(&place.url(), &probe);
        let is_said = if says.is_empty() { said.is_empty() } else { said.contains(says) };
        assert!(went_well == goes_well && is_said, "{probe}: {said}");
    }
}
