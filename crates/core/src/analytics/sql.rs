//! Statements of analytics.

use std::collections::{BTreeMap, BTreeSet};

use doorward_proto::time::Time;

use super::{Figure, Mark, Range, Tally, Width};
use crate::{
    args,
    db::{ReadTx, Row, Tx, Value},
    outcome::Result,
};

const ADD: &str = "INSERT INTO figure_hours (org_id, hour, kind, times) VALUES ($1, $2, $3, $4)
    ON CONFLICT (org_id, hour, kind) DO UPDATE SET times = figure_hours.times + excluded.times";
const MARK: &str = "INSERT INTO active_marks (org_id, begin_at, width, user_id) VALUES ($1, $2, $3, $4)
    ON CONFLICT (org_id, begin_at, width, user_id) DO NOTHING";
const SEEN: &str = "INSERT INTO active_users (org_id, user_id, last_hour) VALUES ($1, $2, $3)
    ON CONFLICT (org_id, user_id) DO UPDATE SET last_hour = excluded.last_hour
        WHERE active_users.last_hour < excluded.last_hour";
const BY_HOUR: &str = "SELECT hour, kind, times FROM figure_hours
    WHERE org_id = $1 AND hour >= $2 AND hour < $3 ORDER BY hour, kind";
// Hours are counted from 1970 on.
const BY_DAY: &str = "SELECT hour / 86400000000 * 86400000000 AS day, kind, CAST(SUM(times) AS BIGINT)
    FROM figure_hours WHERE org_id = $1 AND hour >= $2 AND hour < $3
    GROUP BY hour / 86400000000 * 86400000000, kind ORDER BY day, kind";
const PEOPLE: &str =
    "SELECT CAST(COUNT(*) AS BIGINT) FROM active_users WHERE org_id = $1 AND last_hour >= $2";
// every org: what is too old goes everywhere.
const DROP_HOURS: &str = "DELETE FROM figure_hours WHERE (org_id, hour, kind) IN (
    SELECT org_id, hour, kind FROM figure_hours WHERE hour < $1 ORDER BY hour LIMIT 500)";
// every org: as above.
const DROP_MARKS: &str = "DELETE FROM active_marks WHERE (org_id, begin_at, width, user_id) IN (
    SELECT org_id, begin_at, width, user_id FROM active_marks WHERE begin_at < $1 ORDER BY begin_at LIMIT 500)";
// every org: as above.
const DROP_SEEN: &str = "DELETE FROM active_users WHERE (org_id, user_id) IN (
    SELECT org_id, user_id FROM active_users WHERE last_hour < $1 ORDER BY last_hour LIMIT 500)";

const fn number(width: Width) -> i64 {
    match width {
        Width::Hour => 0,
        Width::Day => 1,
    }
}

/// Who was there first in an hour or day counts in it. Everybody writes in the same order: two nodes never
/// wait for each other.
pub(super) async fn write(tx: &mut Tx<'_>, tally: &Tally, not_before: Time) -> Result<()> {
    let mut sums = tally.sums.clone();
    let marks: Vec<&Mark> = tally.marks.iter().filter(|mark| mark.hour >= not_before).collect();
    for width in Width::ALL {
        let mut groups: BTreeMap<(&str, Time), BTreeSet<&str>> = BTreeMap::new();
        for mark in &marks {
            groups.entry((&mark.org, width.begin(mark.hour))).or_default().insert(&mark.user);
        }
        for ((org, begin), users) in groups {
            let rows: Vec<Vec<Value<'_>>> =
                users.iter().map(|user| args![org, begin, number(width), *user].to_vec()).collect();
            let new = i64::try_from(tx.exec_each(MARK, &rows).await?)?;
            if new > 0 {
                *sums.entry((org.to_owned(), begin, Figure::ActiveUsers.number(width))).or_default() += new;
            }
        }
    }
    let mut last: BTreeMap<(&str, &str), Time> = BTreeMap::new();
    for mark in marks {
        let hour = last.entry((&mark.org, &mark.user)).or_insert(mark.hour);
        *hour = mark.hour.max(*hour);
    }
    let rows: Vec<Vec<Value<'_>>> =
        last.into_iter().map(|((org, user), hour)| args![org, user, hour].to_vec()).collect();
    tx.exec_each(SEEN, &rows).await?;
    let rows: Vec<Vec<Value<'_>>> = sums
        .iter()
        .map(|((org, hour, kind), times)| args![org.as_str(), *hour, *kind, *times].to_vec())
        .collect();
    tx.exec_each(ADD, &rows).await.map(|_| ())
}

fn found(row: &Row<'_>) -> Result<(Time, i64, i64)> {
    Ok((row.time(0)?, row.int(1)?, row.int(2)?))
}

/// Each hour or day with what happened in it, in their order.
pub(super) async fn read(tx: &mut ReadTx<'_>, org: &str, range: &Range) -> Result<Vec<(Time, i64, i64)>> {
    let text = match range.width {
        Width::Hour => BY_HOUR,
        Width::Day => BY_DAY,
    };
    tx.all(text, args![org, range.from, range.to], found).await
}

/// Who was there in this hour or later.
pub(super) async fn people(tx: &mut ReadTx<'_>, org: &str, from: Time) -> Result<i64> {
    Ok(tx.opt(PEOPLE, args![org, from], |row| row.int(0)).await?.unwrap_or_default())
}

pub(super) async fn drop_before(tx: &mut Tx<'_>, before: Time, marks_before: Time) -> Result<u64> {
    let hours = tx.exec(DROP_HOURS, args![before]).await?;
    let marks = tx.exec(DROP_MARKS, args![marks_before]).await?;
    Ok(hours.max(marks).max(tx.exec(DROP_SEEN, args![before]).await?))
}
