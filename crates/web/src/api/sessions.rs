//! Who is signed in: `/api/v1/sessions`.

use axum::extract::Path;
use doorward_core::{
    outcome::{Code, Refusal},
    sessions::{self, Session},
    users,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Listing, done, page, wrong},
    caller::Caller,
    endpoint::Endpoint,
    users::may_touch,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/sessions", list)
            .scope("admin:sessions:read")
            .lists::<SessionView>(&["user_id"])
            .says("Lists live sessions"),
        Endpoint::delete("/api/v1/sessions/{id}", end)
            .scope("admin:sessions:write")
            .says("Ends a session and the grants made in it"),
    ]
}

/// A signed-in session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionView {
    /// Its id, the `sid` of tokens.
    id: String,
    /// Who is signed in.
    user_id: String,
    /// The organisation it acts in.
    org_id: String,
    /// When the person proved who they are.
    #[schema(format = DateTime)]
    auth_time: String,
    /// How strong the proof was.
    acr: String,
    /// What was proven.
    amr: Vec<String>,
    /// From where it began.
    address: String,
    /// The browser, as it names itself.
    user_agent: Option<String>,
    /// When it began.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was used last, to the minute or so.
    #[schema(format = DateTime)]
    seen_at: String,
    /// When it ends, used or not.
    #[schema(format = DateTime)]
    expires_at: String,
}

pub(super) fn session_view(session: &Session) -> SessionView {
    SessionView {
        id: session.id.to_string(),
        user_id: session.user.to_string(),
        org_id: session.org.to_string(),
        auth_time: session.auth_time.to_string(),
        acr: session.acr.clone(),
        amr: session.amr.clone(),
        address: session.address.clone(),
        user_agent: session.user_agent.clone(),
        created_at: session.created_at.to_string(),
        seen_at: session.seen_at.to_string(),
        expires_at: session.expires_at.to_string(),
    }
}

async fn list(caller: Caller, mut listing: Listing) -> Answer {
    let user = listing.filter("user_id").map(|text| text.parse()).transpose();
    let user = user.map_err(|_| wrong("user_id", "This is not the id of a person"))?;
    let live = sessions::list_all(&caller.call, user, listing.ask()?).await?;
    page(&live, |one| Ok(session_view(&one.session)))
}

async fn end(caller: Caller, Path(id): Path<String>) -> Answer {
    let id = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    let whose = sessions::owner(&caller.call, id).await?;
    if let Some(user) = users::find(&caller.call, whose).await? {
        may_touch(&caller, &user)?;
    }
    sessions::end(&caller.call, Some(whose), id).await?;
    done()
}
