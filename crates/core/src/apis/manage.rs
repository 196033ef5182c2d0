//! Creating, changing and ending APIs.

use doorward_proto::{
    id::{self, Id, Org},
    jose::Alg,
    scope::is_scope_name,
};
use url::Url;

use super::{Api, Scope, TokenFormat, of_org, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    claims, clients,
    db::Tx,
    orgs::{self, OrgScope},
    outcome::{Code, Refusal, Result, refuse},
    page::{Page, PageAsk},
};

const MAX_SCOPES: usize = 500;
const MAX_DESCRIPTION: usize = 300;

/// What can be changed of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What people see.
    pub name: String,
    /// What its access tokens are signed with.
    pub signing_alg: Alg,
    /// How its access tokens look.
    pub token_format: TokenFormat,
    /// Lifetime of its access tokens in seconds, where it differs from the server's.
    pub access_ttl: Option<u64>,
    /// The scopes that it knows.
    pub scopes: Vec<Scope>,
}

/// An API to create.
#[derive(Debug, Clone)]
pub struct NewApi {
    /// The audience of its tokens; never changes.
    pub identifier: String,
    /// The organisation that will own it; the instance's where none is named.
    pub org: Option<Id<Org>>,
    /// The rest.
    pub settings: Settings,
}

/// A page of APIs.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Which page; the query is a prefix of the folded name or of the identifier, or an id.
    pub page: PageAsk,
    /// Only those of one organisation.
    pub org: Option<Id<Org>>,
}

fn bad(field: &'static str, hint: &'static str) -> Refusal {
    Refusal::new(Code::RequestInvalid).field(field).hint(hint)
}

/// An absolute URI without fragment (RFC 8707 2), or a name of letters, digits and `. _ - :`.
fn check_identifier(call: &Call, identifier: &str) -> Result<()> {
    let refuse = |hint| Err(bad("identifier", hint).into());
    if identifier.len() > 512 || identifier.len() < 3 {
        return refuse("An identifier has 3 to 512 letters");
    }
    if identifier.trim_end_matches('/') == call.realm.issuer {
        return refuse("This is the issuer itself, which is always there");
    }
    let is_name =
        identifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':'));
    let is_uri = identifier.bytes().all(|b| b.is_ascii_graphic())
        && !identifier.contains('#')
        && Url::parse(identifier).is_ok_and(|url| url.has_host());
    if is_name || is_uri { Ok(()) } else { refuse("An identifier is an absolute URI or a plain name") }
}

fn check(settings: &Settings) -> Result<()> {
    if !clients::is_name(&settings.name) {
        return Err(bad("name", "A name has 1 to 200 letters").into());
    }
    if settings.access_ttl.is_some_and(|ttl| !(30..=24 * 60 * 60).contains(&ttl)) {
        return Err(bad("access_ttl", "The lifetime is 30 seconds to a day").into());
    }
    if settings.scopes.len() > MAX_SCOPES {
        return Err(bad("scopes", "There are too many scopes").into());
    }
    for (place, scope) in settings.scopes.iter().enumerate() {
        let is_repeated = settings.scopes.iter().take(place).any(|earlier| earlier.name == scope.name);
        if !is_scope_name(&scope.name) || scope.name.len() > 200 || is_repeated {
            return Err(bad("scopes", "A scope is one word of printable ASCII, named once").into());
        }
        if scope.description.chars().count() > MAX_DESCRIPTION {
            return Err(bad("scopes", "A scope's description has up to 300 letters").into());
        }
    }
    Ok(())
}

struct Create {
    call: Call,
    id: Id<id::Api>,
    ask: NewApi,
    within: Option<OrgScope>,
}

/// Creates an API.
pub async fn create(call: &Call, ask: NewApi) -> Result<Api> {
    create_within(call, ask, None).await
}

/// The same by who runs an organisation, where that has room for it.
pub(super) async fn create_within(call: &Call, ask: NewApi, within: Option<OrgScope>) -> Result<Api> {
    check_identifier(call, &ask.identifier)?;
    check(&ask.settings)?;
    let ask = Create { call: call.clone(), id: call.id()?, ask, within };
    call.realm.db.write("apis.create", ask, |tx, ask| Box::pin(insert(tx, ask))).await
}

async fn insert(tx: &mut Tx<'_>, ask: &Create) -> Result<Api> {
    let (now, new) = (ask.call.now, &ask.ask);
    if let Some(scope) = &ask.within {
        scope.lock(tx).await?;
        of_org::must_have_room(sql::count(tx, scope.id()).await?)?;
    }
    let org = match new.org {
        Some(org) if !orgs::takes(tx, org).await? => {
            return Err(bad("org_id", "No such organisation").into());
        }
        Some(org) => org,
        None => ask.call.realm.instance_org,
    };
    if !sql::insert(tx, ask.id, (org, now), &new.identifier, &new.settings).await? {
        let taken = Refusal::new(Code::Conflict).field("identifier").hint("The identifier is taken");
        return Err(taken.into());
    }
    sql::replace_scopes(tx, ask.id, &new.settings.scopes).await?;
    // What its scopes are to the tokens of others is remembered.
    tx.raise_changes().await?;
    let event = Event::new(&ask.call, "api.created")?.subject(ask.id).org(org);
    audit::record(tx, &event.fact("identifier", new.identifier.clone())).await?;
    present(tx, ask.id).await
}

async fn present(tx: &mut Tx<'_>, id: Id<id::Api>) -> Result<Api> {
    match sql::find(tx, id).await? {
        Some(api) => Ok(api),
        None => refuse(Code::NotFound),
    }
}

struct Update {
    call: Call,
    id: Id<id::Api>,
    seen: i64,
    settings: Settings,
}

/// Changes an API that is still at the version seen.
pub async fn update(call: &Call, id: Id<id::Api>, seen: i64, settings: Settings) -> Result<Api> {
    check(&settings)?;
    let ask = Update { call: call.clone(), id, seen, settings };
    call.realm.db.write("apis.update", ask, |tx, ask| Box::pin(change(tx, ask))).await
}

async fn change(tx: &mut Tx<'_>, ask: &Update) -> Result<Api> {
    let before = present(tx, ask.id).await?;
    if !sql::update(tx, ask.id, ask.seen, &ask.settings, ask.call.now).await? {
        return refuse(Code::VersionMismatch);
    }
    if before.scopes != ask.settings.scopes {
        sql::replace_scopes(tx, ask.id, &ask.settings.scopes).await?;
    }
    tx.raise_changes().await?;
    audit::record(tx, &Event::new(&ask.call, "api.changed")?.subject(ask.id).org(before.org)).await?;
    present(tx, ask.id).await
}

struct End {
    call: Call,
    id: Id<id::Api>,
}

/// Ends an API: no more tokens are made for it.
pub async fn end(call: &Call, id: Id<id::Api>) -> Result<()> {
    let ask = End { call: call.clone(), id };
    call.realm
        .db
        .write("apis.end", ask, |tx, ask| {
            Box::pin(async move {
                let api = present(tx, ask.id).await?;
                claims::remove_of(tx, api.org, claims::Owner::Api(api.id)).await?;
                sql::delete(tx, ask.id).await?;
                tx.raise_changes().await?;
                let event = Event::new(&ask.call, "api.ended")?.subject(ask.id).org(api.org);
                audit::record(tx, &event.fact("identifier", api.identifier)).await
            })
        })
        .await
}

/// A page of APIs, by id.
pub async fn list(call: &Call, ask: ListAsk) -> Result<Page<Api>> {
    call.realm
        .db
        .read("apis.list", ask, |tx, ask| {
            Box::pin(async move {
                let rows = sql::list(tx, &ask.page, ask.org).await?;
                Ok(ask.page.page(rows, |api| api.id.to_string()))
            })
        })
        .await
}
