//! Statements of the audit trail.

use std::borrow::Cow;

use doorward_proto::time::Time;
use serde::Deserialize;

use super::{
    Event, Outcome,
    chain::{Body, Checkpoint, Hash},
};
use crate::{
    args,
    db::{ReadTx, Row, Tx, Value},
    outcome::Result,
};

const INSERT: &str = "INSERT INTO event_intake
    (id, at, code, outcome, org_id, actor, subject, client_id, request_id, facts, detail)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
/// The gate of an issuance that leaves nothing else behind.
const INSERT_UNDER: &str = "INSERT INTO event_intake
    (id, at, code, outcome, org_id, actor, subject, client_id, request_id, facts, detail)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
    FROM principals WHERE principals.id = $12 AND principals.epoch = $13 AND principals.status = 0";
const WAITING: &str = "SELECT seq FROM event_intake ORDER BY seq LIMIT 1";
// scan: takes the first in the order of the key
const TAKE: &str = "DELETE FROM event_intake
    WHERE seq IN (SELECT i.seq FROM event_intake i ORDER BY i.seq LIMIT $1)
    RETURNING seq, id, at, code, outcome, org_id, actor, subject, client_id, request_id, facts, detail";
const INSERT_SEALED: &str = "INSERT INTO events
    (seq, id, month, at, code, outcome, org_id, actor, subject, client_id, request_id, facts, detail_hash, link)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const INSERT_DETAIL: &str =
    "INSERT INTO event_details (seq, month, salt, detail, address) VALUES ($1, $2, $3, $4, $5)";
const LAST: &str = "SELECT seq, link, month FROM events ORDER BY seq DESC LIMIT 1";
const LINK_AT: &str = "SELECT seq, link, month FROM events WHERE seq = $1";
const FIRST: &str = "SELECT seq, link, month FROM events ORDER BY seq LIMIT 1";
// scan: over what retention is about to drop
const FIRST_SEQ_IN: &str = "SELECT seq FROM events WHERE month >= $1 ORDER BY seq LIMIT 1";
const INSERT_CHECKPOINT: &str = "INSERT INTO event_checkpoints (seq, at, link, key_id, signature, reason)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (seq) DO UPDATE SET at = excluded.at, link = excluded.link, key_id = excluded.key_id,
        signature = excluded.signature, reason = excluded.reason
        WHERE event_checkpoints.reason = 'minute' OR excluded.reason = 'retention'";
const LAST_CHECKPOINT: &str = "SELECT seq, at, link, key_id, signature, reason
    FROM event_checkpoints ORDER BY seq DESC LIMIT 1";
// scan: one by the minute or month, and looked for when the master key changes
const LAST_CUT: &str = "SELECT MAX(seq) FROM event_checkpoints WHERE reason = 'retention'";
const CHECKPOINTS: &str = "SELECT seq, at, link, key_id, signature, reason
    FROM event_checkpoints WHERE seq > $1 ORDER BY seq LIMIT $2";
// The number is asked of both, or PostgreSQL may read every detail from the first one on.
const CHAIN: &str = "SELECT events.seq, events.id, events.at, events.code, events.outcome, events.org_id,
        events.actor, events.subject, events.client_id, events.request_id, events.facts,
        events.detail_hash, events.link, event_details.salt, event_details.detail, event_details.erased_at
    FROM events LEFT JOIN event_details ON event_details.seq = events.seq
        AND event_details.month = events.month AND event_details.seq > $1
    WHERE events.seq > $1 ORDER BY events.seq LIMIT $2";
// scan: the intake holds the events of the last second
const UNSEALED: &str = "SELECT CAST(COUNT(*) AS BIGINT), MIN(id) FROM event_intake";
// scan: the intake holds the events of the last second
const ERASE_UNSEALED: &str = "UPDATE event_intake SET detail = '{}' WHERE actor = $1 OR subject = $1";
const ERASE: &str = "UPDATE event_details SET detail = '', salt = $2, erased_at = $3, address = NULL
    WHERE erased_at IS NULL AND seq IN (
        SELECT seq FROM events WHERE actor = $1 UNION SELECT seq FROM events WHERE subject = $1)";
const DROP_DETAILS: &str = "DELETE FROM event_details WHERE seq <= $1";
const DROP_EVENTS: &str = "DELETE FROM events WHERE seq <= $1";
const DROP_CHECKPOINTS: &str = "DELETE FROM event_checkpoints WHERE seq < $1";

pub(super) fn outcome_number(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Granted => 0,
        Outcome::Refused => 1,
    }
}

fn values(event: &Event) -> Result<Vec<Value<'_>>> {
    let (facts, detail) = (serde_json::to_string(&event.facts)?, serde_json::to_string(&event.detail)?);
    let values = args![
        event.id,
        event.at,
        event.code,
        outcome_number(event.outcome),
        &event.org,
        &event.actor,
        &event.subject,
        &event.client,
        &event.request_id,
        facts,
        detail
    ];
    Ok(values.to_vec())
}

pub(super) async fn insert(tx: &mut Tx<'_>, event: &Event) -> Result<()> {
    tx.exec(INSERT, &values(event)?).await.map(|_| ())
}

pub(super) async fn insert_under(
    tx: &mut Tx<'_>,
    event: &Event,
    principal: &str,
    epoch: i64,
) -> Result<bool> {
    let mut values = values(event)?;
    values.extend_from_slice(args![principal, epoch]);
    Ok(tx.exec(INSERT_UNDER, &values).await? == 1)
}

pub(super) async fn is_waiting(tx: &mut ReadTx<'_>) -> Result<bool> {
    Ok(tx.opt(WAITING, &[], |row| row.int(0)).await?.is_some())
}

/// Takes the events that arrived first out of the intake, with their personal details.
pub(super) async fn take(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<(Body, String)>> {
    let mut taken =
        tx.all(TAKE, args![limit], |row| Ok((row.int(0)?, (body(row, 1)?, row.text(11)?)))).await?;
    taken.sort_unstable_by_key(|(seq, _)| *seq);
    Ok(taken.into_iter().map(|(_, event)| event).collect())
}

fn body(row: &Row<'_>, from: usize) -> Result<Body> {
    Ok(Body {
        id: row.text(from)?,
        at: row.time(from + 1)?,
        code: row.text(from + 2)?,
        outcome: row.int(from + 3)?,
        org: row.text(from + 4)?,
        actor: row.text(from + 5)?,
        subject: row.text(from + 6)?,
        client: row.text(from + 7)?,
        request_id: row.text(from + 8)?,
        facts: row.text(from + 9)?,
    })
}

/// What the personal detail says of where an event came from.
#[derive(Deserialize)]
struct Whence<'d> {
    #[serde(borrow)]
    address: Option<Cow<'d, str>>,
}

/// An event with its place in the chain.
pub(super) struct Linked {
    pub(super) seq: i64,
    pub(super) month: i64,
    pub(super) body: Body,
    pub(super) detail_hash: Hash,
    pub(super) link: Hash,
    pub(super) salt: [u8; 16],
    pub(super) detail: String,
}

pub(super) async fn insert_sealed(tx: &mut Tx<'_>, events: &[Linked]) -> Result<()> {
    let rows: Vec<Vec<Value<'_>>> = events
        .iter()
        .map(|event| {
            let body = &event.body;
            args![
                event.seq,
                &body.id,
                event.month,
                body.at,
                &body.code,
                body.outcome,
                &body.org,
                &body.actor,
                &body.subject,
                &body.client,
                &body.request_id,
                &body.facts,
                event.detail_hash.as_slice(),
                event.link.as_slice()
            ]
            .to_vec()
        })
        .collect();
    tx.exec_each(INSERT_SEALED, &rows).await?;
    let mut details: Vec<Vec<Value<'_>>> = Vec::with_capacity(events.len());
    for event in events {
        let Whence { address } = serde_json::from_str(&event.detail)?;
        details.push(
            args![event.seq, event.month, event.salt.as_slice(), &event.detail, address.map(Cow::into_owned)]
                .to_vec(),
        );
    }
    tx.exec_each(INSERT_DETAIL, &details).await.map(|_| ())
}

/// An end of the chain.
pub(super) struct Tip {
    pub(super) seq: i64,
    pub(super) link: Vec<u8>,
    pub(super) month: i64,
}

fn tip(row: &Row<'_>) -> Result<Tip> {
    Ok(Tip { seq: row.int(0)?, link: row.bytes(1)?, month: row.int(2)? })
}

pub(super) async fn last(tx: &mut ReadTx<'_>) -> Result<Option<Tip>> {
    tx.opt(LAST, &[], tip).await
}

pub(super) async fn link_at(tx: &mut ReadTx<'_>, seq: i64) -> Result<Option<Tip>> {
    tx.opt(LINK_AT, args![seq], tip).await
}

pub(super) async fn first(tx: &mut ReadTx<'_>) -> Result<Option<Tip>> {
    tx.opt(FIRST, &[], tip).await
}

/// The first event of this month or a later one.
pub(super) async fn first_seq_in(tx: &mut ReadTx<'_>, month: i64) -> Result<Option<i64>> {
    tx.opt(FIRST_SEQ_IN, args![month], |row| row.int(0)).await
}

/// One by the minute makes room for one that marks a month, and every one for a cut.
pub(super) async fn insert_checkpoint(tx: &mut Tx<'_>, point: &Checkpoint) -> Result<()> {
    let values = args![point.seq, point.at, &point.link, &point.key_id, &point.signature, &point.reason];
    tx.exec(INSERT_CHECKPOINT, values).await.map(|_| ())
}

fn checkpoint(row: &Row<'_>) -> Result<Checkpoint> {
    Ok(Checkpoint {
        seq: row.int(0)?,
        at: row.time(1)?,
        link: row.bytes(2)?,
        key_id: row.text(3)?,
        signature: row.bytes(4)?,
        reason: row.text(5)?,
    })
}

pub(super) async fn last_checkpoint(tx: &mut ReadTx<'_>) -> Result<Option<Checkpoint>> {
    tx.opt(LAST_CHECKPOINT, &[], checkpoint).await
}

pub(super) async fn last_cut(tx: &mut ReadTx<'_>) -> Result<Option<i64>> {
    Ok(tx.opt(LAST_CUT, &[], |row| row.opt_int(0)).await?.flatten())
}

pub(super) async fn checkpoints(tx: &mut ReadTx<'_>, after: i64, limit: i64) -> Result<Vec<Checkpoint>> {
    tx.all(CHECKPOINTS, args![after, limit], checkpoint).await
}

/// A stored event as it stands, however it came to stand so.
pub(super) struct Stored {
    pub(super) seq: i64,
    pub(super) body: Body,
    pub(super) detail_hash: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) salt: Option<Vec<u8>>,
    pub(super) detail: Option<String>,
    pub(super) erased_at: Option<Time>,
}

pub(super) async fn chain(tx: &mut ReadTx<'_>, after: i64, limit: i64) -> Result<Vec<Stored>> {
    tx.all(CHAIN, args![after, limit], |row| {
        Ok(Stored {
            seq: row.int(0)?,
            body: body(row, 1)?,
            detail_hash: row.bytes(11)?,
            link: row.bytes(12)?,
            salt: row.opt_bytes(13)?,
            detail: row.opt_text(14)?,
            erased_at: row.opt_time(15)?,
        })
    })
    .await
}

/// How many events are not in the chain yet, and the oldest of them.
pub(super) async fn unsealed(tx: &mut ReadTx<'_>) -> Result<(i64, Option<String>)> {
    let found = tx.opt(UNSEALED, &[], |row| Ok((row.int(0)?, row.opt_text(1)?))).await?;
    Ok(found.unwrap_or_default())
}

/// First where the sealer may be at work: it is waited for, and then its rows are seen.
pub(super) async fn erase(tx: &mut Tx<'_>, who: &str, now: Time) -> Result<()> {
    tx.exec(ERASE_UNSEALED, args![who]).await?;
    let no_salt: &[u8] = &[];
    tx.exec(ERASE, args![who, no_salt, now]).await.map(|_| ())
}

pub(super) async fn drop_through(tx: &mut Tx<'_>, seq: i64) -> Result<()> {
    tx.exec(DROP_DETAILS, args![seq]).await?;
    tx.exec(DROP_EVENTS, args![seq]).await.map(|_| ())
}

pub(super) async fn drop_checkpoints_before(tx: &mut Tx<'_>, seq: i64) -> Result<u64> {
    tx.exec(DROP_CHECKPOINTS, args![seq]).await
}
