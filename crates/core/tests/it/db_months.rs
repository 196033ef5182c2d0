//! Months of the audit trail on PostgreSQL, while somebody else reads them.

use std::time::Duration;

use doorward_core::{
    audit::{self, Event, Sealer},
    db::{EngineName, month_of},
};
use doorward_world::{World, run};
use tokio_postgres::{Client, NoTls};

const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

async fn seal_one(world: &World) {
    audit::note(&world.call(), Event::new(&world.call(), "test.happened").unwrap()).await.unwrap();
    Sealer::new(&world.realm).unwrap().finish().await.unwrap();
}

async fn months(client: &Client) -> Vec<i64> {
    let rows = client.query("SELECT DISTINCT month FROM events ORDER BY month", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Retention does not make those wait for long who come after one that reads the trail for long, and goes
/// on when that is done. A new month does not wait at all.
#[test]
fn months_do_not_go_while_they_are_read() {
    run::scenario(EngineName::Postgres, |world: World| async move {
        let (mut reader, connection) = tokio_postgres::connect(&world.place().url(), NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        seal_one(&world).await;
        world.advance(MONTH);
        seal_one(&world).await;
        let before = months(&reader).await;
        assert_eq!(before.len(), 2);
        let reading = reader.transaction().await.unwrap();
        reading.batch_execute("SELECT seq FROM events").await.unwrap();
        world.advance(world.realm.settings.audit.retention + 2 * MONTH);
        assert!(audit::retain(&world.local()).await.is_err());
        seal_one(&world).await;
        reading.rollback().await.unwrap();
        assert_eq!(months(&reader).await.len(), 3, "a month was opened meanwhile");
        assert_ne!(audit::retain(&world.local()).await.unwrap(), 0);
        assert_eq!(months(&reader).await, [month_of(world.realm.env.now())]);
        assert_eq!(audit::verify(&world.realm).await.unwrap().broken, None);
        drop(reader);
        connection.await.unwrap().unwrap();
    });
}
