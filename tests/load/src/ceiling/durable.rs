//! One row per issuance, committed in groups of up to 64 by one writer thread.

use std::{
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use anyhow::{Result, anyhow};
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::sql;

/// The most rows that share a commit.
const GROUP: usize = 64;
/// What a row carries besides its time and subject, about 200 bytes together.
const BODY: usize = 160;

/// What an issuance leaves behind.
pub(crate) struct Row {
    pub(crate) at: i64,
    pub(crate) subject: &'static str,
    pub(crate) body: [u8; BODY],
}

impl Row {
    pub(crate) const fn new(at: i64, subject: &'static str) -> Self {
        Self { at, subject, body: [0x5a; BODY] }
    }
}

/// The table, for whoever writes to it.
pub(crate) struct Table(Connection);

impl Table {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(sql::OPEN)?;
        Ok(Self(connection))
    }

    /// Writes rows and makes them durable with one commit.
    pub(crate) fn commit<'r>(&mut self, rows: impl Iterator<Item = &'r Row>) -> Result<()> {
        let group = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = group.prepare_cached(sql::INSERT)?;
            for row in rows {
                insert.execute(params![row.at, row.subject, row.body.as_slice()])?;
            }
        }
        group.commit()?;
        Ok(())
    }
}

type Waiting = (Row, oneshot::Sender<bool>);

/// The way to the writer thread.
pub(super) struct Writer(Sender<Waiting>);

impl Writer {
    pub(super) fn start(path: &Path) -> Result<Self> {
        let table = Table::open(path)?;
        let (queue, rows) = channel();
        thread::Builder::new().name("writer".to_owned()).spawn(move || write_groups(table, &rows))?;
        Ok(Self(queue))
    }

    /// Returns once the row is durable.
    pub(super) async fn record(&self, row: Row) -> Result<()> {
        let (done, durable) = oneshot::channel();
        self.0.send((row, done)).map_err(|_| anyhow!("the writer has stopped"))?;
        if durable.await? { Ok(()) } else { Err(anyhow!("the row was not written")) }
    }
}

fn write_groups(mut table: Table, queue: &Receiver<Waiting>) {
    let mut group = Vec::with_capacity(GROUP);
    while let Ok(first) = queue.recv() {
        group.push(first);
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let written = table.commit(group.iter().map(|(row, _)| row)).is_ok();
        for (_, done) in group.drain(..) {
            // Whoever hung up needs no answer.
            let _ = done.send(written);
        }
    }
}
