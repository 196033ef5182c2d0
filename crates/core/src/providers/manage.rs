//! Adding, changing, trying and removing providers.

use doorward_proto::{
    id::{self, Id, Org},
    secret::SecretText,
    time::Time,
};

use super::{ClientAuth, Kind, Provider, Settings, Wrong, discovery, exchange, get, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    clients::{self, keys_at},
    db::Tx,
    outcome::{Code, Refusal, Result, refuse},
    page::{Page, PageAsk},
};

const MOST: usize = 50;
const LONGEST_SECRET: usize = 4096;
/// Names that our own pages have beside those of providers.
const TAKEN: [&str; 2] = ["link", "new"];

/// A provider to add.
#[derive(Debug, Clone)]
pub struct NewProvider {
    /// Its name in addresses; never changes.
    pub slug: String,
    /// What we prove ourselves with there.
    pub secret: Option<SecretText>,
    /// The rest.
    pub settings: Settings,
}

fn bad(field: &'static str, hint: &'static str) -> Refusal {
    Refusal::new(Code::RequestInvalid).field(field).hint(hint)
}

pub(super) fn check_slug(slug: &str) -> Result<()> {
    let letters = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let begins = slug.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if !letters || !begins || slug.len() > 40 || TAKEN.contains(&slug) {
        return Err(bad(
            "slug",
            "A short name has up to 40 of a-z, 0-9 and -, begins with a letter, and is not link or new",
        )
        .into());
    }
    Ok(())
}

fn check(settings: &Settings, secret: Option<&SecretText>, has_secret: bool) -> Result<()> {
    let is_line = |text: &str, most| {
        !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
    };
    if !is_line(&settings.name, 60) || !clients::is_name(&settings.name) {
        return Err(bad("name", "A name has 1 to 60 letters that show").into());
    }
    if !is_line(&settings.client_id, 512) || !settings.client_id.is_ascii() {
        return Err(bad("client_id", "Our name at the provider is missing").into());
    }
    let scopes = &settings.scopes;
    if scopes.is_empty()
        || scopes.len() > MOST
        || scopes.iter().any(|one| !doorward_proto::scope::is_scope_name(one))
    {
        return Err(bad("scopes", "One to 50 names of scopes, without spaces").into());
    }
    check_place(settings)?;
    check_people(settings)?;
    let needs_secret = settings.client_auth != ClientAuth::None;
    if needs_secret && secret.is_none() && !has_secret {
        return Err(bad("client_secret", "This way to prove who we are needs a secret").into());
    }
    let Some(secret) = secret else { return Ok(()) };
    if secret.expose().trim().is_empty() || secret.expose().len() > LONGEST_SECRET {
        return Err(bad("client_secret", "A secret has 1 to 4096 bytes").into());
    }
    if settings.client_auth == ClientAuth::Apple && exchange::apple_key(secret.expose()).is_none() {
        return Err(bad(
            "client_secret",
            "Apple's key is an EC key as PKCS#8 in PEM, as in the file AuthKey_….p8",
        )
        .into());
    }
    Ok(())
}

fn check_place(settings: &Settings) -> Result<()> {
    let fits = |text: &Option<String>| text.as_deref().is_none_or(discovery::is_address);
    if !fits(&settings.issuer) || settings.issuer.as_deref().is_some_and(|issuer| issuer.contains('?')) {
        return Err(bad("issuer", "An issuer is an https address without query or fragment").into());
    }
    let endpoints = &settings.endpoints;
    let named = [
        ("authorization_endpoint", &endpoints.authorization),
        ("token_endpoint", &endpoints.token),
        ("userinfo_endpoint", &endpoints.userinfo),
        ("emails_endpoint", &endpoints.emails),
    ];
    if let Some((field, _)) = named.iter().find(|(_, endpoint)| !fits(endpoint)) {
        return Err(bad(field, "An endpoint is an https address").into());
    }
    match settings.kind {
        Kind::Oidc if settings.issuer.is_none() => {
            Err(bad("issuer", "An OpenID provider is named by its issuer").into())
        }
        Kind::Oidc if !settings.scopes.iter().any(|scope| scope == "openid") => {
            Err(bad("scopes", "Without openid the provider does not say who it is").into())
        }
        Kind::Oidc if named.iter().any(|(_, endpoint)| endpoint.is_some()) => {
            Err(bad("issuer", "An OpenID provider names its endpoints itself").into())
        }
        Kind::OAuth2 => match named.iter().take(3).find(|(_, endpoint)| endpoint.is_none()) {
            Some((field, _)) => Err(bad(field, "A provider without discovery needs it").into()),
            None => Ok(()),
        },
        Kind::Oidc => Ok(()),
    }
}

fn check_people(settings: &Settings) -> Result<()> {
    let is_domain = |text: &String| {
        let known = crate::users::Email::parse(&format!("a@{text}"));
        known.is_ok_and(|email| email.domain() == text)
    };
    if settings.allowed_domains.len() > MOST || !settings.allowed_domains.iter().all(is_domain) {
        return Err(bad("allowed_domains", "Up to 50 domains in lower case, such as example.com").into());
    }
    if settings.trusts_email && settings.allowed_domains.is_empty() {
        return Err(bad("trusts_email", "Name in allowed_domains whose addresses are believed").into());
    }
    let mapping = &settings.mapping;
    if mapping.subject.is_empty() || mapping.email.is_empty() {
        return Err(bad("mapping", "It takes a subject and an email").into());
    }
    let is_apples = settings.client_auth == ClientAuth::Apple;
    if is_apples && (settings.team_id.is_none() || settings.key_id.is_none()) {
        return Err(bad("team_id", "Apple's way takes team_id and key_id").into());
    }
    Ok(())
}

fn seal(call: &Call, id: Id<id::Provider>, secret: &SecretText) -> Result<Vec<u8>> {
    call.realm.vault.seal(&call.realm.env, &Provider::place(id), secret.expose().trim().as_bytes())
}

struct Write {
    call: Call,
    org: Id<Org>,
    id: Id<id::Provider>,
    slug: String,
    seen: i64,
    settings: Settings,
    sealed: Option<Vec<u8>>,
}

/// Adds a provider.
///
/// # Errors
/// `RequestInvalid`; `Conflict` when the short name is taken.
pub async fn create(call: &Call, new: NewProvider) -> Result<Provider> {
    check_slug(&new.slug)?;
    add(call, call.realm.instance_org, new).await
}

/// Adds one to whom it belongs to; its name has been checked.
pub(super) async fn add(call: &Call, org: Id<Org>, new: NewProvider) -> Result<Provider> {
    check(&new.settings, new.secret.as_ref(), false)?;
    let id = call.id()?;
    let sealed = new.secret.as_ref().map(|secret| seal(call, id, secret)).transpose()?;
    let ask = Write { call: call.clone(), org, id, slug: new.slug, seen: 0, settings: new.settings, sealed };
    call.realm.db.write("providers.create", ask, |tx, ask| Box::pin(ask.insert(tx))).await
}

/// Changes a provider that is still at the version seen; without a secret the present one stays.
///
/// # Errors
/// `NotFound`, `RequestInvalid`, also for one that would be asked elsewhere; `VersionMismatch`.
pub async fn update(
    call: &Call,
    (id, seen): (Id<id::Provider>, i64),
    settings: Settings,
    secret: Option<SecretText>,
) -> Result<Provider> {
    let before = get(call, &id.to_string()).await?;
    check(&settings, secret.as_ref(), before.has_secret)?;
    // Whoever could point it elsewhere could sign in as anybody who is linked with it.
    let (old, new) = (&before.settings, &settings);
    let is_moved = old.kind != new.kind || old.issuer != new.issuer || old.endpoints != new.endpoints;
    if is_moved || old.mapping.subject != new.mapping.subject {
        return Err(bad("issuer", "Who a subject is stays as it is: add another provider").into());
    }
    let sealed = match &secret {
        Some(secret) => Some(seal(call, id, secret)?),
        None => before.sealed.filter(|_| settings.client_auth != ClientAuth::None),
    };
    let ask = Write { call: call.clone(), org: before.org, id, slug: before.slug, seen, settings, sealed };
    call.realm.db.write("providers.update", ask, |tx, ask| Box::pin(ask.update(tx))).await
}

impl Write {
    async fn insert(&self, tx: &mut Tx<'_>) -> Result<Provider> {
        let what = (&self.settings, &self.sealed);
        if !sql::insert(tx, (self.id, self.org, &self.slug), what, self.call.now).await? {
            return Err(Refusal::new(Code::Conflict).field("slug").hint("The short name is taken").into());
        }
        self.told(tx, "provider.created").await
    }

    async fn update(&self, tx: &mut Tx<'_>) -> Result<Provider> {
        let what = (&self.settings, &self.sealed);
        if !sql::update(tx, (self.id, self.seen), what, self.call.now).await? {
            return refuse(Code::VersionMismatch);
        }
        self.told(tx, "provider.changed").await
    }

    async fn told(&self, tx: &mut Tx<'_>, what: &'static str) -> Result<Provider> {
        let Some(provider) = sql::find(tx, self.id).await? else { return refuse(Code::NotFound) };
        let event = Event::new(&self.call, what)?.subject(self.id).org(provider.org);
        audit::record(tx, &event.fact("slug", self.slug.clone())).await?;
        Ok(provider)
    }
}

/// Removes a provider; who signed in there alone needs another way from now on.
///
/// # Errors
/// `NotFound`.
pub async fn end(call: &Call, id: Id<id::Provider>) -> Result<()> {
    call.realm
        .db
        .write("providers.end", (call.clone(), id), |tx, (call, id)| {
            Box::pin(async move {
                let Some(provider) = sql::find(tx, *id).await? else { return refuse(Code::NotFound) };
                let identities = sql::delete(tx, *id).await?;
                let event = Event::new(call, "provider.ended")?.subject(*id).org(provider.org);
                audit::record(tx, &event.fact("slug", provider.slug).fact("identities", identities)).await
            })
        })
        .await
}

/// A page of providers, by id.
pub async fn list(call: &Call, ask: PageAsk) -> Result<Page<Provider>> {
    call.realm
        .db
        .read("providers.list", ask, |tx, ask| {
            Box::pin(async move {
                let rows = sql::list(tx, ask).await?;
                Ok(ask.page(rows, |provider| provider.id.to_string()))
            })
        })
        .await
}

/// How often a provider is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many people have linked it.
    pub people: i64,
    /// How often they have signed in there.
    pub sign_ins: i64,
    /// When that was the last time.
    pub last_used_at: Option<Time>,
}

/// How often a provider is used.
pub async fn usage(call: &Call, id: Id<id::Provider>) -> Result<Usage> {
    let read = call
        .realm
        .db
        .read("providers.usage", id, |tx, id| Box::pin(async move { sql::usage(tx, *id).await }));
    read.await
}

/// What came of a try.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tested {
    /// What is wrong, each with what to do; nothing when the provider can be used.
    pub problems: Vec<String>,
    /// Where people would be sent.
    pub authorization_endpoint: Option<String>,
}

/// Asks the provider what it says of itself, as far as that shows without signing anybody in.
///
/// # Errors
/// `NotFound`.
pub async fn test(call: &Call, name: &str) -> Result<Tested> {
    test_one(call, &get(call, name).await?).await
}

pub(super) async fn test_one(call: &Call, provider: &Provider) -> Result<Tested> {
    let settings = &provider.settings;
    let issuer = settings.issuer.as_deref().unwrap_or_default();
    let mut tested = Tested::default();
    let found = match settings.kind {
        // Whoever tries it wants to know how it is now.
        Kind::Oidc => discovery::ask(call, issuer).await,
        Kind::OAuth2 => discovery::find(call, settings).await,
    };
    let found = match found {
        Ok(found) => found,
        Err(wrong) => {
            tested.problems.push(wrong.told_to(call, provider).to_owned());
            return Ok(tested);
        }
    };
    tested.authorization_endpoint = Some(found.authorization_endpoint.clone());
    if let Some(uri) = &found.jwks_uri
        && let Err(why) = keys_at(call, uri).await
    {
        let wrong = Wrong::Unreachable(format!("{uri}: {why}"));
        tested.problems.push(wrong.told_to(call, provider).to_owned());
    }
    if !settings.is_enabled {
        tested.problems.push("it is not enabled: nobody is offered it".to_owned());
    }
    Ok(tested)
}
