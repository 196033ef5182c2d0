//! Writing the file: one consistent state, page by page.

use std::sync::{Arc, Mutex, PoisonError};

use super::{
    Counts, ExportAsk, Exported, Progress, Tell, count,
    file::{Header, Writer},
    record::{Hands, Made, Shape, shapes},
    secrets::{Envelope, FileKeys},
    sql,
};
use crate::{
    audit::{self, Event},
    call::Call,
    db::{Cells, ReadTx},
    outcome::{Code, Error, Refusal, Result},
    unfinished::{Unfinished, create},
};

/// Rows read at once.
const PAGE: i64 = 500;

struct Work {
    call: Call,
    shapes: Vec<Shape>,
    keys: Option<FileKeys>,
    writer: Mutex<Option<Writer>>,
    left_out: Mutex<Counts>,
    tell: Tell,
}

/// Writes everything that moves to a new file, which belongs to its owner alone.
///
/// # Errors
/// Refused when the file is there already, cannot be made, or the passphrase is too short. Nobody wants it any
/// more: a fault, and nothing is left of the file.
pub async fn export(call: &Call, ask: ExportAsk, tell: Tell) -> Result<Exported> {
    let refused = |hint: String| Refusal::new(Code::RequestInvalid).field("path").hint(hint);
    if ask.path.exists() {
        return Err(refused(format!("{} is there already", ask.path.display())).into());
    }
    let realm = &call.realm;
    let (secrets, keys) = match ask.passphrase {
        None => (None, None),
        Some(passphrase) => {
            let (env, lasting) = (realm.env.clone(), realm.vault.lasting_keys());
            let made = tokio::task::spawn_blocking(move || Envelope::new(&env, &passphrase, &lasting));
            let (envelope, keys) = made.await??;
            (Some(envelope), Some(keys))
        }
    };
    let header =
        Header::new((call.now, &realm.issuer), (realm.instance_org, realm.vault.hash_key_id()), secrets);
    let unfinished = Unfinished::begin(&ask.path).map_err(refused)?;
    let writer = Writer::new(create(unfinished.file())?, &header)?;
    let work = Arc::new(Work {
        call: call.clone(),
        shapes: shapes()?,
        keys,
        writer: Mutex::new(Some(writer)),
        left_out: Mutex::default(),
        tell,
    });
    let run = Arc::clone(&work);
    realm.db.scan("moving.export", run, |tx, work| Box::pin(write_all(tx, work))).await?;
    let writer = work.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
    let records = writer.ok_or_else(|| Error::fault("the file is gone"))?.end(work.keys.as_ref())?;
    let bytes = unfinished.end()?;
    let left_out = work.left_out.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let event = Event::new(call, "server.exported")?
        .subject(realm.instance_org)
        .org(realm.instance_org)
        .fact("records", serde_json::to_value(&records)?)
        .fact("with_secrets", work.keys.is_some());
    audit::note(call, event).await?;
    Ok(Exported { records, left_out, bytes })
}

async fn write_all(tx: &mut ReadTx<'_>, work: &Work) -> Result<()> {
    let mut progress = Progress { what: "exported", done: 0, total: 0 };
    for shape in &work.shapes {
        progress.total += u64::try_from(tx.count_of(&shape.table).await?).unwrap_or(0);
    }
    let own = sql::built_in(tx).await?;
    for shape in &work.shapes {
        let mut after: Option<Cells> = None;
        loop {
            let rows = tx.page_of(&shape.table, after.as_deref(), PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(shape.table.key_of(last));
            write_page(work, shape, &own, &rows)?;
            progress.done += rows.len() as u64;
            if !(work.tell)(progress) {
                return Err(Error::fault("nobody waits for the export any more"));
            }
        }
    }
    Ok(())
}

fn write_page(work: &Work, shape: &Shape, own: &[String], rows: &[Cells]) -> Result<()> {
    let hands = Hands { realm: &work.call.realm, keys: work.keys.as_ref() };
    let mut writer = work.writer.lock().unwrap_or_else(PoisonError::into_inner);
    let writer = writer.as_mut().ok_or_else(|| Error::fault("the file is gone"))?;
    let mut left_out = work.left_out.lock().unwrap_or_else(PoisonError::into_inner);
    for row in rows.iter().filter(|row| !shape.is_of_any(row, own)) {
        match shape.write(row, &hands)? {
            Made::Whole(line) => writer.record(shape.kind.name, &line)?,
            Made::Without(line) => {
                count(&mut left_out, &format!("secret of {}", shape.kind.name), 1);
                writer.record(shape.kind.name, &line)?;
            }
            Made::LeftOut => count(&mut left_out, shape.kind.name, 1),
        }
    }
    Ok(())
}
