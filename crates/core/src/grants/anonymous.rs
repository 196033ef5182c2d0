//! Beginning without an account (RFC 6749 4.5): an application that may gets tokens for somebody of whom
//! nothing is known. The refresh token is the only key to that person, until the person registers by the
//! application's next authorization, with the ID token as its hint.

use std::sync::Arc;

use doorward_proto::{
    id::{self, Id},
    scope::ScopeSet,
    secret::{Kind, Opaque},
};

use super::{
    Tokens,
    person::{Ask, Issued},
    sql::{self, NewRefresh, Presented},
};
use crate::{
    call::Call,
    clients::Client,
    db::Tx,
    orgs::{self, Standing},
    outcome::{Code, Refusal, Result, refuse},
    throttle::{self, Try},
    tokens::{self, Facts, Grant, issue::Person, issue::refresh_expiry},
    users::anonymous::Newcomer,
};

/// Its name on the wire.
pub const ANONYMOUS: &str = "urn:doorward:params:oauth:grant-type:anonymous";
/// Nobody has proven anything (OpenID Connect Core 2).
const ACR: &str = "0";
/// What begins like this needs an account.
const NEED_ACCOUNT: [&str; 3] = ["me:", "org:", "admin:"];

/// What the application asks for.
#[derive(Debug, Default)]
pub struct AnonymousAsk {
    /// The scopes; the application's own when it names none.
    pub scope: Option<ScopeSet>,
    /// The audience, one at the most.
    pub resources: Vec<String>,
    /// The DPoP key to bind to.
    pub jkt: Option<String>,
    /// What the application runs on.
    pub device: Option<String>,
}

struct Begin {
    ask: Ask,
    grant: Grant,
    person: Newcomer,
    device: Option<String>,
    refresh: Opaque,
    tried: Try,
}

/// Makes somebody without an account and issues tokens. From one address only so many begin in a time.
///
/// # Errors
/// `GrantNotAllowed`, `ScopeInvalid`, `TargetInvalid`, `RateLimitedAddress`, `PrincipalEnded`.
pub async fn begin(call: &Call, client: &Arc<Client>, ask: AnonymousAsk) -> Result<Tokens> {
    if !client.metadata.allows_grant(ANONYMOUS) {
        return refuse(Code::GrantNotAllowed);
    }
    let target = tokens::target_of(call, client, &ask.resources, &[]).await?;
    let is_named = ask.scope.is_some();
    let scope = scope_of(client, ask.scope)?;
    let scope = tokens::scope::within(std::slice::from_ref(&target), scope, is_named)?;
    let (refresh, person) = (call.secret(Kind::Refresh)?, Newcomer::new(call)?);
    let id: Id<id::Grant> = call.id()?;
    let facts = Facts { auth_time: call.now.as_seconds(), acr: ACR.to_owned(), ..Facts::default() };
    let grant = Grant {
        id,
        org: person.org,
        user: person.id,
        client: client.id,
        session: None,
        scope,
        resources: ask.resources.clone(),
        facts,
        is_offline: true,
        ended_at: None,
    };
    let hash = call.realm.vault.hash(&refresh);
    let (call_too, client_too) = (call.clone(), Arc::clone(client));
    let begin = Begin {
        ask: Ask { call: call_too, client: client_too, hash, resources: ask.resources, jkt: ask.jkt },
        grant,
        person,
        device: ask.device,
        refresh,
        tried: throttle::beginning(call),
    };
    let issued = call
        .realm
        .db
        .write("anonymous.begin", begin, |tx, begin| Box::pin(async move { begin.run(tx).await }))
        .await?;
    issued.sign(call, client, None).await
}

/// Scopes that only somebody with an account can give are left out, and refused when they are named.
fn scope_of(client: &Client, asked: Option<ScopeSet>) -> Result<ScopeSet> {
    let own = ScopeSet::from_names(client.metadata.scopes.iter().map(String::as_str))?;
    let own = own.retain(|name| !NEED_ACCOUNT.iter().any(|begin| name.starts_with(begin)));
    match asked {
        None => Ok(own),
        Some(asked) if asked.is_subset(&own) => Ok(asked),
        Some(asked) => {
            let hint =
                format!("Not without an account, or not allowed for this client: {}", asked.without(&own));
            Err(Refusal::new(Code::ScopeInvalid).hint(hint).field("scope").into())
        }
    }
}

impl Begin {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Issued> {
        let Ask { call, client, jkt, hash, .. } = &self.ask;
        let client_id = client.id.to_string();
        tx.lock_shared(&[&client_id]).await?;
        throttle::take(tx, &self.tried).await?;
        if !tokens::sql::is_current(tx, &client_id, client.epoch).await? {
            return refuse(Code::PrincipalEnded);
        }
        self.person.insert(tx).await?;
        tokens::sql::insert_grant_alone(tx, &self.grant, self.device.as_deref(), call.now).await?;
        let absolute_at = call.now + call.realm.settings.tokens.refresh_absolute;
        let refresh = NewRefresh {
            hash: *hash,
            family: self.grant.id,
            client: client.id,
            principal: self.person.id.to_string(),
            epoch: 0,
            generation: 0,
            cnf: jkt.clone().filter(|_| !client.is_confidential),
            now: call.now,
            expires_at: refresh_expiry(call, client, absolute_at),
            absolute_at,
        };
        sql::insert_refresh(tx, &refresh).await?;
        let standing = Some(Standing::of(orgs::OWNER.to_owned(), None));
        let person = Person { standing, is_anonymous: true, ..Person::default() };
        let found = Presented { row: (), grant: self.grant.clone(), person, epoch: 0 };
        let target = self.ask.target(tx, &self.grant).await?;
        let scope = target.scope_of(&self.grant.scope);
        let made = self.ask.prepare(tx, &found, (&target, &scope), "anonymous").await?;
        self.ask.record(tx, &found, &made).await?;
        let mut issued = self.ask.issued(tx, self.grant.clone(), (made, target, scope), true).await?;
        issued.refresh = Some(self.refresh.clone());
        Ok(issued)
    }
}
