//! Lists of service tokens: every version in every state, narrowed down.

mod sql;

use doorward_proto::{
    id::{Id, Org},
    time::Time,
};

use super::{State, Token};
use crate::{
    call::Call,
    db::ReadTx,
    outcome::Result,
    page::{Page, PageAsk},
};

/// Which tokens are listed.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Which page; the query is a prefix of the folded name, or an id.
    pub page: PageAsk,
    /// Only those of one organisation.
    pub org: Option<Id<Org>>,
    /// Only the versions of this name.
    pub name: Option<String>,
    /// Only those of this owner.
    pub owner: Option<String>,
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those that are accepted now.
    pub works: bool,
    /// Only those that nobody has reviewed since.
    pub reviewed_until: Option<Time>,
}

/// How many of an organisation's are accepted now.
pub(super) async fn count(tx: &mut ReadTx<'_>, org: Id<Org>, now: Time) -> Result<usize> {
    sql::count(tx, org, now).await
}

/// A page of versions, by id: in the order in which they were made.
pub async fn list(call: &Call, ask: ListAsk) -> Result<Page<Token>> {
    call.realm
        .db
        .read("service_tokens.list", (ask, call.now), |tx, (ask, now)| {
            Box::pin(async move {
                let rows = sql::list(tx, ask, *now).await?;
                Ok(ask.page.page(rows, |token| token.id.to_string()))
            })
        })
        .await
}
