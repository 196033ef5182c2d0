//! Statements that list events. Their conditions depend on the filter, so they are put together from
//! the constant parts below; values never enter the text.

use super::{Entry, Filter, outcome};
use crate::{
    args,
    audit::sql::outcome_number,
    db::{ReadTx, Row, Value},
    outcome::Result,
};

// part: conditions, an order by key and a limit follow
const SEALED: &str = "SELECT e.seq, e.id, e.at, e.code, e.outcome, e.org_id, e.actor, e.subject, e.client_id,
        e.request_id, e.facts, d.detail, d.erased_at
    FROM events e LEFT JOIN event_details d ON d.event_id = e.id";
// part: conditions, an order by key and a limit follow
const UNSEALED: &str =
    "SELECT CAST(NULL AS BIGINT), e.id, e.at, e.code, e.outcome, e.org_id, e.actor, e.subject, e.client_id,
        e.request_id, e.facts, e.detail, CAST(NULL AS BIGINT)
    FROM event_intake e";

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

    fn end(&mut self, order: &'static str, limit: i64) {
        self.values.push(limit.into());
        self.sql.push_str(order);
        self.sql.push_str(" LIMIT $");
        self.sql.push_str(&self.values.len().to_string());
    }

    fn filter(&mut self, filter: &'v Filter) {
        let (from, to) = filter.ids();
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
        if let (Some(since), Some(from)) = (filter.since, from) {
            self.and("e.id >= ?", from);
            self.and("e.at >= ?", since);
        }
        if let (Some(until), Some(to)) = (filter.until, to) {
            self.and("e.id < ?", to);
            self.and("e.at < ?", until);
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

async fn page(
    tx: &mut ReadTx<'_>,
    select: &str,
    filter: &Filter,
    (before, limit): (Option<&str>, i64),
) -> Result<Vec<Entry>> {
    let mut text = Text::new(select);
    text.filter(filter);
    if let Some(before) = before {
        text.and("e.id < ?", before);
    }
    text.end(" ORDER BY e.id DESC", limit);
    text.run(tx).await
}

pub(super) async fn list_sealed(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Entry>> {
    page(tx, SEALED, filter, (before, limit)).await
}

pub(super) async fn list_unsealed(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Entry>> {
    page(tx, UNSEALED, filter, (before, limit)).await
}

pub(super) async fn follow(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>> {
    let mut text = Text::new(SEALED);
    text.filter(filter);
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
