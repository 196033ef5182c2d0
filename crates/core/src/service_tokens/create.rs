//! A new token: its first version, and the principal that stands under all of them.

use std::time::Duration;

use doorward_proto::{
    id::{Id, Org, ServiceToken},
    scope::ScopeSet,
    secret::Kind,
};

use super::{Key, Notes, Token, WithSecret, list, of_org, present, sql, validate};
use crate::{
    audit,
    call::Call,
    db::Tx,
    orgs::{self, OrgScope},
    outcome::{Code, Error, Refusal, Result},
    principals,
    rights::Rights,
};

/// A token to make.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// A random one where none is chosen.
    pub name: Option<String>,
    /// The organisation that it will belong to; the instance's where none is named.
    pub org: Option<Id<Org>>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Where.
    pub workspace_ids: Vec<String>,
    /// The rest.
    pub notes: Notes,
    /// How long each version lives, in seconds; for ever where nothing is said.
    pub expires_in: Option<u64>,
}

struct Create {
    call: Call,
    id: Id<ServiceToken>,
    org: Option<Id<Org>>,
    row: sql::NewRow,
    within: Option<OrgScope>,
}

/// Makes a token and tells its secret.
///
/// # Errors
/// `RequestInvalid`, `TokenLifetime`, `ScopeMissing`, `WorkspaceForbidden`, `TokenNameTaken`.
pub async fn create(call: &Call, new: NewToken, rights: &Rights) -> Result<WithSecret> {
    create_within(call, new, rights, None).await
}

/// The same by who runs an organisation, where that has room for it.
pub(super) async fn create_within(
    call: &Call,
    new: NewToken,
    rights: &Rights,
    within: Option<OrgScope>,
) -> Result<WithSecret> {
    if let Some(chosen) = &new.name {
        validate::name(chosen)?;
    }
    let name = new.name.map_or_else(|| random_name(call), Ok)?;
    let (scopes, workspace_ids) = (validate::scopes(&new.scopes)?, validate::workspaces(&new.workspace_ids)?);
    validate::notes(&new.notes)?;
    let lifetime = validate::lifetime(new.expires_in)?;
    rights.cover(scopes.iter(), &workspace_ids)?;
    let secret = call.secret(Kind::ServiceToken)?;
    let id = call.id()?;
    let row = sql::NewRow {
        name,
        version: 1,
        hash: Some(call.realm.vault.hash(&secret)),
        hash_key: call.realm.vault.hash_key_id().to_owned(),
        scopes,
        workspace_ids,
        notes: new.notes,
        lifetime,
        issued_at: call.now,
        expires_at: lifetime.map(|lifetime| call.now + lifetime),
        created_by: call.actor.name(),
        rotated_from: None,
        reviewed_at: call.now,
    };
    let ask = Create { call: call.clone(), id, org: new.org, row, within };
    let token =
        call.realm.db.write("service_tokens.create", ask, |tx, ask| Box::pin(insert(tx, ask))).await?;
    Ok(WithSecret { token, secret })
}

/// Says nothing of the secret, and is no id: it stays when the version changes.
fn random_name(call: &Call) -> Result<String> {
    let random: [u8; 10] = call.realm.env.unique()?;
    Ok(format!("token-{}", data_encoding::BASE32_NOPAD.encode(&random).to_ascii_lowercase()))
}

async fn insert(tx: &mut Tx<'_>, ask: &Create) -> Result<Token> {
    if let Some(scope) = &ask.within {
        scope.lock(tx).await?;
        of_org::must_have_room(list::count(tx, scope.id(), ask.call.now).await?)?;
    }
    let org = match ask.org {
        Some(org) if !orgs::takes(tx, org).await? => {
            let unknown = Refusal::new(Code::RequestInvalid).field("org_id").hint("No such organisation");
            return Err(unknown.into());
        }
        Some(org) => org,
        None => ask.call.realm.instance_org,
    };
    let instance = ask.call.realm.instance_org;
    orgs::workspaces::must_be_of(tx, (org, instance), &ask.row.workspace_ids).await?;
    principals::insert(tx, ask.id, principals::Kind::Service, org, ask.call.now).await?;
    if !sql::insert(tx, (ask.id, ask.id, org), &ask.row).await? {
        return Err(taken());
    }
    let token = present(tx, &Key::Version(ask.id)).await?;
    audit::record(tx, &granted(&token, &ask.call, "service_token.created")?).await?;
    Ok(token)
}

pub(super) fn taken() -> Error {
    Refusal::new(Code::TokenNameTaken).field("name").hint("The organisation has a token of this name").into()
}

/// What a version was made with.
pub(super) fn granted(token: &Token, call: &Call, code: &'static str) -> Result<audit::Event> {
    let expiry = token.expires_at.map(|expiry| expiry.to_string());
    let event = token.event(call, code)?;
    Ok(event
        .fact("scopes", names(&token.scopes))
        .fact("workspace_ids", token.workspace_ids.clone())
        .fact("expires_at", expiry))
}

pub(super) fn names(scopes: &ScopeSet) -> Vec<String> {
    scopes.iter().map(str::to_owned).collect()
}

/// Whole seconds, as they are stored.
pub(super) fn seconds(lifetime: Duration) -> i64 {
    i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX)
}
