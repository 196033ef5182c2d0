//! Statements of the audit trail.

use doorward_proto::time::Time;

use super::{Event, Outcome};
use crate::{args, db::Tx, outcome::Result};

const INSERT: &str = "INSERT INTO event_intake
    (id, at, code, outcome, org_id, actor, subject, client_id, request_id, facts, detail)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const ERASE_WAITING: &str = "UPDATE event_intake SET detail = '{}' WHERE subject = $1 OR actor = $1";
const ERASE: &str = "UPDATE event_details SET detail = '{}', erased_at = $2
    WHERE subject = $1 AND erased_at IS NULL";
const INSERT_WHILE_CURRENT: &str = "INSERT INTO event_intake
    (id, at, code, outcome, org_id, actor, subject, client_id, request_id, facts, detail)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM principals
    WHERE id = $12 AND epoch = $13 AND status = 0";

const fn outcome_number(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Granted => 0,
        Outcome::Refused => 1,
    }
}

pub(super) async fn insert(tx: &mut Tx<'_>, event: &Event) -> Result<()> {
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
    tx.exec(INSERT, values).await?;
    Ok(())
}

pub(super) async fn insert_while_current(
    tx: &mut Tx<'_>,
    event: &Event,
    principal: &str,
    epoch: i64,
) -> Result<bool> {
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
        detail,
        principal,
        epoch
    ];
    Ok(tx.exec(INSERT_WHILE_CURRENT, values).await? == 1)
}

pub(super) async fn erase(tx: &mut Tx<'_>, subject: &str, now: Time) -> Result<()> {
    tx.exec(ERASE_WAITING, args![subject]).await?;
    tx.exec(ERASE, args![subject, now]).await?;
    Ok(())
}
