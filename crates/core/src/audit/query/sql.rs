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
const SEALED_SEQ: &str = "SELECT seq FROM events WHERE id >= $1 ORDER BY id LIMIT 1";

const SEALED_AT: &str = "EXISTS (SELECT 1 FROM event_details d
    WHERE d.seq = e.seq AND d.month = e.month AND d.erased_at IS NULL AND d.detail LIKE ?)";
const UNSEALED_AT: &str = "e.detail LIKE ?";

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

    /// Adds where it came from, by the condition of the table.
    fn address(&mut self, condition: &'static str, filter: &Filter) {
        if let Some(pattern) = filter.detail_pattern() {
            self.and(condition, pattern);
        }
    }

    fn end(&mut self, order: &'static str, limit: i64) {
        self.values.push(limit.into());
        self.sql.push_str(order);
        self.sql.push_str(" LIMIT $");
        self.sql.push_str(&self.values.len().to_string());
    }

    fn filter(&mut self, filter: &'v Filter) {
        let texts = [
            ("e.actor = ?", &filter.actor),
            ("e.subject = ?", &filter.subject),
            ("e.client_id = ?", &filter.client),
            ("e.org_id = ?", &filter.org),
            ("e.request_id = ?", &filter.request_id),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                self.and(condition, value);
            }
        }
        match &filter.code {
            // Not by order, which depends on PostgreSQL's collation.
            Some(prefix) if prefix.ends_with('.') => self.and("substr(e.code, 1, length(?)) = ?", prefix),
            Some(code) => self.and("e.code = ?", code),
            None => {}
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

pub(super) async fn list_sealed(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    begin: Begin,
    limit: i64,
) -> Result<Vec<Entry>> {
    let mut text = Text::new(SEALED);
    text.filter(filter);
    text.part(filter);
    text.address(SEALED_AT, filter);
    if let Begin::Sealed(seq) = begin {
        text.and("e.seq < ?", seq);
    }
    text.end(" ORDER BY e.seq DESC", limit);
    text.run(tx).await
}

pub(super) async fn list_unsealed(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    begin: Begin,
    limit: i64,
) -> Result<Vec<Entry>> {
    let mut text = Text::new(UNSEALED);
    text.filter(filter);
    text.address(UNSEALED_AT, filter);
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
    let mut text = Text::new(SEALED);
    text.filter(filter);
    text.part(filter);
    text.address(SEALED_AT, filter);
    text.and("e.seq > ?", after);
    text.end(" ORDER BY e.seq", limit);
    text.run(tx).await
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
