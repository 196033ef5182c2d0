//! TLS to PostgreSQL, against a server with a certificate of its own making, as Debian's has.

use doorward_core::db::{Db, Place, PostgresSettings};
use doorward_world::cluster;
use tokio_postgres::NoTls;

/// Run by the server in its own folder: an authority, and a certificate of it for `localhost`.
const CERTIFY: &str = "COPY (SELECT 1) TO PROGRAM '
    cat >/dev/null
    exec 2>openssl.log
    set -e
    make=\"openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes\"
    printf \"subjectAltName=DNS:localhost\\nbasicConstraints=CA:FALSE\\n\" >extensions
    $make -x509 -days 2 -subj /CN=authority -keyout ca.key -out ca.crt
    $make -subj /CN=localhost -keyout server.key -out server.csr
    openssl x509 -req -days 2 -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile extensions \
        -out server.crt
    chmod 600 server.key
'";

async fn certified(base: &str) -> String {
    let (client, connection) = tokio_postgres::connect(&format!("{base}/postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(CERTIFY).await.unwrap();
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    client.query_one("SELECT pg_read_file('ca.crt')", &[]).await.unwrap().get(0)
}

/// Whether a connection is made, and whether it is encrypted.
async fn reach(url: String) -> Result<bool, String> {
    let settings = PostgresSettings { url, pool: 1, statement_cache: false, direct_url: None };
    let db = Db::open(&Place::Postgres(settings)).await.map_err(|error| format!("{error:?}"))?;
    let is_encrypted = db
        .read("ssl", (), |tx, ()| {
            let sql =
                "SELECT CAST(CAST(ssl AS INTEGER) AS BIGINT) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            Box::pin(async move { tx.opt(sql, &[], |row| row.int(0)).await })
        })
        .await
        .unwrap();
    Ok(is_encrypted == Some(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn sslmode_means_what_it_means_to_libpq_on_postgres() {
    let (base, _keeper) = cluster::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ca.pem");
    let (_, port) = base.rsplit_once(':').unwrap();
    std::fs::write(&root, certified(&base).await).unwrap();
    let root = format!("&sslrootcert={}", root.display());
    let by =
        |host: &str, options: &str| reach(format!("postgres://doorward@{host}:{port}/postgres?{options}"));
    // A reload reaches the server's processes a moment later.
    while by("127.0.0.1", "sslmode=require").await.is_err() {
        tokio::task::yield_now().await;
    }
    for options in ["", "sslmode=prefer", "sslmode=require", "sslmode=disable"] {
        assert_eq!(by("127.0.0.1", options).await, Ok(options != "sslmode=disable"), "{options}");
    }
    for mode in ["prefer", "require", "verify-ca"] {
        assert_eq!(by("127.0.0.1", &format!("sslmode={mode}{root}")).await, Ok(true), "{mode}");
    }
    assert_eq!(by("localhost", &format!("sslmode=verify-full{root}")).await, Ok(true));
    for (host, options) in [
        ("127.0.0.1", format!("sslmode=verify-full{root}")),
        ("localhost", "sslmode=verify-full".to_owned()),
        ("localhost", "sslmode=verify-ca".to_owned()),
    ] {
        assert!(by(host, &options).await.is_err(), "{host} {options}");
    }
}
