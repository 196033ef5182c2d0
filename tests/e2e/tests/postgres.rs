//! The same program on PostgreSQL: alone, and as two processes behind a transaction pooler.

use doorward_e2e::{Options, Server, pooler::Pooler, program::block_on, scripts};
use doorward_world::Fresh;

#[test]
fn npm_openid_client_signs_in_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let server = Server::start(Options { database_url: Some(place.url()), ..Options::default() });
    scripts::node(&server, "openid-client.test.mjs");
}

#[test]
fn two_processes_behind_a_transaction_pooler_on_postgres() {
    let place = block_on(Fresh::postgres(false)).expect("a database");
    let pooler = Pooler::start(&place.url());
    let through = |env| Options { database_url: Some(pooler.url(&place.url())), env };
    let first = Server::start(through(vec![("DOORWARD_DATABASE_STATEMENT_CACHE", "0".to_owned())]));
    let second = Server::start(through(vec![
        ("DOORWARD_DATABASE_STATEMENT_CACHE", "0".to_owned()),
        ("DOORWARD_PUBLIC_URL", first.issuer.clone()),
        ("DOORWARD_MASTER_KEY_FILE", first.data().join("master.key").display().to_string()),
    ]));
    scripts::node_beside(&first, &second, "two-nodes.test.mjs");
}
