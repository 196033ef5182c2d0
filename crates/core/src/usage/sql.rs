//! Statements on usage. Groups and conditions depend on what is asked, so reads are put together from the
//! constant parts below; values never enter the text.

use doorward_proto::time::Time;

use super::{
    Counts, Kind,
    meter::Batch,
    prices::sql as prices,
    query::{By, Filter, Group, Row as Found},
};
use crate::{
    args,
    db::{ReadTx, Row, Tx, Value},
    outcome::Result,
};

const TURN: &str = "INSERT INTO usage_writers (id, batch, written_at) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET batch = $2, written_at = $3 WHERE usage_writers.batch < $2";
const ADD: &str =
    "INSERT INTO usage_hours (org_id, hour, principal, client_id, agent_id, route, kind, status,
        requests, denied, request_bytes, response_bytes, micros)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (org_id, hour, principal, client_id, agent_id, route, kind, status) DO UPDATE SET
        requests = usage_hours.requests + excluded.requests,
        denied = usage_hours.denied + excluded.denied,
        request_bytes = usage_hours.request_bytes + excluded.request_bytes,
        response_bytes = usage_hours.response_bytes + excluded.response_bytes,
        micros = usage_hours.micros + excluded.micros";
// every org: what is too old goes everywhere.
const DROP_BEFORE: &str = "DELETE FROM usage_hours
    WHERE (org_id, hour, principal, client_id, agent_id, route, kind, status) IN (
        SELECT org_id, hour, principal, client_id, agent_id, route, kind, status
        FROM usage_hours WHERE hour < $1 ORDER BY hour LIMIT 500)";
const FORGET_WRITERS: &str = "DELETE FROM usage_writers WHERE id IN (
    SELECT id FROM usage_writers WHERE written_at < $1 ORDER BY written_at LIMIT 500)";

// part: sums and conditions follow
const SELECT: &str = "SELECT ";
// part: it is a list of columns
const SUMS: &str = ", CAST(SUM(requests) AS BIGINT), CAST(SUM(denied) AS BIGINT),
    CAST(SUM(request_bytes) AS BIGINT), CAST(SUM(response_bytes) AS BIGINT), CAST(SUM(micros) AS BIGINT)";
// part: of what; joins and conditions follow
const OF_ROWS: &str = " FROM usage_hours";
// part: it is the first of the conditions
const WHERE: &str = " WHERE hour >= $1 AND hour < $2 AND kind = $3";
/// Days are put together from hours, and hours along their index: only the hours are sorted, not the rows.
// part: conditions follow
const OF_HOURS: &str = " FROM (SELECT hour, SUM(requests) AS requests, SUM(denied) AS denied,
        SUM(request_bytes) AS request_bytes, SUM(response_bytes) AS response_bytes, SUM(micros) AS micros
    FROM usage_hours WHERE hour >= $1 AND hour < $2 AND kind = $3";
// part: a column, or what stands for it where nothing is put together by it
const NO_TEXT: &str = "CAST('' AS TEXT)";
// part: as above
const NO_NUMBER: &str = "CAST(0 AS BIGINT)";
// part: as above; hours are counted from 1970 on
const DAY: &str = "hour / 86400000000 * 86400000000";

/// Writes a batch; answers whether it was not written before.
pub(super) async fn write(tx: &mut Tx<'_>, batch: &Batch, now: Time) -> Result<bool> {
    if tx.exec(TURN, args![batch.writer, batch.number, now]).await? == 0 {
        return Ok(false);
    }
    let rows: Vec<Vec<Value<'_>>> = batch
        .rows
        .iter()
        .map(|(key, counts)| {
            vec![
                key.org.as_str().into(),
                key.hour.into(),
                key.principal.as_str().into(),
                key.client.as_str().into(),
                key.agent.as_str().into(),
                key.route.as_str().into(),
                key.kind.number().into(),
                i64::from(key.status).into(),
                counts.requests.into(),
                counts.denied.into(),
                counts.request_bytes.into(),
                counts.response_bytes.into(),
                counts.micros.into(),
            ]
        })
        .collect();
    tx.exec_each(ADD, &rows).await?;
    Ok(true)
}

pub(super) async fn forget_writers(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    tx.exec(FORGET_WRITERS, args![before]).await
}

pub(super) async fn drop_before(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    tx.exec(DROP_BEFORE, args![before]).await
}

/// The column of each place of a group, where it is put together by it.
fn columns(by: &[By]) -> [Option<&'static str>; 7] {
    let at = |one: By, column: &'static str| by.contains(&one).then_some(column);
    [
        at(By::Hour, "hour").or_else(|| at(By::Day, DAY)),
        at(By::Org, "org_id"),
        at(By::User, "principal"),
        at(By::Client, "client_id"),
        at(By::Agent, "agent_id"),
        at(By::Route, "route"),
        at(By::Status, "status"),
    ]
}

/// A statement in the making.
struct Text<'v> {
    sql: String,
    values: Vec<Value<'v>>,
}

impl<'v> Text<'v> {
    /// The number of a value.
    fn value(&mut self, value: impl Into<Value<'v>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn and(&mut self, column: &'static str, value: impl Into<Value<'v>>) {
        let place = self.value(value);
        self.sql.extend([" AND ", column, " = ", &place]);
    }

    /// Only groups behind this one.
    fn behind(&mut self, (grouped, columns): (&str, &[Option<&'static str>; 7]), after: &'v Group) {
        let names = [&after.org, &after.user, &after.client, &after.agent, &after.route];
        let values = std::iter::once(Value::from(after.at))
            .chain(names.into_iter().map(Value::from))
            .chain([Value::from(after.status)]);
        let used = columns.iter().zip(values).filter(|(column, _)| column.is_some());
        let places: Vec<String> = used.map(|(_, value)| self.value(value)).collect();
        self.sql.extend([" AND (", grouped, ") > (", &places.join(", "), ")"]);
    }
}

/// The groups behind one, in their order.
pub(super) async fn read(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    (by, after): (&[By], Option<&Group>),
    (limit, is_priced): (i64, bool),
) -> Result<Vec<Found>> {
    let columns = columns(by);
    let shown = columns.iter().enumerate().map(|(place, column)| {
        let nothing = if place == 0 || place == 6 { NO_NUMBER } else { NO_TEXT };
        column.unwrap_or(nothing)
    });
    let (cost, end, joins) = match filter.kind {
        _ if !is_priced => (prices::NO_COST, "", ""),
        Kind::Request => (prices::REQUESTS, prices::CLOSED, prices::OF_REQUESTS),
        Kind::SignIn => (prices::SIGN_INS, prices::CLOSED, prices::OF_SIGN_INS),
        Kind::Token => (prices::TOKENS, prices::CLOSED, prices::OF_TOKENS),
    };
    // What a row costs is known of the row only.
    let is_by_day = by == [By::Day] && !is_priced;
    let from = if is_by_day { [OF_HOURS, "", ""] } else { [OF_ROWS, joins, WHERE] };
    let shown = shown.collect::<Vec<_>>().join(", ");
    let sql = [SELECT, &shown, SUMS, cost, end].into_iter().chain(from).collect();
    let mut text = Text { sql, values: args![filter.from, filter.to, filter.kind.number()].to_vec() };
    for (column, value) in [
        ("org_id", &filter.org),
        ("principal", &filter.user),
        ("client_id", &filter.client),
        ("agent_id", &filter.agent),
        ("route", &filter.route),
    ] {
        if let Some(value) = value {
            text.and(column, value);
        }
    }
    if let Some(status) = filter.status {
        text.and("status", i64::from(status));
    }
    let grouped = columns.iter().copied().flatten().collect::<Vec<_>>().join(", ");
    if let Some(after) = after.filter(|_| !grouped.is_empty()) {
        text.behind((&grouped, &columns), after);
    }
    if is_by_day {
        text.sql.push_str(" GROUP BY hour) AS hours");
    }
    if grouped.is_empty() {
        text.sql.push_str(" HAVING COUNT(*) > 0");
    } else {
        text.sql.extend([" GROUP BY ", &grouped, " ORDER BY ", &grouped]);
    }
    let limit = text.value(limit);
    text.sql.extend([" LIMIT ", &limit]);
    tx.all_dynamic(&text.sql, &text.values, found).await
}

fn found(row: &Row<'_>) -> Result<Found> {
    let group = Group {
        at: row.int(0)?,
        org: row.text(1)?,
        user: row.text(2)?,
        client: row.text(3)?,
        agent: row.text(4)?,
        route: row.text(5)?,
        status: row.int(6)?,
    };
    let counts = Counts {
        requests: row.int(7)?,
        denied: row.int(8)?,
        request_bytes: row.int(9)?,
        response_bytes: row.int(10)?,
        micros: row.int(11)?,
    };
    Ok(Found { group, counts, cost: row.int(12)? })
}
