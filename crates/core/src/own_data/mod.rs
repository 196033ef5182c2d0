//! What is held of a person, handed to that person: one JSON object with a member for each kind of thing.
//!
//! What is in it is said once, in [`mod@held`]: every table that names a person is in the file or left out for a
//! reason, and so is every column. Secrets, hashes and what is somebody else's are never in it. It is read a page
//! at a time, so that it never fills memory and holds no transaction while a slow reader takes it; what changes
//! meanwhile may be in one part and not in another.

mod held;
mod sql;

#[cfg(test)]
mod tests;

use std::{fmt::Write as _, time::Duration};

use doorward_proto::{
    id::{Id, User},
    time::Time,
};
use serde_json::{Map, Value as Json, json};

pub use held::{HELD, Held, LEFT_OUT, READ, Whose};

use crate::{
    audit::{self, Entry, Event},
    call::{Actor, Call},
    db::{
        Cells, Value,
        schema::{self, Table},
    },
    moving::written,
    outcome::{Code, Error, Refusal, Result, refuse},
    sessions, usage,
};

/// The form of the file.
pub const FORMAT: &str = "doorward-own-data/1";
/// Rows read at once.
const PAGE: u32 = 500;
/// By what usage is told.
const USAGE_BY: [usage::By; 6] = [
    usage::By::Hour,
    usage::By::Org,
    usage::By::Client,
    usage::By::Agent,
    usage::By::Route,
    usage::By::Status,
];

/// The file on its way: [`Export::more`] is asked until there is no more.
pub struct Export {
    call: Call,
    user: Id<User>,
    /// Proven addresses, folded.
    addresses: Vec<String>,
    tables: Vec<Table>,
    at: Place,
}

/// How far the file is.
struct Place {
    part: usize,
    /// Which of the addresses, of the kinds of usage.
    turn: usize,
    after: After,
    /// Whether its beginning was written, and a row.
    is_open: bool,
    has_rows: bool,
}

impl Place {
    const fn of(part: usize) -> Self {
        Self { part, turn: 0, after: After::Nothing, is_open: false, has_rows: false }
    }
}

/// Behind what the next page begins.
enum After {
    Nothing,
    Row(Cells),
    Name(String),
}

/// What a page came to.
struct Page {
    rows: Vec<Json>,
    /// Where the next one begins; none where all of this turn was read.
    next: Option<After>,
}

/// Begins the file of whoever calls, and notes it in the audit trail.
///
/// # Errors
/// `Forbidden` to who is no person in a session; `SignInStale` to who has not just proven who they are: the file
/// tells more than any page.
pub async fn export(call: &Call) -> Result<Export> {
    let Actor::User { id: user, session } = call.actor else {
        return Err(Refusal::new(Code::Forbidden).hint("Only a person has data of their own").into());
    };
    let live = sessions::live(call, session).await?.session;
    if live.user != user {
        return refuse(Code::Forbidden);
    }
    if !live.is_fresh(call.now) {
        return refuse(Code::SignInStale);
    }
    let addresses = call.realm.db.read("own_data.addresses", user, |tx, user| {
        Box::pin(async move { sql::proven_addresses(tx, *user).await })
    });
    let (addresses, tables) = (addresses.await?, schema::tables()?);
    // What this node has counted so far is in it.
    usage::flush(call).await?;
    audit::note(call, Event::new(call, "user.exported")?.subject(user)).await?;
    Ok(Export { call: call.clone(), user, addresses, tables, at: Place::of(0) })
}

impl Export {
    /// The next piece of the text; none at the end.
    ///
    /// # Errors
    /// A fault, after which the file is not whole.
    pub async fn more(&mut self) -> Result<Option<String>> {
        let parts = HELD.len() + READ.len();
        if self.at.part > parts {
            return Ok(None);
        }
        if self.at.part == parts {
            self.at = Place::of(parts + 1);
            return Ok(Some("\n}\n".to_owned()));
        }
        let mut text = if self.at.is_open { String::new() } else { self.beginning() };
        self.at.is_open = true;
        let page = self.page().await?;
        for row in &page.rows {
            // Writing to a text does not fail.
            let _ = write!(text, "{}\n  {row}", if self.at.has_rows { "," } else { "" });
            self.at.has_rows = true;
        }
        match page.next {
            Some(next) => self.at.after = next,
            None if self.at.turn + 1 < self.turns() => {
                self.at.turn += 1;
                self.at.after = After::Nothing;
            }
            None => {
                text.push(']');
                self.at = Place::of(self.at.part + 1);
            }
        }
        Ok(Some(text))
    }

    /// The beginning of a part; before the first one, that of the file.
    fn beginning(&self) -> String {
        let name = match HELD.get(self.at.part) {
            Some(held) => held.name,
            None => self.read_part().map_or("", |(name, ..)| *name),
        };
        let before = if self.at.part == 0 {
            let (issuer, at) = (&self.call.realm.issuer, self.call.now);
            format!(
                "{{\n\"format\": {},\n\"issuer\": {},\n\"exported_at\": {}",
                json!(FORMAT),
                json!(issuer),
                json!(at.to_string())
            )
        } else {
            String::new()
        };
        format!("{before},\n\"{name}\": [")
    }

    fn read_part(&self) -> Option<&'static (&'static str, &'static [&'static str], &'static str)> {
        READ.get(self.at.part.checked_sub(HELD.len())?)
    }

    /// How many turns the part is read in.
    fn turns(&self) -> usize {
        match HELD.get(self.at.part).map(|held| held.whose) {
            Some(Whose::Address(_)) => self.addresses.len(),
            None if self.is_usage() => usage::Kind::ALL.len(),
            Some(Whose::Person(_)) | None => 1,
        }
    }

    fn is_usage(&self) -> bool {
        self.read_part().is_some_and(|(name, ..)| *name == "usage")
    }

    async fn page(&self) -> Result<Page> {
        match HELD.get(self.at.part) {
            Some(held) => self.rows_of(held).await,
            None if self.is_usage() => self.usage().await,
            None => self.events().await,
        }
    }

    async fn rows_of(&self, held: &'static Held) -> Result<Page> {
        let (column, whose) = match held.whose {
            Whose::Person(column) => (column, self.user.to_string()),
            Whose::Address(column) => match self.addresses.get(self.at.turn) {
                Some(address) => (column, address.clone()),
                None => return Ok(Page { rows: Vec::new(), next: None }),
            },
        };
        let table = self.tables.iter().find(|table| table.name == held.table).cloned();
        let table = table.ok_or_else(|| Error::fault(format!("there is no table {}", held.table)))?;
        let after = match &self.at.after {
            After::Row(key) => Some(key.clone()),
            _ => None,
        };
        let ask = (table.clone(), column, whose, after);
        let found = self.call.realm.db.read("own_data.rows", ask, |tx, (table, column, whose, after)| {
            Box::pin(async move { tx.page_with(table, (column, whose), after.as_deref(), PAGE.into()).await })
        });
        let found = found.await?;
        let is_full = found.len() == PAGE as usize;
        let last = found.last().filter(|_| is_full);
        let next = last.map(|last| After::Row(table.key_of(last)));
        let rows = found.iter().map(|row| shown(held, &table, row)).collect::<Result<_>>()?;
        Ok(Page { rows, next })
    }

    async fn usage(&self) -> Result<Page> {
        let kind = usage::Kind::ALL.get(self.at.turn).copied().unwrap_or_default();
        let filter = usage::Filter {
            from: Time::from_seconds(0),
            to: usage::hour_of(self.call.now) + Duration::from_hours(1),
            kind,
            user: Some(self.user.to_string()),
            ..usage::Filter::default()
        };
        let after = match &self.at.after {
            After::Name(name) => Some(name.clone()),
            _ => None,
        };
        let ask = usage::Ask { filter, by: USAGE_BY.to_vec(), after, limit: PAGE };
        let found = usage::read(&self.call, ask).await?;
        let row = |row: &usage::Row| {
            let mut members = Map::new();
            members.insert("kind".to_owned(), kind.name().into());
            members.extend(USAGE_BY.iter().map(|by| (by.name().to_owned(), row.name(*by).into())));
            let counts = [
                ("requests", row.counts.requests),
                ("denied", row.counts.denied),
                ("request_bytes", row.counts.request_bytes),
                ("response_bytes", row.counts.response_bytes),
            ];
            members.extend(counts.into_iter().map(|(name, count)| (name.to_owned(), count.into())));
            Json::Object(members)
        };
        Ok(Page { rows: found.rows.iter().map(row).collect(), next: found.next.map(After::Name) })
    }

    async fn events(&self) -> Result<Page> {
        let own = self.user.to_string();
        let is_by_others = self.read_part().is_some_and(|(name, ..)| *name == "events_by_others");
        let filter = if is_by_others {
            audit::Filter { subject: Some(own.clone()), ..audit::Filter::default() }
        } else {
            audit::Filter { actor: Some(own.clone()), ..audit::Filter::default() }
        };
        let before = match &self.at.after {
            After::Name(name) => Some(name.clone()),
            _ => None,
        };
        let found = audit::list(&self.call.realm, filter, before, PAGE as usize).await?;
        let last = found.last().filter(|_| found.len() == PAGE as usize);
        let next = last.map(|last| After::Name(last.id.clone()));
        let wanted = found.iter().filter(|entry| !is_by_others || entry.actor != own);
        Ok(Page { rows: wanted.map(|entry| event(entry, &own)).collect(), next })
    }
}

/// A row as it is written.
fn shown(held: &Held, table: &Table, row: &[Value<'static>]) -> Result<Json> {
    let mut members = Map::new();
    for (column, value) in table.columns.iter().zip(row) {
        if let Some((name, form)) = held.form_of(&column.name)
            && let Some(json) = written(form, value)?
        {
            members.insert(name.to_owned(), json);
        }
    }
    Ok(Json::Object(members))
}

/// An event as it is written. What is personal in it is the person's own where nobody else is in it: then
/// neither the one who did it nor whom it happened to is another.
fn event(entry: &Entry, own: &str) -> Json {
    let is_of_another = entry.actor != own || (is_person(&entry.subject) && entry.subject != own);
    let detail = entry.detail.clone().filter(|_| !is_of_another);
    json!({
        "id": entry.id, "at": entry.at.to_string(), "code": entry.code, "outcome": entry.outcome,
        "actor": entry.actor, "subject": entry.subject, "client_id": entry.client, "org_id": entry.org,
        "facts": entry.facts, "detail": detail,
    })
}

fn is_person(id: &str) -> bool {
    id.parse::<Id<User>>().is_ok()
}
