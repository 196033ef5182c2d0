//! Service tokens: `/api/v1/service-tokens`. A name stands for its newest version, an id for one version.

use axum::extract::Path;
use doorward_core::{
    addresses,
    outcome::{Code, Refusal, Result},
    service_tokens::{
        Key, ListAsk, NewToken, Notes, RotateAsk, State, Token, Whose, create, find, list, rate, review,
        review_due, revoke, revoke_all, rotate, update,
    },
};
use doorward_proto::id::{Id, Org};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, Listing, TRIES, created, found, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::Caller,
    endpoint::Endpoint,
};

pub(super) const READ: &str = "admin:tokens:read";
pub(super) const WRITE: &str = "admin:tokens:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/service-tokens", all)
            .scope(READ)
            .lists::<TokenView>(&["org_id", "name", "owner", "status", "active", "review_due"])
            .says("Lists service tokens, every version in every state"),
        Endpoint::post("/api/v1/service-tokens", make)
            .scope(WRITE)
            .takes::<TokenBody>()
            .status(StatusCode::CREATED)
            .answers::<TokenView>()
            .confirmed()
            .says("Makes a service token; the secret is told this once"),
        Endpoint::get("/api/v1/service-tokens/{id}", show)
            .scope(READ)
            .answers::<TokenView>()
            .says("Shows a service token: by name its newest version, by id that version"),
        Endpoint::patch("/api/v1/service-tokens/{id}", change)
            .scope(WRITE)
            .takes::<NotesBody>()
            .answers::<TokenView>()
            .says("Changes what is noted of a service token, and from where it may be used"),
        Endpoint::post("/api/v1/service-tokens/{id}/rotate", replace)
            .scope(WRITE)
            .guarded()
            .takes::<RotateBody>()
            .answers::<TokenView>()
            .confirmed()
            .says("Makes the next version with a new secret; the present one ends after the overlap"),
        Endpoint::post("/api/v1/service-tokens/{id}/revoke", end)
            .scope(WRITE)
            .guarded()
            .takes::<RevokeBody>()
            .answers::<TokenView>()
            .says("Revokes a service token at once: by name every version, by id that version"),
        Endpoint::post("/api/v1/service-tokens/{id}/review", look_after)
            .scope(WRITE)
            .takes::<ReviewBody>()
            .answers::<TokenView>()
            .says("Notes that somebody has looked whether a service token is needed, and with these rights"),
        Endpoint::post("/api/v1/service-tokens/revoke-all", end_all)
            .grave()
            .scope(WRITE)
            .takes::<RevokeAllBody>()
            .answers::<RevokedAll>()
            .says("Revokes every service token of an owner or of an organisation at once"),
    ]
}

/// A service token to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewServiceToken)]
pub(super) struct TokenBody {
    /// `[A-Za-z0-9._-]{3,64}`, once in an organisation; a random one unless set.
    name: Option<String>,
    /// The organisation that it belongs to; the instance's unless set.
    org_id: Option<String>,
    /// What it may do; not more than the caller may.
    scopes: Vec<String>,
    /// Where it may do it; `*` for everywhere.
    workspace_ids: Vec<String>,
    /// What people should know.
    description: Option<String>,
    /// Who answers for it.
    owner: Option<String>,
    /// What it is for.
    purpose: Option<String>,
    /// Addresses and networks (CIDR) from which it may be used; anywhere unless set.
    allowed_addresses: Vec<String>,
    /// Its own rate at the gateway, as `600/minute`, in place of those that routes have for an identity.
    rate_limit_override: Option<String>,
    /// How long each version lives, 60 seconds at least; for ever unless set.
    expires_in_seconds: Option<u64>,
}

/// What can be changed of a version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServiceTokenNotes)]
pub(super) struct NotesBody {
    /// What people should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    /// Addresses and networks (CIDR) from which it may be used; anywhere when empty.
    #[serde(default)]
    allowed_addresses: Vec<String>,
    /// Its own rate at the gateway, as `600/minute`, in place of those that routes have for an identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit_override: Option<String>,
}

/// A review of a service token.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ReviewServiceToken)]
struct ReviewBody {
    /// What was found, for the audit trail.
    note: Option<String>,
}

/// How a service token is replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = RotateServiceToken)]
pub(super) struct RotateBody {
    /// How many seconds the present version goes on working; 300 unless set, 0 ends it at once.
    overlap_seconds: Option<u64>,
    /// How long the new version lives; as long as the present one unless set.
    expires_in_seconds: Option<u64>,
    /// Scopes to add; not more than the caller may do.
    scopes: Vec<String>,
}

/// Why a service token is revoked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RevokeServiceToken)]
pub(super) struct RevokeBody {
    /// For the audit trail, and for whoever looks the token up.
    pub(super) reason: String,
}

/// Whose service tokens are revoked, and why. At least one of `owner` and `org_id`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RevokeServiceTokens)]
struct RevokeAllBody {
    /// Those of this owner, as it is noted.
    owner: Option<String>,
    /// Those of this organisation.
    org_id: Option<String>,
    /// For the audit trail, and for whoever looks one of them up.
    reason: String,
}

/// What was revoked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevokedServiceTokens)]
struct RevokedAll {
    /// How many.
    revoked: usize,
    /// Their names.
    names: Vec<String>,
}

/// One version of a service token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceToken)]
pub(super) struct TokenView {
    /// The id of this version.
    id: String,
    /// The name that all versions have.
    name: String,
    /// 1, 2, …
    version: i64,
    /// `active`, `rotated`, `expired` or `revoked`.
    status: &'static str,
    /// Told once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The id of the first version: who acts, whichever version is used.
    lineage: String,
    /// The organisation that it belongs to.
    org_id: String,
    /// What it may do.
    scopes: Vec<String>,
    /// Where it may do it; `*` for everywhere.
    workspace_ids: Vec<String>,
    #[serde(flatten)]
    notes: NotesBody,
    /// How long a version lives; `null` for ever.
    lifetime_seconds: Option<u64>,
    /// When it was made.
    #[schema(format = DateTime)]
    issued_at: String,
    /// When its life is over.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When the overlap with its successor is over.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
    /// When it was last used, to the second or so.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// From where.
    last_used_address: Option<String>,
    /// How often it was used.
    use_count: i64,
    /// When somebody has looked after it last; who made it did.
    #[schema(format = DateTime)]
    reviewed_at: String,
    /// When it has to be reviewed; never after its end, or where reviews are turned off.
    #[schema(format = DateTime)]
    review_due_at: Option<String>,
    /// Who made it.
    created_by: String,
    /// The version that replaced it.
    rotated_to: Option<String>,
    /// The version that it replaced.
    rotated_from: Option<String>,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// By whom.
    revoked_by: Option<String>,
    /// Why.
    revocation_reason: Option<String>,
}

impl TokenBody {
    /// What is to be made.
    pub(super) fn into_new(self) -> Result<NewToken> {
        let notes = NotesBody {
            description: self.description,
            owner: self.owner,
            purpose: self.purpose,
            allowed_addresses: self.allowed_addresses,
            rate_limit_override: self.rate_limit_override,
        };
        Ok(NewToken {
            name: self.name,
            org: org(self.org_id)?,
            scopes: self.scopes,
            workspace_ids: self.workspace_ids,
            notes: notes.into_notes()?,
            expires_in: self.expires_in_seconds,
        })
    }
}

impl RotateBody {
    /// How it is replaced.
    pub(super) fn into_ask(self) -> RotateAsk {
        RotateAsk {
            overlap: self.overlap_seconds.unwrap_or(RotateAsk::default().overlap),
            expires_in: self.expires_in_seconds,
            scopes: self.scopes,
        }
    }
}

impl NotesBody {
    pub(super) fn of(notes: &Notes) -> Self {
        let Notes { description, owner, purpose, allowed_addresses, rate_limit_override } = notes.clone();
        let allowed_addresses = allowed_addresses.iter().map(ToString::to_string).collect();
        let rate_limit_override = rate_limit_override.map(|rate| rate.to_string());
        Self { description, owner, purpose, allowed_addresses, rate_limit_override }
    }

    pub(super) fn into_notes(self) -> Result<Notes> {
        let Self { description, owner, purpose, allowed_addresses, rate_limit_override } = self;
        let allowed_addresses = addresses::read(&allowed_addresses)?;
        let rate_limit_override = rate_limit_override.as_deref().map(rate).transpose()?;
        Ok(Notes { description, owner, purpose, allowed_addresses, rate_limit_override })
    }
}

/// As the API shows it; the secret where it was made just now.
pub(super) fn view(caller: &Caller, token: &Token, secret: Option<String>) -> TokenView {
    let text = |time: Option<doorward_proto::time::Time>| time.map(|time| time.to_string());
    let revocation = token.revocation.as_ref();
    TokenView {
        id: token.id.to_string(),
        name: token.name.clone(),
        version: token.version,
        status: token.state(caller.call.now).name(),
        secret,
        lineage: token.lineage.to_string(),
        org_id: token.org.to_string(),
        scopes: token.scopes.iter().map(str::to_owned).collect(),
        workspace_ids: token.workspace_ids.clone(),
        notes: NotesBody::of(&token.notes),
        lifetime_seconds: token.lifetime.map(|lifetime| lifetime.as_secs()),
        issued_at: token.issued_at.to_string(),
        expires_at: text(token.expires_at),
        ends_at: text(token.ends_at),
        last_used_at: text(token.last_used_at),
        last_used_address: token.last_used_address.clone(),
        use_count: token.use_count,
        reviewed_at: token.reviewed_at.to_string(),
        review_due_at: text(review_due(&caller.call, token)),
        created_by: token.created_by.clone(),
        rotated_to: token.rotated_to.clone(),
        rotated_from: token.rotated_from.clone(),
        revoked_at: text(revocation.map(|revocation| revocation.at)),
        revoked_by: revocation.map(|revocation| revocation.by.clone()),
        revocation_reason: revocation.map(|revocation| revocation.reason.clone()),
    }
}

fn org(text: Option<String>) -> Result<Option<Id<Org>>> {
    let org = text.map(|text| text.parse()).transpose();
    org.map_err(|_| wrong("org_id", "This is not the id of an organisation").into())
}

async fn all(caller: Caller, mut listing: Listing) -> Answer {
    const YES_OR_NO: [bool; 2] = [true, false];
    let word = |is_on| if is_on { "true" } else { "false" };
    let is_due = listing.one_of("review_due", YES_OR_NO, word)? == Some(true);
    let every = caller.call.realm.settings.service_tokens.review_every;
    if is_due && every.is_zero() {
        return Err(wrong("review_due", "Reviews are turned off (service_tokens.review_every)").into());
    }
    let state = listing.one_of("status", State::ALL, State::name)?;
    let ask = ListAsk {
        org: org(listing.filter("org_id"))?,
        name: listing.filter("name"),
        owner: listing.filter("owner"),
        // What has been replaced, or has ended, is not reviewed.
        state: state.or_else(|| is_due.then_some(State::Active)),
        reviewed_until: is_due.then(|| caller.call.now - every),
        works: listing.one_of("active", YES_OR_NO, word)? == Some(true),
        page: listing.ask()?,
    };
    let tokens = list(&caller.call, ask).await?;
    page(&tokens, |token| Ok(view(&caller, token, None)))
}

async fn make(caller: Caller, Input(body): Input<TokenBody>) -> Answer {
    let new = body.into_new()?;
    let made = create(&caller.call, new, &caller.rights()).await?;
    let secret = Some(made.secret.expose().to_owned());
    let location = format!("/api/v1/service-tokens/{}", made.token.id);
    created(&location, &view(&caller, &made.token, secret), Some(made.token.revision))
}

fn key(caller: &Caller, name: &str) -> Key {
    Key::read(&caller.call, name, None)
}

async fn show(caller: Caller, Path(name): Path<String>) -> Answer {
    let token = find(&caller.call, key(&caller, &name)).await?;
    versioned(&view(&caller, &token, None), token.revision)
}

async fn change(caller: Caller, Path(name): Path<String>, seen: IfMatch, Members(patch): Members) -> Answer {
    for _ in 0..TRIES {
        let token = find(&caller.call, key(&caller, &name)).await?;
        seen.check(token.revision)?;
        let notes = patched(&NotesBody::of(&token.notes), &patch)?.into_notes()?;
        match update(&caller.call, (token.id, token.revision), notes, caller.rights()).await {
            Ok(token) => return versioned(&view(&caller, &token, None), token.revision),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn replace(
    caller: Caller,
    Path(name): Path<String>,
    seen: IfMatch,
    Input(body): Input<RotateBody>,
) -> Answer {
    let token = find(&caller.call, key(&caller, &name)).await?;
    seen.check(token.revision)?;
    // This version: of two who rotate a name at once, one is refused.
    let made = rotate(&caller.call, Key::Version(token.id), body.into_ask(), caller.rights()).await?;
    let secret = Some(made.secret.expose().to_owned());
    versioned(&view(&caller, &made.token, secret), made.token.revision)
}

async fn look_after(caller: Caller, Path(name): Path<String>, Input(body): Input<ReviewBody>) -> Answer {
    let token = review(&caller.call, key(&caller, &name), body.note, caller.rights()).await?;
    versioned(&view(&caller, &token, None), token.revision)
}

async fn end_all(caller: Caller, Input(body): Input<RevokeAllBody>) -> Answer {
    let whose = Whose { owner: body.owner, org: org(body.org_id)? };
    let names = revoke_all(&caller.call, whose, body.reason, caller.rights()).await?;
    found(&RevokedAll { revoked: names.len(), names })
}

async fn end(
    caller: Caller,
    Path(name): Path<String>,
    seen: IfMatch,
    Input(body): Input<RevokeBody>,
) -> Answer {
    let token = find(&caller.call, key(&caller, &name)).await?;
    seen.check(token.revision)?;
    let token = revoke(&caller.call, key(&caller, &name), body.reason, caller.rights()).await?;
    versioned(&view(&caller, &token, None), token.revision)
}
