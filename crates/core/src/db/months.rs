//! Tables that PostgreSQL keeps in one partition for each month (`@monthly` in the migrations), so that
//! a month goes by dropping its table. SQLite keeps them whole.
//!
//! A month is a number like 202611. A row cannot be put into a month that was not opened, which neither
//! waits for readers and writers nor makes them wait; dropping one does, and gives up soon.

use doorward_proto::time::Time;

use super::{Db, EngineName, ReadTx, Tx, migrate, tx::On};
use crate::{
    args,
    outcome::{Error, Result},
};

/// What opens a month for these tables is held off while another does.
const LOCK: &str = "doorward.months";
/// By name: `to_regclass` may remember from before the lock that there is none.
const IS_OPEN: &str =
    "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass($1) AND CAST(c.relname AS TEXT) = $2";
const OPEN: &str = "SELECT CAST(c.relname AS TEXT) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass($1) ORDER BY c.relname";

/// The month of an instant.
pub fn month_of(at: Time) -> i64 {
    let digits = at.to_string().into_bytes().into_iter().filter(u8::is_ascii_digit).take(6);
    digits.fold(0, |month, digit| month * 10 + i64::from(digit - b'0'))
}

/// The month after this one.
pub const fn month_after(month: i64) -> i64 {
    if month % 100 == 12 { month + 89 } else { month + 1 }
}

impl ReadTx<'_> {
    /// The first statement of a read that must find all months or none: none goes before it has ended.
    pub(crate) async fn hold_months(&mut self) -> Result<()> {
        if let On::Postgres(session) = &mut self.on {
            let tables: Vec<String> = migrate::monthly().map(|table| format!("ONLY {table}")).collect();
            let script = format!("LOCK TABLE {} IN ACCESS SHARE MODE", tables.join(", "));
            let held = Box::pin(session.batch(&script)).await;
            self.end(held)?;
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Makes room for rows of this month; nothing when there is.
    pub(crate) async fn open_month(&mut self, table: &str, month: i64) -> Result<()> {
        if !self.lacks_month(table, month).await? {
            return Ok(());
        }
        self.lock_exclusive(&[LOCK]).await?;
        if !self.lacks_month(table, month).await? {
            return Ok(());
        }
        // As PARTITION OF it would wait for all who read the table.
        let part = part(table, month);
        let script = format!(
            "CREATE TABLE {part} (LIKE {table});
             ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES IN ({month})"
        );
        self.run_script(&script).await
    }

    async fn lacks_month(&mut self, table: &str, month: i64) -> Result<bool> {
        if matches!(self.engine(), On::Sqlite(_)) {
            return Ok(false);
        }
        let open = self.opt(IS_OPEN, args![table, part(table, month)], |row| row.int(0)).await?;
        Ok(open == Some(0))
    }
}

impl Db {
    /// Drops the months before this one, where the engine can; answers whether it can. Each month goes
    /// by itself, the first one first. A fault when somebody reads the table for long.
    pub(crate) async fn drop_months(&self, table: &'static str, before: i64) -> Result<bool> {
        if self.engine() == EngineName::Sqlite {
            return Ok(false);
        }
        let open = self
            .read("months", table, |tx, table| {
                Box::pin(async move { tx.all(OPEN, args![*table], |row| row.text(0)).await })
            })
            .await?;
        for name in open {
            let month = name.rsplit('_').next().and_then(|month| month.parse::<i64>().ok());
            let month = month.ok_or_else(|| Error::fault(format!("{name} is no month of {table}")))?;
            if month < before {
                self.write("months.drop", part(table, month), |tx, part| {
                    let script = format!("SET LOCAL lock_timeout = '2s'; DROP TABLE IF EXISTS {part}");
                    Box::pin(async move { tx.run_script(&script).await })
                })
                .await?;
            }
        }
        Ok(true)
    }
}

fn part(table: &str, month: i64) -> String {
    format!("{table}_{month}")
}
