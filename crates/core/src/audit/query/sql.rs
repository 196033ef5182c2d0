//! Statements that list events. Their conditions depend on the filter, so they are put together from
//! the constant parts below; values never enter the text.

use super::{Begin, Entry, Filter, outcome};
use crate::{
    args,
    audit::sql::outcome_number,
    db::{ReadTx, Row, Value},
    outcome::Result,
};

// Not by a join, for which PostgreSQL may read every detail from the first one on.
// part: conditions, an order by key and a limit follow
const SEALED: &str = "SELECT e.seq, e.id, e.at, e.code, e.outcome, e.org_id, e.actor, e.subject, e.client_id,
        e.request_id, e.facts,
        (SELECT d.detail FROM event_details d WHERE d.seq = e.seq AND d.month = e.month),
        (SELECT d.erased_at FROM event_details d WHERE d.seq = e.seq AND d.month = e.month)
    FROM events e";
// part: conditions, an order by key and a limit follow
const UNSEALED: &str =
    "SELECT CAST(NULL AS BIGINT), e.id, e.at, e.code, e.outcome, e.org_id, e.actor, e.subject, e.client_id,
        e.request_id, e.facts, e.detail, CAST(NULL AS BIGINT)
    FROM event_intake e";

// scan: the intake holds the events of the last second
const UNSEALED_SEQ: &str = "SELECT seq FROM event_intake WHERE id = $1";
/// The next code that is in use: asked again and again, it finds all of them without reading the trail.
const NEXT_CODE: &str = "SELECT code FROM events WHERE code > $1 ORDER BY code LIMIT 1";
// scan: of the rows that an index found, as many as are counted at the most
const COUNTS: &[&str] = &[
    "SELECT COUNT(*) FROM (SELECT seq FROM events WHERE actor = $1 LIMIT $2) AS found",
    "SELECT COUNT(*) FROM (SELECT seq FROM events WHERE subject = $1 LIMIT $2) AS found",
    "SELECT COUNT(*) FROM (SELECT seq FROM events WHERE client_id = $1 LIMIT $2) AS found",
    "SELECT COUNT(*) FROM (SELECT seq FROM events WHERE org_id = $1 LIMIT $2) AS found",
    "SELECT COUNT(*) FROM (SELECT seq FROM events WHERE code = $1 LIMIT $2) AS found",
    "SELECT COUNT(*) FROM (SELECT seq FROM event_details WHERE address = $1 LIMIT $2) AS found",
];
const SEALED_SEQ: &str = "SELECT seq FROM events WHERE id >= $1 ORDER BY id LIMIT 1";

const FROM_INDEX: &str = "e.seq IN (SELECT d.seq FROM event_details d WHERE d.address = ?)";
const FROM_LOOKED_AT: &str = "EXISTS (SELECT 1 FROM event_details d
    WHERE d.seq = e.seq AND d.month = e.month AND (d.address || '') = ?)";
const UNSEALED_FROM: &str = "e.detail LIKE ?";
/// Where the code stands among what is asked of events.
const CODE: usize = 4;
/// Where the address does.
const ADDRESS: usize = 5;
/// How many events are few: they are all looked at.
const FEW: i64 = 2_000;
/// Codes that one page is put together from at the most: there are not that many.
const MOST_CODES: usize = 500;

/// Which index leads to what is wanted. An engine that knows averages only takes the largest organisation for
/// one of many, and reads all that has happened in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The engine finds out, or there is no choice.
    Any,
    /// That of this condition.
    Index(usize),
}

/// How many events each condition alone finds, as far as is counted, the fewest first; with its place.
async fn counted(tx: &mut ReadTx<'_>, filter: &Filter) -> Result<Vec<(i64, usize)>> {
    let exact = filter.code.as_ref().filter(|code| !code.ends_with('.'));
    let address = filter.address.map(|address| address.to_string());
    let texts = [
        filter.actor.as_ref(),
        filter.subject.as_ref(),
        filter.client.as_ref(),
        filter.org.as_ref(),
        exact,
        address.as_ref(),
    ];
    let mut counted = Vec::new();
    for (place, (count, value)) in COUNTS.iter().copied().zip(texts).enumerate() {
        if let Some(value) = value {
            counted.push((tx.opt(count, args![value, FEW], |row| row.int(0)).await?.unwrap_or(0), place));
        }
    }
    counted.sort_unstable();
    Ok(counted)
}

/// Every code in use that begins so.
async fn codes(tx: &mut ReadTx<'_>, prefix: &str) -> Result<Vec<String>> {
    let (mut all, mut last) = (Vec::new(), String::new());
    for _ in 0..MOST_CODES {
        let Some(code) = tx.opt(NEXT_CODE, args![&last], |row| row.text(0)).await? else { break };
        if code.starts_with(prefix) {
            all.push(code.clone());
        }
        last = code;
    }
    Ok(all)
}

/// A statement in the making.
struct Text<'v> {
    sql: String,
    values: Vec<Value<'v>>,
}

impl<'v> Text<'v> {
    fn new(select: &str) -> Self {
        Self { sql: select.to_owned(), values: Vec::new() }
    }

    /// Adds a condition; `?` stands for its value.
    fn and(&mut self, condition: &'static str, value: impl Into<Value<'v>>) {
        self.values.push(value.into());
        self.sql.push_str(if self.values.len() == 1 { " WHERE " } else { " AND " });
        self.sql.push_str(&condition.replace('?', &format!("${}", self.values.len())));
    }

    /// Adds where it came from: by the index, or looked at event by event where very many came from there.
    fn address(&mut self, filter: &Filter, by: By) {
        if let Some(address) = filter.address {
            let condition = if by == By::Index(ADDRESS) { FROM_INDEX } else { FROM_LOOKED_AT };
            self.and(condition, address.to_string());
        }
    }

    fn end(&mut self, order: &'static str, limit: i64) {
        self.values.push(limit.into());
        self.sql.push_str(order);
        self.sql.push_str(" LIMIT $");
        self.sql.push_str(&self.values.len().to_string());
    }

    fn filter(&mut self, filter: &'v Filter, by: By) {
        let texts = [
            ("e.actor = ?", "(e.actor || '') = ?", &filter.actor),
            ("e.subject = ?", "(e.subject || '') = ?", &filter.subject),
            ("e.client_id = ?", "(e.client_id || '') = ?", &filter.client),
            ("e.org_id = ?", "(e.org_id || '') = ?", &filter.org),
            ("e.code = ?", "(e.code || '') = ?", &filter.code),
        ];
        for (place, (indexed, looked_at, value)) in texts.into_iter().enumerate() {
            match value {
                // Not by order, which depends on PostgreSQL's collation.
                Some(prefix) if place == CODE && prefix.ends_with('.') => {
                    self.and("substr(e.code, 1, length(?)) = ?", prefix);
                }
                Some(value) if by == By::Any || by == By::Index(place) => self.and(indexed, value),
                Some(value) => self.and(looked_at, value),
                None => {}
            }
        }
        if let Some(request) = &filter.request_id {
            self.and("e.request_id = ?", request);
        }
        if let Some(outcome) = filter.outcome {
            self.and("e.outcome = ?", outcome_number(outcome));
        }
        if let Some(since) = filter.since {
            self.and("e.at >= ?", since);
        }
        if let Some(until) = filter.until {
            self.and("e.at < ?", until);
        }
    }

    /// Keeps to the part of the chain in which the wanted times are.
    fn part(&mut self, filter: &Filter) {
        let (from, to) = filter.arrived();
        if let Some(from) = from {
            self.and("e.seq >= (SELECT b.seq FROM events b WHERE b.id >= ? ORDER BY b.id LIMIT 1)", from);
        }
        if let Some(to) = to {
            self.and(
                "e.seq < COALESCE((SELECT b.seq FROM events b WHERE b.id >= ? ORDER BY b.id LIMIT 1),
                    9223372036854775807)",
                to,
            );
        }
    }

    async fn run(&self, tx: &mut ReadTx<'_>) -> Result<Vec<Entry>> {
        tx.all_dynamic(&self.sql, &self.values, entry).await
    }
}

fn entry(row: &Row<'_>) -> Result<Entry> {
    let detail = match row.opt_int(12)? {
        Some(_erased_at) => None,
        None => row.opt_text(11)?.map(|detail| serde_json::from_str(&detail)).transpose()?,
    };
    Ok(Entry {
        seq: row.opt_int(0)?,
        id: row.text(1)?,
        at: row.time(2)?,
        code: row.text(3)?,
        outcome: outcome(row.int(4)?)?,
        org: row.text(5)?,
        actor: row.text(6)?,
        subject: row.text(7)?,
        client: row.text(8)?,
        request_id: row.text(9)?,
        facts: serde_json::from_str(&row.text(10)?)?,
        detail,
    })
}

/// Where the event is. One that retention took away was before all that is left.
pub(super) async fn place(tx: &mut ReadTx<'_>, id: &str) -> Result<Begin> {
    if let Some(seq) = tx.opt(UNSEALED_SEQ, args![id], |row| row.int(0)).await? {
        return Ok(Begin::Unsealed(seq));
    }
    let seq = tx.opt(SEALED_SEQ, args![id], |row| row.int(0)).await?;
    Ok(seq.map_or(Begin::AtTheEnd, Begin::Sealed))
}

/// In which direction, from where.
#[derive(Debug, Clone, Copy)]
enum Along {
    Back(Begin),
    On(i64),
}

/// Sealed events along the chain. Of several codes: those of each, and then the first of all these.
async fn sealed(tx: &mut ReadTx<'_>, filter: &Filter, along: Along, limit: i64) -> Result<Vec<Entry>> {
    if filter.request_id.is_some() {
        return sealed_by(tx, (filter, By::Any), along, limit).await;
    }
    let counted = counted(tx, filter).await?;
    let prefix = filter.code.as_deref().filter(|code| code.ends_with('.'));
    let by = match *counted.as_slice() {
        [(count, place), ..] if count < FEW || (prefix.is_none() && place != ADDRESS) => By::Index(place),
        _ => By::Any,
    };
    let Some(prefix) = prefix.filter(|_| by == By::Any) else {
        return sealed_by(tx, (filter, by), along, limit).await;
    };
    let mut found = Vec::new();
    for code in codes(tx, prefix).await? {
        let one = Filter { code: Some(code), ..filter.clone() };
        found.extend(sealed_by(tx, (&one, By::Index(CODE)), along, limit).await?);
    }
    found.sort_by_key(|entry| entry.seq);
    if matches!(along, Along::Back(_)) {
        found.reverse();
    }
    found.truncate(usize::try_from(limit)?);
    Ok(found)
}

async fn sealed_by(
    tx: &mut ReadTx<'_>,
    (filter, by): (&Filter, By),
    along: Along,
    limit: i64,
) -> Result<Vec<Entry>> {
    let mut text = Text::new(SEALED);
    text.filter(filter, by);
    text.part(filter);
    text.address(filter, by);
    match along {
        Along::Back(Begin::Sealed(seq)) => text.and("e.seq < ?", seq),
        Along::Back(_) => {}
        Along::On(seq) => text.and("e.seq > ?", seq),
    }
    text.end(if matches!(along, Along::On(_)) { " ORDER BY e.seq" } else { " ORDER BY e.seq DESC" }, limit);
    text.run(tx).await
}

pub(super) async fn list_sealed(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    begin: Begin,
    limit: i64,
) -> Result<Vec<Entry>> {
    sealed(tx, filter, Along::Back(begin), limit).await
}

pub(super) async fn list_unsealed(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    begin: Begin,
    limit: i64,
) -> Result<Vec<Entry>> {
    let mut text = Text::new(UNSEALED);
    text.filter(filter, By::Any);
    if let Some(pattern) = filter.detail_pattern() {
        text.and(UNSEALED_FROM, pattern);
    }
    match begin {
        Begin::AtTheEnd => {}
        Begin::Unsealed(seq) => text.and("e.seq < ?", seq),
        Begin::Sealed(_) => return Ok(Vec::new()),
    }
    text.end(" ORDER BY e.seq DESC", limit);
    text.run(tx).await
}

pub(super) async fn follow(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>> {
    sealed(tx, filter, Along::On(after), limit).await
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<Entry>> {
    for select in [UNSEALED, SEALED] {
        let text = Text { sql: format!("{select} WHERE e.id = $1"), values: args![id].to_vec() };
        if let Some(found) = text.run(tx).await?.pop() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
