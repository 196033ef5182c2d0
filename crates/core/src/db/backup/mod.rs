//! Backup, restore and copy.
//!
//! A backup of SQLite is a SQLite file, made while the server runs; one of PostgreSQL is an archive (see
//! [`archive`]) of one consistent state. Either can be restored into either engine, into an empty place
//! only, and either is checked before it is believed. Backups hold secrets only in sealed or hashed form,
//! but they hold everything else: their files belong to their owner alone.

mod archive;

use std::{
    fs::{DirBuilder, File},
    io::{BufReader, BufWriter, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use doorward_proto::time::Time;

pub use archive::Header;
use archive::{Reader, Writer};

use super::{
    BulkInto, Cells, Db, Engine, Place, ReadTx, Tx, Value, migrate,
    schema::{self, Table},
};
use crate::{
    args,
    outcome::{Code, Error, Refusal, Result},
    unfinished::{Unfinished, beside, create},
};

/// Rows read at once.
const PAGE: i64 = 500;
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// What a backup or a restore did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// The rows, where they were counted.
    pub rows: Option<u64>,
    /// The size of the file.
    pub bytes: u64,
}

/// Writes a backup of the database to a new file, while others read and write.
///
/// # Errors
/// A refusal when the file is there already or cannot be made; a fault when the database does not answer.
pub async fn backup(db: &Db, to: &Path, now: Time) -> Result<Summary> {
    let refused = |why: String| Refusal::new(Code::RequestInvalid).field("path").hint(why);
    if to.exists() {
        return Err(refused(format!("{} is there already", to.display())).into());
    }
    let unfinished = Unfinished::begin(to).map_err(refused)?;
    let rows = match &db.0.engine {
        Engine::Sqlite(sqlite) => {
            create(unfinished.file())?;
            let (sqlite, path) = (sqlite.clone(), unfinished.file().to_owned());
            tokio::task::spawn_blocking(move || sqlite.back_up(&path)).await??;
            None
        }
        Engine::Postgres(_) => Some(export(db, unfinished.file(), now).await?),
    };
    Ok(Summary { rows, bytes: unfinished.end()? })
}

/// Fills an empty place from a backup. An archive that is damaged, or was made by another version of the
/// schema, changes nothing.
///
/// # Errors
/// A fault when the place is not empty or the backup cannot be used.
pub async fn restore(from: &Path, place: &Place, now: Time) -> Result<Summary> {
    let (bytes, is_archive) = look_at(from).map_err(|error| error.during(from.display().to_string()))?;
    let rows = match place {
        Place::Sqlite(path) => {
            if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
                return Err(not_empty());
            }
            restore_file(from, path, is_archive, now).await?
        }
        Place::Postgres(_) if is_archive => Some(import(from, &Db::open(place).await?, now).await?),
        Place::Postgres(_) => {
            let folder = Unfinished::begin(&beside(from, ".restoring")).map_err(Error::fault)?;
            let copy = folder.file().join("doorward.db");
            DirBuilder::new().mode(0o700).create(folder.file())?;
            std::io::copy(&mut File::open(from)?, &mut create(&copy)?)?;
            let source = Db::open(&Place::Sqlite(copy)).await?;
            let target = Db::open(place).await?;
            Some(copy_between(&source, &target, folder.file(), now).await?)
        }
    };
    Ok(Summary { rows, bytes })
}

/// The database is complete before it stands where a server looks for it.
async fn restore_file(from: &Path, path: &Path, is_archive: bool, now: Time) -> Result<Option<u64>> {
    let unfinished = Unfinished::begin(path).map_err(Error::fault)?;
    let mut rows = None;
    if is_archive {
        let target = Db::open(&Place::Sqlite(unfinished.file().to_owned())).await?;
        rows = Some(import(from, &target, now).await?);
    } else {
        std::io::copy(&mut File::open(from)?, &mut create(unfinished.file())?)?;
    }
    let copy = Db::open(&Place::Sqlite(unfinished.file().to_owned())).await?;
    let wrong = copy.check().await?;
    if let Some(first) = wrong.first() {
        return Err(Error::fault(format!("the backup is damaged: {first}")));
    }
    drop(copy);
    unfinished.end()?;
    Ok(rows)
}

/// The size of a backup, and whether it is an archive. One that was cut short or changed is refused before
/// anything is made of it.
fn look_at(from: &Path) -> Result<(u64, bool)> {
    let bytes = std::fs::metadata(from)?.len();
    let mut magic = Vec::new();
    File::open(from)?.take(SQLITE_MAGIC.len() as u64).read_to_end(&mut magic)?;
    let is_archive = magic != SQLITE_MAGIC;
    if is_archive {
        let mut archive = Reader::new(BufReader::new(File::open(from)?))?;
        while archive.next()?.is_some() {}
    }
    Ok((bytes, is_archive))
}

/// Copies everything into another, empty database; answers how many rows. `scratch` is a folder with
/// room for all of it.
///
/// # Errors
/// A fault when the target is not empty or one of them does not answer.
pub async fn copy_between(from: &Db, to: &Db, scratch: &Path, now: Time) -> Result<u64> {
    let path = scratch.join("doorward-copy.archive");
    let outcome = async {
        export(from, &path, now).await?;
        import(&path, to, now).await
    }
    .await;
    let _ = std::fs::remove_file(&path);
    outcome
}

fn not_empty() -> Error {
    Error::fault("the place to restore into is not empty")
}

/// The tables of an archive; the migrations of the target write their own bookkeeping.
fn tables() -> Result<Vec<Table>> {
    Ok(schema::tables()?.into_iter().filter(|table| table.name != "migrations").collect())
}

/// Writes one consistent state of either engine to a new archive; answers how many rows.
///
/// # Errors
/// A fault when the file is there already, cannot be written, or the database does not answer.
pub async fn export(db: &Db, to: &Path, now: Time) -> Result<u64> {
    let tables = tables()?;
    let header = Header {
        made_at: now.as_micros(),
        migrations: migrate::known(),
        tables: tables.iter().map(|table| (table.name.clone(), table.columns.clone())).collect(),
    };
    let writer = Writer::new(BufWriter::new(create(to)?), &header)?;
    let writer = Arc::new(Mutex::new(Some(writer)));
    let ask = (tables, Arc::clone(&writer));
    db.scan("backup", ask, |tx, (tables, writer)| {
        Box::pin(async move {
            tx.hold_months().await?;
            if migrate::applied(tx).await? != migrate::known() {
                return Err(Error::fault(
                    "the database has another version than this program; migrate first",
                ));
            }
            for (number, table) in tables.iter().enumerate() {
                export_table(tx, (number, table), writer).await?;
            }
            Ok(())
        })
    })
    .await?;
    let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (file, rows) = writer.ok_or_else(|| Error::fault("the archive is gone"))?.end()?;
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(rows)
}

type Sink = Mutex<Option<Writer<BufWriter<File>>>>;

async fn export_table(tx: &mut ReadTx<'_>, (number, table): (usize, &Table), sink: &Sink) -> Result<()> {
    let mut after: Option<Cells> = None;
    loop {
        let rows = tx.page_of(table, after.as_deref(), PAGE).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(table.key_of(last));
        let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.as_mut().ok_or_else(|| Error::fault("the archive is gone"))?.rows(number, &rows)?;
    }
}

/// Everything or nothing: one operation.
async fn import(from: &Path, to: &Db, now: Time) -> Result<u64> {
    let header = Reader::new(BufReader::new(File::open(from)?))?.header().clone();
    if header.migrations != migrate::known() {
        return Err(Error::fault("the archive was made by another version; restore it with that one"));
    }
    migrate::up(to, now).await?;
    let ask = (from.to_owned(), tables()?);
    to.write("restore", ask, |tx, (from, tables)| {
        Box::pin(async move {
            empty(tx, tables).await?;
            let mut archive = Reader::new(BufReader::new(File::open(from)?))?;
            let (mut into, mut ours) = (Vec::new(), Vec::new());
            for (name, columns) in &archive.header().tables {
                let is_ours = |table: &&Table| table.name == *name && table.columns == *columns;
                let Some(table) = tables.iter().find(is_ours) else {
                    return Err(Error::fault(format!("the archive's table {name} is not like ours")));
                };
                // The engine goes on counting from the numbers that it gives.
                let given = usize::from(table.is_numbered);
                let names: Vec<&str> = columns.iter().skip(given).map(|column| &*column.name).collect();
                into.push((BulkInto::new(name, &names), given));
                ours.push(table);
            }
            let mut rows = 0;
            while let Some(mut block) = archive.next()? {
                if let Some(table) = ours.get(block.table) {
                    open_months(tx, table, &block.rows).await?;
                }
                let (into, given) = into.get(block.table).ok_or_else(|| Error::fault("an unknown table"))?;
                for row in &mut block.rows {
                    row.drain(..*given);
                }
                tx.bulk(into, &block.rows).await?;
                rows += block.rows.len() as u64;
            }
            Ok(rows)
        })
    })
    .await
}

/// Makes room for rows of a table that is kept by the month.
async fn open_months(tx: &mut Tx<'_>, table: &Table, rows: &[Cells]) -> Result<()> {
    if !migrate::monthly().any(|name| name == table.name) {
        return Ok(());
    }
    let at = table.columns.iter().position(|column| column.name == "month");
    let at = at.ok_or_else(|| Error::fault("a table that is kept by the month has no column for it"))?;
    let mut months: Vec<i64> = Vec::new();
    for row in rows {
        if let Some(Value::Int(Some(month))) = row.get(at) {
            months.push(*month);
        }
    }
    months.dedup();
    for month in months {
        tx.open_month(&table.name, month).await?;
    }
    Ok(())
}

/// Takes out what the migrations themselves put in; anything else means that the place is in use.
async fn empty(tx: &mut Tx<'_>, tables: &[Table]) -> Result<()> {
    for table in tables.iter().rev() {
        let count = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {}", table.name);
        let made = schema::scratch()?.query_row(&count, [], |row| row.get::<_, i64>(0))?;
        let found = tx.all_with(&count, args![], |row| row.int(0)).await?;
        if found != [made] {
            return Err(not_empty());
        }
        tx.exec_dynamic(&format!("DELETE FROM {}", table.name), args![]).await?;
    }
    Ok(())
}

impl super::sqlite::Sqlite {
    /// One consistent state, whoever writes meanwhile.
    fn back_up(&self, to: &Path) -> Result<()> {
        self.with_reader(|source| {
            let mut target = rusqlite::Connection::open(to)?;
            rusqlite::backup::Backup::new(source, &mut target)?.step(-1)?;
            // One file, without a log beside it.
            Ok(target.execute_batch("PRAGMA journal_mode = DELETE")?)
        })
    }
}
