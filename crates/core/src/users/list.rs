//! Finding people among many.

use super::{User, sql};
use crate::{
    call::Call,
    outcome::Result,
    page::{Page, PageAsk, prefix_range},
};

/// A page of people in the order of their making; `query` is the beginning of a mail address, a user
/// name or a name, or an id.
pub async fn list(call: &Call, ask: PageAsk) -> Result<Page<User>> {
    let rows = call
        .realm
        .db
        .scan("users.list", ask.clone(), |tx, ask| {
            Box::pin(async move {
                let after = ask.after.as_deref().unwrap_or_default();
                match ask.folded_query() {
                    Some(query) => {
                        let (from, to) = prefix_range(&query);
                        sql::search(tx, after, ask.rows(), (&from, &to)).await
                    }
                    None => sql::list(tx, after, ask.rows()).await,
                }
            })
        })
        .await?;
    Ok(ask.page(rows, |user| user.id.to_string()))
}
