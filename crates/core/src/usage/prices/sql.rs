//! Statements of prices.

use doorward_proto::{
    id::{self, Id},
    time::Time,
};

use super::{Meter, OPEN, Price};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::{Error, Result},
    usage::Kind,
};

// scan: a thousand at the most
const ALL: &str = "SELECT id, meter, route_name, price_micros, valid_from, valid_until, created_at
    FROM prices ORDER BY meter, route_name, valid_from LIMIT $1";
const INSERT: &str =
    "INSERT INTO prices (id, meter, route_name, price_micros, valid_from, valid_until, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const END: &str = "UPDATE prices SET valid_until = $2 WHERE id = $1";
const DELETE: &str = "DELETE FROM prices WHERE id = $1";
const HAS_ONE: &str = "SELECT id FROM prices WHERE meter = $1 LIMIT 1";

// part: where nothing has a price
pub(in crate::usage) const NO_COST: &str = ", CAST(0 AS BIGINT)";
// part: the price of a thing for a row, by its route or else for every route
pub(in crate::usage) const REQUESTS: &str =
    ", CAST(SUM((requests - denied) * COALESCE(r0.price_micros, d0.price_micros, 0) * 1000
    + request_bytes / 1000000 * COALESCE(r3.price_micros, d3.price_micros, 0)
    + request_bytes % 1000000 * COALESCE(r3.price_micros, d3.price_micros, 0) / 1000000
    + response_bytes / 1000000 * COALESCE(r4.price_micros, d4.price_micros, 0)
    + response_bytes % 1000000 * COALESCE(r4.price_micros, d4.price_micros, 0) / 1000000";
// part: as above
pub(in crate::usage) const SIGN_INS: &str =
    ", CAST(SUM((requests - denied) * COALESCE(d1.price_micros, 0) * 1000";
// part: as above
pub(in crate::usage) const TOKENS: &str =
    ", CAST(SUM((requests - denied) * COALESCE(d2.price_micros, 0) * 1000";
// part: the end of a sum
pub(in crate::usage) const CLOSED: &str = ") AS BIGINT)";
// part: joins behind usage_hours; conditions follow
pub(in crate::usage) const OF_REQUESTS: &str =
    " LEFT JOIN prices r0 ON r0.meter = 0 AND r0.route_name = route AND hour >= r0.valid_from AND hour < r0.valid_until
    LEFT JOIN prices d0 ON d0.meter = 0 AND d0.route_name = '' AND hour >= d0.valid_from AND hour < d0.valid_until
    LEFT JOIN prices r3 ON r3.meter = 3 AND r3.route_name = route AND hour >= r3.valid_from AND hour < r3.valid_until
    LEFT JOIN prices d3 ON d3.meter = 3 AND d3.route_name = '' AND hour >= d3.valid_from AND hour < d3.valid_until
    LEFT JOIN prices r4 ON r4.meter = 4 AND r4.route_name = route AND hour >= r4.valid_from AND hour < r4.valid_until
    LEFT JOIN prices d4 ON d4.meter = 4 AND d4.route_name = '' AND hour >= d4.valid_from AND hour < d4.valid_until";
// part: as above
pub(in crate::usage) const OF_SIGN_INS: &str = " LEFT JOIN prices d1 ON d1.meter = 1 AND d1.route_name = '' AND hour >= d1.valid_from AND hour < d1.valid_until";
// part: as above
pub(in crate::usage) const OF_TOKENS: &str = " LEFT JOIN prices d2 ON d2.meter = 2 AND d2.route_name = '' AND hour >= d2.valid_from AND hour < d2.valid_until";

fn price(row: &Row<'_>) -> Result<Price> {
    let meter = row.int(1)?;
    let known = Meter::ALL.into_iter().find(|one| one.number() == meter);
    Ok(Price {
        id: row.id(0)?,
        meter: known.ok_or_else(|| Error::fault("a price is of an unknown thing"))?,
        route: row.text(2)?,
        micros: row.int(3)?,
        valid_from: row.time(4)?,
        valid_until: Some(row.time(5)?).filter(|end| *end != OPEN),
        created_at: row.time(6)?,
    })
}

/// In the order of what they are of, and of time.
pub(super) async fn all(tx: &mut ReadTx<'_>, most: i64) -> Result<Vec<Price>> {
    tx.all(ALL, args![most], price).await
}

pub(super) async fn insert(tx: &mut Tx<'_>, price: &Price) -> Result<()> {
    let end = price.valid_until.unwrap_or(OPEN);
    let meter = price.meter.number();
    let values = args![price.id, meter, &price.route, price.micros, price.valid_from, end, price.created_at];
    tx.exec(INSERT, values).await.map(|_| ())
}

pub(super) async fn end(tx: &mut Tx<'_>, id: Id<id::Price>, at: Time) -> Result<()> {
    tx.exec(END, args![id, at]).await.map(|_| ())
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: Id<id::Price>) -> Result<()> {
    tx.exec(DELETE, args![id]).await.map(|_| ())
}

/// Whether anything of this kind has a price.
pub(in crate::usage) async fn is_priced(tx: &mut ReadTx<'_>, kind: Kind) -> Result<bool> {
    for meter in Meter::ALL.into_iter().filter(|meter| meter.kind() == kind) {
        if tx.opt(HAS_ONE, args![meter.number()], |row| row.text(0)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
