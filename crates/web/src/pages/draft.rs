//! The authorization in progress, as pages see it: who asked, for what, and where the answer will go.

use doorward_core::{
    authorize::{self, Found, View},
    branding::{self, Wearer},
    outcome::{Code, Result},
    sessions::Account,
};
use doorward_proto::id::{Draft, Id, Session};
use url::Url;

use super::{frame::Asker, visit::Visit};
use crate::headers::Policy;

/// Reads the authorization that the visit carries. From then on the visit's pages name who asked, speak
/// the language that was asked for, and may end at the application's redirect URI, which is proven.
///
/// # Errors
/// `DraftUnknown`.
pub async fn read(visit: &mut Visit) -> Result<()> {
    let Some(draft) = visit.carry.draft() else {
        if let Some(client_id) = visit.carry.client_id() {
            visit.brand = branding::brand_of_client(&visit.call, client_id).await?;
        }
        return Ok(());
    };
    let view = authorize::view(&visit.call, draft).await?;
    visit.speak(&view.ui_locales.join(" "));
    visit.policy = policy(&view);
    visit.brand = branding::brand(&visit.call, Wearer::Client(view.client)).await?;
    visit.call.asked_by = Some(view.client);
    visit.asked = Some(view);
    Ok(())
}

fn policy(view: &View) -> Policy {
    Url::parse(&view.redirect_uri).map_or_else(|_| Policy::new(), |uri| Policy::new().form_may_end_at(&uri))
}

/// Who asked. A logo lives on another host, which no page of ours loads from; its letter stands for it.
pub fn asker(view: &View) -> Asker {
    Asker { name: view.client_name.clone(), logo: None, publisher: view.publisher.clone() }
}

/// Notes in the authorization in progress that the person has just signed in. One that is too old says so
/// when the browser comes back to it.
pub async fn note_signed_in(visit: &Visit, draft: Option<Id<Draft>>, session: Id<Session>) -> Result<()> {
    let Some(draft) = draft else { return Ok(()) };
    match authorize::signed_in(&visit.call, draft, session).await {
        Err(error) if error.code() == Some(Code::DraftUnknown) => Ok(()),
        other => other,
    }
}

/// The account that the authorization is about, as far as it is settled: the same that it will be decided
/// for.
pub fn account<'v>(visit: &'v Visit, view: &View) -> Option<&'v Account> {
    match view.whom.find(visit.signed.as_ref()?) {
        Found::Account(account) => Some(account),
        Found::Missing | Found::Several => None,
    }
}
