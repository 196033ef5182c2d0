//! `/api/admin/service-tokens`: the same service tokens in the words of Orcheo, for its own command line.
//!
//! `identifier` is the name, which stays when the token is rotated; a version that has been replaced is
//! listed under its id. Unlike there, an unknown member is refused: a misspelt expiry would make a token
//! that never ends.

use axum::extract::Path;
use doorward_core::{
    outcome::Code,
    page::PageAsk,
    service_tokens::{Key, ListAsk, NewToken, RotateAsk, Token, create, find, list, revoke, rotate},
};
use doorward_proto::time::Time;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, created, done, found},
    body::Input,
    caller::Caller,
    endpoint::Endpoint,
    service_tokens::{READ, WRITE},
};

const PATH: &str = "/api/admin/service-tokens";
/// Tokens read at once.
const PAGE: u32 = 500;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(PATH, all)
            .scope(READ)
            .answers::<OrcheoTokens>()
            .says("Lists service tokens, for Orcheo's command line"),
        Endpoint::post(PATH, make)
            .scope(WRITE)
            .takes::<OrcheoCreate>()
            .status(StatusCode::CREATED)
            .answers::<OrcheoToken>()
            .confirmed()
            .says("Makes a service token, for Orcheo's command line"),
        Endpoint::get("/api/admin/service-tokens/{id}", show)
            .scope(READ)
            .answers::<OrcheoToken>()
            .says("Shows a service token, for Orcheo's command line"),
        Endpoint::post("/api/admin/service-tokens/{id}/rotate", replace)
            .scope(WRITE)
            .takes::<OrcheoRotate>()
            .answers::<OrcheoToken>()
            .confirmed()
            .says("Rotates a service token, for Orcheo's command line"),
        Endpoint::delete("/api/admin/service-tokens/{id}", end)
            .scope(WRITE)
            .takes::<OrcheoRevoke>()
            .says("Revokes a service token, for Orcheo's command line"),
    ]
}

/// A service token to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct OrcheoCreate {
    /// The name; a random one unless set.
    #[serde(alias = "name")]
    identifier: Option<String>,
    /// What it may do.
    scopes: Vec<String>,
    /// Where.
    workspace_ids: Vec<String>,
    /// How long it lives, 60 at least; for ever unless set.
    expires_in_seconds: Option<u64>,
}

/// How it is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct OrcheoRotate {
    /// How long the old secret goes on working; 300 unless set, 0 ends it at once.
    overlap_seconds: Option<u64>,
    /// How long the new version lives; as long as the old one unless set.
    expires_in_seconds: Option<u64>,
    /// Scopes to add.
    scopes: Vec<String>,
}

/// Why it is revoked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrcheoRevoke {
    /// The reason.
    reason: String,
}

/// A service token.
#[derive(Debug, Serialize, ToSchema)]
struct OrcheoToken {
    /// The name, or the id of a version that has been replaced.
    identifier: String,
    /// Told once.
    secret: Option<String>,
    /// What it may do.
    scopes: Vec<String>,
    /// Where.
    workspace_ids: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    issued_at: String,
    /// When it works no more.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it was last used.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// How often it was used.
    use_count: i64,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// Why.
    revocation_reason: Option<String>,
    /// The version that replaced it.
    rotated_to: Option<String>,
    /// What else should be known.
    message: Option<String>,
}

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
struct OrcheoTokens {
    /// Every version.
    tokens: Vec<OrcheoToken>,
    /// How many.
    total: usize,
}

fn sorted<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut texts: Vec<String> = texts.map(str::to_owned).collect();
    texts.sort_unstable();
    texts
}

fn view(token: &Token, told: Option<(&str, String)>) -> OrcheoToken {
    let text = |time: Option<Time>| time.map(|time| time.to_string());
    let (secret, message) = told.map(|(secret, message)| (secret.to_owned(), message)).unzip();
    let revocation = token.revocation.as_ref();
    OrcheoToken {
        identifier: if token.rotated_to.is_some() { token.id.to_string() } else { token.name.clone() },
        secret,
        scopes: sorted(token.scopes.iter()),
        workspace_ids: sorted(token.workspace_ids.iter().map(String::as_str)),
        issued_at: token.issued_at.to_string(),
        expires_at: text(token.end()),
        last_used_at: text(token.last_used_at),
        use_count: token.use_count,
        revoked_at: text(revocation.map(|revocation| revocation.at)),
        revocation_reason: revocation.map(|revocation| revocation.reason.clone()),
        rotated_to: token.rotated_to.clone(),
        message,
    }
}

async fn all(caller: Caller) -> Answer {
    let (mut tokens, mut after) = (Vec::new(), None);
    loop {
        let page = PageAsk { after, limit: PAGE, query: None };
        let found = list(&caller.call, ListAsk { page, ..ListAsk::default() }).await?;
        tokens.extend(found.items.iter().map(|token| view(token, None)));
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    let total = tokens.len();
    found(&OrcheoTokens { tokens, total })
}

async fn make(caller: Caller, Input(body): Input<OrcheoCreate>) -> Answer {
    let new = NewToken {
        name: body.identifier,
        scopes: body.scopes,
        workspace_ids: body.workspace_ids,
        expires_in: body.expires_in_seconds,
        ..NewToken::default()
    };
    let made = create(&caller.call, new, &caller.rights()).await?;
    let message = "Keep the secret in a safe place: it is not shown again.".to_owned();
    let location = format!("{PATH}/{}", made.token.name);
    created(&location, &view(&made.token, Some((made.secret.expose(), message))), None)
}

fn key(caller: &Caller, name: &str) -> Key {
    Key::read(&caller.call, name, None)
}

async fn show(caller: Caller, Path(name): Path<String>) -> Answer {
    found(&view(&find(&caller.call, key(&caller, &name)).await?, None))
}

async fn replace(caller: Caller, Path(name): Path<String>, Input(body): Input<OrcheoRotate>) -> Answer {
    let token = find(&caller.call, key(&caller, &name)).await?;
    let overlap = body.overlap_seconds.unwrap_or(RotateAsk::default().overlap);
    let ask = RotateAsk { overlap, expires_in: body.expires_in_seconds, scopes: body.scopes };
    let made = rotate(&caller.call, Key::Version(token.id), ask, caller.rights()).await?;
    let message = match overlap {
        0 => "The old secret works no more.".to_owned(),
        seconds => format!("The old secret works for {seconds} s more."),
    };
    found(&view(&made.token, Some((made.secret.expose(), message))))
}

/// Revoking twice is no mistake there; the first reason stays.
async fn end(caller: Caller, Path(name): Path<String>, Input(body): Input<OrcheoRevoke>) -> Answer {
    match revoke(&caller.call, key(&caller, &name), body.reason, caller.rights()).await {
        Err(error) if error.code() == Some(Code::TokenEnded) => done(),
        Err(error) => Err(error.into()),
        Ok(_) => done(),
    }
}
