//! The same program on PostgreSQL: alone, and as two processes behind a transaction pooler.

use doorward_e2e::{
    Options, Server,
    pooler::Pooler,
    program::{block_on, refused},
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
