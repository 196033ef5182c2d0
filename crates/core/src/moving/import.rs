//! Reading the file into a database: everything or nothing, in one operation.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ImportAsk, Imported, Progress, Tell,
    check::{Checked, check},
    conflicts::Conflicts,
    count,
    file::{Header, Reader, damaged},
    record::{Hands, Made, Shape, shapes},
    secrets::FileKeys,
    sql,
};
use crate::{
    audit::{self, Event},
    call::Call,
    credentials::{self, Hashed},
    db::{BulkInto, Cells, Tx, Value},
    outcome::{Code, Error, Refusal, Result},
    realm,
};

/// Rows written at once.
const AT_ONCE: usize = 500;

struct Work {
    call: Call,
    ask: ImportAsk,
    shapes: Vec<Shape>,
    header: Header,
    keys: Option<FileKeys>,
    checked: Checked,
    event: Event,
    tell: Tell,
}

/// Takes a file over. It is read to its end before anything is written; then everything is, or nothing.
///
/// # Errors
/// Refused when the file was cut or changed, the passphrase is missing or another one, there is data here and
/// nobody said `merge`, or what is here stands in the way: the fact `conflicts` says what, one by one.
pub async fn import(call: &Call, ask: ImportAsk, tell: Tell) -> Result<Imported> {
    let header = super::header(&ask.path)?;
    let (call, realm) = (call.clone(), Arc::clone(&call.realm));
    let event = Event::new(&call, "server.imported")?.subject(realm.instance_org).org(realm.instance_org);
    let work = tokio::task::spawn_blocking(move || -> Result<Work> {
        let keys = open(&ask, &header, call.realm.vault.hash_key_id())?;
        let shapes = shapes()?;
        let checked = check(&call.realm, (&ask.path, &shapes), keys.as_ref(), &tell)?;
        Ok(Work { call, ask, shapes, header, keys, checked, event, tell })
    });
    let work = Arc::new(work.await??);
    let run = Arc::clone(&work);
    let done = realm.db.write("moving.import", run, |tx, work| Box::pin(Taking::new(work).run(tx))).await?;
    if done.keys_taken
        && let Some(keys) = &work.keys
    {
        realm.vault.adopt(&keys.lasting)?;
    }
    Ok(done)
}

/// The keys of the file, where it has any and they are wanted.
fn open(ask: &ImportAsk, header: &Header, ours: &str) -> Result<Option<FileKeys>> {
    match (&header.secrets, &ask.passphrase) {
        (Some(envelope), Some(passphrase)) if !ask.without_secrets => envelope.open(passphrase).map(Some),
        (Some(_), None) if !ask.without_secrets && header.hash_key != ours => {
            let hint = "The file has secrets: give their passphrase, or go without them";
            Err(Refusal::new(Code::RequestInvalid).field("passphrase").hint(hint).into())
        }
        (None, Some(_)) => {
            let hint = "The file has no secrets that a passphrase could open";
            Err(Refusal::new(Code::RequestInvalid).field("passphrase").hint(hint).into())
        }
        _ => Ok(None),
    }
}

/// An import under way. The operation may be run again, from the beginning.
struct Taking<'w> {
    work: &'w Work,
    is_empty: bool,
    /// Whether keyed hashes mean anything here.
    knows_hashes: bool,
    conflicts: Conflicts,
    schemes: BTreeMap<String, Hashed>,
    done: Imported,
    seen: u64,
}

impl<'w> Taking<'w> {
    fn new(work: &'w Work) -> Self {
        Self {
            work,
            is_empty: false,
            knows_hashes: false,
            conflicts: Conflicts::default(),
            schemes: BTreeMap::new(),
            done: Imported::default(),
            seen: 0,
        }
    }

    async fn run(mut self, tx: &mut Tx<'_>) -> Result<Imported> {
        let Work { call, ask, header, checked, event, .. } = self.work;
        let realm = &call.realm;
        tx.lock_exclusive(&["doorward.import"]).await?;
        self.is_empty = self.looks_empty(tx).await?;
        if !self.is_empty && !ask.merge {
            let hint = "There are people, organisations or applications here already. --merge adds to them";
            return Err(Refusal::new(Code::Conflict).hint(hint).into());
        }
        let takes_keys =
            header.hash_key != realm.vault.hash_key_id() && self.is_empty && self.work.keys.is_some();
        self.knows_hashes = takes_keys || header.hash_key == realm.vault.hash_key_id();
        if header.instance != realm.instance_org {
            self.done.instead_of = Some(header.instance);
        }
        self.read(tx).await?;
        std::mem::take(&mut self.conflicts).settle()?;
        for hash in self.schemes.values() {
            credentials::note_scheme(tx, hash).await?;
        }
        if takes_keys && let Some(keys) = &self.work.keys {
            realm::adopt(tx, call, &keys.lasting).await?;
            self.done.keys_taken = true;
        }
        let event = event
            .clone()
            .fact("records", serde_json::to_value(&self.done.records)?)
            .fact("sha256", checked.sha256.as_str())
            .fact("issuer", header.issuer.as_str());
        audit::record(tx, &event).await?;
        tx.raise_changes().await?;
        Ok(self.done)
    }

    /// Whether there is nothing but what a first start makes.
    async fn looks_empty(&self, tx: &mut Tx<'_>) -> Result<bool> {
        let own = sql::built_in(tx).await?;
        let instance = [self.work.call.realm.instance_org.to_string()];
        for shape in &self.work.shapes {
            let rows = tx.page_of(&shape.table, None, 8).await?;
            if rows.iter().any(|row| !shape.is_of_any(row, &own) && !shape.is_any(row, &instance)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn read(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        let mut file = Reader::open(&self.work.ask.path)?;
        let (mut place, mut first) = (0, file.line + 1);
        let mut rows: Vec<Cells> = Vec::with_capacity(AT_ONCE);
        loop {
            let next = file.next()?;
            let at = next
                .as_ref()
                .and_then(|(kind, _)| self.work.shapes.iter().position(|shape| shape.kind.name == *kind));
            if at != Some(place) || rows.len() >= AT_ONCE {
                if let Some(shape) = self.work.shapes.get(place) {
                    let lines = format!("lines {first} to {} of the file", file.line - 1);
                    self.write(tx, shape, &rows).await.map_err(|error| error.during(lines))?;
                }
                rows.clear();
                first = file.line;
            }
            let (Some((_, members)), Some(at)) = (next, at) else { break };
            place = at;
            if let Some(shape) = self.work.shapes.get(at) {
                let made = self.take(shape, &members).map_err(damaged)?;
                rows.extend(made);
            }
        }
        if file.sha256 != self.work.checked.sha256 {
            return Err(damaged("it was changed while it was being read"));
        }
        Ok(())
    }

    /// The row of a record, unless it is left out.
    fn take(
        &mut self,
        shape: &Shape,
        members: &serde_json::Map<String, serde_json::Value>,
    ) -> std::result::Result<Option<Cells>, String> {
        let work = self.work;
        self.seen += 1;
        let name = shape.kind.name;
        if shape.kind.is_keyed && !self.knows_hashes {
            // A token that came from elsewhere and was not seen since is kept as its SHA-256.
            let has_own = members.get("sha256").is_some_and(|hash| !hash.is_null());
            if !has_own {
                count(&mut self.done.left_out, name, 1);
                return Ok(None);
            }
        }
        let hands = Hands { realm: &work.call.realm, keys: work.keys.as_ref() };
        let mut row = match shape.read(members, &hands)? {
            Made::Whole(row) => row,
            Made::Without(row) => {
                count(&mut self.done.left_out, &format!("secret of {name}"), 1);
                row
            }
            Made::LeftOut => {
                count(&mut self.done.left_out, name, 1);
                return Ok(None);
            }
        };
        if let Some(from) = self.done.instead_of {
            shape.rename_org(&mut row, &from.to_string(), &work.call.realm.instance_org.to_string());
        }
        if let Some(hash) = (name == "password").then(|| shape.hash_of(&row)).flatten() {
            self.schemes.entry(hash.scheme().name()).or_insert(hash);
        }
        Ok(Some(row))
    }

    async fn write(&mut self, tx: &mut Tx<'_>, shape: &Shape, rows: &[Cells]) -> Result<()> {
        let rows = self.without_instance(tx, shape, rows).await?;
        let name = shape.kind.name;
        if rows.is_empty() {
            return Ok(());
        }
        let inserted = if self.is_empty {
            let names: Vec<&str> = shape.table.columns.iter().map(|column| &*column.name).collect();
            tx.bulk(&BulkInto::new(&shape.table.name, &names), &rows).await?;
            rows.len() as u64
        } else {
            self.merge(tx, shape, &rows).await?
        };
        count(&mut self.done.records, name, inserted);
        count(&mut self.done.known, name, rows.len() as u64 - inserted);
        let progress = Progress { what: "imported", done: self.seen, total: self.work.checked.total };
        if (self.work.tell)(progress) {
            return Ok(());
        }
        Err(Error::fault("nobody waits for the import any more"))
    }

    /// Inserts what is missing; whatever is not here afterwards as the file says is a conflict.
    async fn merge(&mut self, tx: &mut Tx<'_>, shape: &Shape, rows: &[Cells]) -> Result<u64> {
        let rows: Vec<Cells> =
            rows.iter().filter(|row| !self.conflicts.orphans(shape, row)).cloned().collect();
        let inserted = tx.insert_missing(&shape.table, &rows).await?;
        if inserted == rows.len() as u64 {
            return Ok(inserted);
        }
        let work = self.work;
        let hands = Hands { realm: &work.call.realm, keys: work.keys.as_ref() };
        for row in &rows {
            self.conflicts.look(tx, (shape, row), &hands).await?;
        }
        Ok(inserted)
    }

    /// There is one instance here already: on an empty server it takes the name of the file's.
    async fn without_instance(&self, tx: &mut Tx<'_>, shape: &Shape, rows: &[Cells]) -> Result<Vec<Cells>> {
        let named = self.work.header.instance.to_string();
        let is_instance = |row: &Cells| {
            shape.table.name == "orgs"
                && matches!(shape.table.key_of(row).as_slice(), [Value::Text(Some(id))] if *id == named)
        };
        for row in rows.iter().filter(|row| self.is_empty && is_instance(row)) {
            let column = |name: &str| shape.table.cells_of(row, &[name.to_owned()]).into_iter().next();
            let text = |name: &str| match column(name) {
                Some(Value::Text(Some(text))) => Some(text.into_owned()),
                _ => None,
            };
            let joined_by = if let Some(Value::Int(Some(number))) = column("joined_by") { number } else { 0 };
            let named = sql::Named {
                name: text("name").unwrap_or_default(),
                slug: text("slug"),
                joined_by,
                allowed_addresses: text("allowed_addresses").unwrap_or_else(|| "[]".to_owned()),
            };
            let call = &self.work.call;
            sql::name_instance(tx, &call.realm.instance_org.to_string(), &named, call.now).await?;
        }
        Ok(rows.iter().filter(|row| !is_instance(row)).cloned().collect())
    }
}
