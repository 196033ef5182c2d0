//! Finding people among many.

use super::{Email, PlatformRole, User, sql};
use crate::{
    call::Call,
    db::ReadTx,
    outcome::{Code, Refusal, Result},
    page::{Page, PageAsk, prefix_range},
    principals::Status,
};

/// Which people, and which page of them.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Which page; the query is the beginning of a mail address, a user name or a name, or an id.
    pub page: PageAsk,
    /// Only those of this status.
    pub status: Option<Status>,
    /// Only who may do this to the platform.
    pub platform_role: Option<PlatformRole>,
    /// Only who has this mail address; not beside a query.
    pub email: Option<Email>,
}

impl From<PageAsk> for ListAsk {
    fn from(page: PageAsk) -> Self {
        Self { page, ..Self::default() }
    }
}

/// A page of people in the order of their making, without those whose accounts were deleted.
///
/// # Errors
/// `RequestInvalid` for a mail address beside a query.
pub async fn list(call: &Call, ask: impl Into<ListAsk>) -> Result<Page<User>> {
    let ask = ask.into();
    if ask.email.is_some() && ask.page.folded_query().is_some() {
        return Err(Refusal::new(Code::RequestInvalid).field("email").hint("Either email or query").into());
    }
    let rows = call
        .realm
        .db
        .scan("users.list", ask.clone(), |tx, ask| Box::pin(async move { find(tx, ask).await }))
        .await?;
    Ok(ask.page.page(rows, |user| user.id.to_string()))
}

async fn find(tx: &mut ReadTx<'_>, ask: &ListAsk) -> Result<Vec<User>> {
    let filter = sql::Filter {
        after: ask.page.after.as_deref().unwrap_or_default(),
        rows: ask.page.rows(),
        status: ask.status,
        platform_role: ask.platform_role,
        range: None,
    };
    if let Some(email) = &ask.email {
        let Some(owner) = sql::owner_of_email(tx, email.folded()).await? else { return Ok(Vec::new()) };
        let owner = owner.to_string();
        let filter = sql::Filter { range: Some((&owner, &owner)), ..filter };
        let found = sql::list(tx, &filter).await?;
        return Ok(found.into_iter().filter(|user| user.id.to_string() == owner).collect());
    }
    let range = ask.page.folded_query().map(|query| prefix_range(&query));
    let range = range.as_ref().map(|(from, to)| (from.as_str(), to.as_str()));
    sql::list(tx, &sql::Filter { range, ..filter }).await
}
