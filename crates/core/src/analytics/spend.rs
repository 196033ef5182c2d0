//! What was spent: usage of every kind by its prices, over time.

use std::collections::BTreeMap;

use doorward_proto::time::Time;

use super::{Range, Width};
use crate::{
    call::Call,
    orgs::OrgScope,
    outcome::Result,
    usage::{self, Ask, By, Filter, GREATEST_PAGE, Kind, prices},
};

/// What was spent in a range, in billionths of the currency unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spend {
    /// By the beginning of each hour or day; what is not here cost nothing.
    pub rows: BTreeMap<Time, i64>,
    /// What they come to: to the billionth what usage says of each kind.
    pub total: i64,
}

impl Spend {
    /// What was spent in the hour or day that begins then.
    pub fn at(&self, begin: Time) -> i64 {
        self.rows.get(&begin).copied().unwrap_or_default()
    }
}

/// What was spent in a range, on the whole server or by an organisation; none where nothing has a price.
///
/// # Errors
/// `RequestInvalid` for a range that is none, or too long.
pub async fn spend(call: &Call, range: Range, scope: Option<&OrgScope>) -> Result<Option<Spend>> {
    range.check()?;
    let prices = prices::list(call).await?;
    if prices.is_empty() {
        return Ok(None);
    }
    let mut spend = Spend::default();
    let by = match range.width {
        Width::Hour => By::Hour,
        Width::Day => By::Day,
    };
    for kind in Kind::ALL {
        if !prices.iter().any(|price| price.meter.kind() == kind) {
            continue;
        }
        let org = scope.map(|scope| scope.id().to_string());
        let filter = Filter { from: range.from, to: range.to, kind, org, ..Filter::default() };
        // A range has fewer hours or days than a page has rows.
        let ask = Ask { filter, by: vec![by], after: None, limit: GREATEST_PAGE };
        for row in usage::read(call, ask).await?.rows {
            let sum = spend.rows.entry(row.at()).or_default();
            *sum = sum.saturating_add(row.cost);
            spend.total = spend.total.saturating_add(row.cost);
        }
    }
    Ok(Some(spend))
}
