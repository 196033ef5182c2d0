//! Whose a credential is, by this server's own rules: the one place that knows both sides.

use std::{net::IpAddr, sync::Arc};

use doorward_core::{
    api_keys::{self, LiveKey},
    call::{Call, Origin as CallOrigin},
    clients,
    outcome::{Code, Error, Refusal as CoreRefusal, Result as Outcome},
    realm::Realm,
    service_tokens::{self, LiveToken, Token},
    tokens::{self, Live},
    users,
};
use doorward_judge::{
    Confirmation, CredentialKind, Identity, IdentityType, Principal, Refusal, Why, Workspaces,
};
use doorward_proto::{
    access_token::TokenUse,
    jose::Unverified,
    secret::{Kind, Opaque},
    time::Time,
};
use doorward_sdk::server::{Credential, Provider, Recognition, Scheme, Seen};
use futures_util::future::BoxFuture;
use ipnet::IpNet;
use serde::Deserialize;

/// Our own access tokens, JWT or opaque.
pub(super) struct OwnTokens(pub Arc<Realm>);

impl Provider for OwnTokens {
    fn name(&self) -> &'static str {
        "access-token"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(token) = credential.token().filter(|token| is_ours(token.expose(), &self.0.issuer))
            else {
                return Ok(None);
            };
            let call = Call { now: seen.now, ..Call::system(&self.0) };
            let live = tokens::verify(&call, token.expose()).await.map_err(refusal)?;
            let found = principal(&call, &live).await.map_err(refusal)?;
            Ok(Some(if credential.scheme() == Some(Scheme::Session) { session(found) } else { found }))
        })
    }

    fn state(&self) -> i64 {
        self.0.db.changes()
    }
}

/// Whoever has signed in at a guarded host. The cookie is for that host alone, so the token in it was issued for
/// nobody else.
fn session(found: Principal) -> Principal {
    Principal { credential: CredentialKind::Session, audience: Vec::new(), ..found }
}

/// Service tokens, ours and imported ones.
pub(super) struct ServiceTokens(pub Arc<Realm>);

impl Provider for ServiceTokens {
    fn name(&self) -> &'static str {
        "service-token"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(token) = credential.token() else { return Ok(None) };
            let call = Call { now: seen.now, ..Call::system(&self.0) };
            if !service_tokens::may_be(&call, token.expose()).await.map_err(refusal)? {
                return Ok(None);
            }
            let live = service_tokens::verify(&call, token.expose()).await.map_err(refusal)?;
            Ok(Some(service(live)?))
        })
    }

    fn used(&self, principal: &Principal, from: IpAddr, now: Time) {
        let live = principal.attachment.as_ref().and_then(|attached| attached.downcast_ref::<LiveToken>());
        let noted = live.map(|live| live.note_use((now, from), || by_somebody(&self.0, now, from)));
        counted(noted.unwrap_or(Ok(())));
    }

    fn state(&self) -> i64 {
        self.0.db.changes()
    }
}

/// Who a service token stands for.
pub(super) fn service_identity(token: &Token) -> Identity {
    Identity {
        subject: token.lineage.to_string(),
        kind: IdentityType::Service,
        scopes: token.scopes.iter().map(str::to_owned).collect(),
        workspaces: Workspaces::from_names(token.workspace_ids.iter().map(String::as_str)),
        role: Some("service".to_owned()),
        organization: Some(token.org.to_string()),
        token_id: Some(token.id.to_string()),
        ..Identity::default()
    }
}

/// In one list; what may be used nowhere is refused everywhere.
fn somewhere(allowed: Option<Vec<IpNet>>) -> Result<Vec<IpNet>, Refusal> {
    allowed.ok_or_else(|| refusal(CoreRefusal::new(Code::CredentialAddress).into()))
}

fn service(live: Arc<LiveToken>) -> Result<Principal, Refusal> {
    let token = &live.token;
    let identity = service_identity(token);
    Ok(Principal {
        expires_at: live.end(),
        addresses: somewhere(live.allowed_addresses())?,
        rate: token.notes.rate_limit_override,
        attachment: Some(live),
        ..Principal::new(identity, CredentialKind::ServiceToken)
    })
}

/// Keys of people and of organisations.
pub(super) struct ApiKeys(pub Arc<Realm>);

impl Provider for ApiKeys {
    fn name(&self) -> &'static str {
        "api-key"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(key) = credential.token().filter(|key| api_keys::is_key(key.expose())) else {
                return Ok(None);
            };
            let call = Call { now: seen.now, ..Call::system(&self.0) };
            let live = api_keys::verify(&call, key.expose()).await.map_err(refusal)?;
            Ok(Some(holder(live)?))
        })
    }

    fn used(&self, principal: &Principal, from: IpAddr, now: Time) {
        let live = principal.attachment.as_ref().and_then(|attached| attached.downcast_ref::<LiveKey>());
        let noted = live.map(|live| live.note_use((now, Some(from)), || by_somebody(&self.0, now, from)));
        counted(noted.unwrap_or(Ok(())));
    }

    fn state(&self) -> i64 {
        self.0.db.changes()
    }
}

/// Whom a key stands for: its person as they are now, or the key itself.
fn holder(live: Arc<LiveKey>) -> Result<Principal, Refusal> {
    let (key, person) = (&live.key, live.holder.as_ref());
    let identity = Identity {
        subject: key.subject(),
        kind: if person.is_some() { IdentityType::User } else { IdentityType::Service },
        scopes: live.scopes.iter().cloned().collect(),
        permissions: live.permissions.names().into_iter().collect(),
        roles: person.map(|person| person.roles.iter().cloned().collect()).unwrap_or_default(),
        workspaces: Workspaces::from_names(key.terms.workspace_ids.iter().map(String::as_str)),
        role: Some(person.map_or("service", |person| person.platform_role.name()).to_owned()),
        organization: Some(key.org.to_string()),
        email: person.and_then(|person| person.email.clone()),
        token_id: Some(key.id.to_string()),
        ..Identity::default()
    };
    Ok(Principal {
        expires_at: Some(key.expires_at),
        addresses: somewhere(live.allowed_addresses())?,
        rate: key.terms.rate_limit.as_deref().and_then(|rate| rate.parse().ok()),
        attachment: Some(live),
        ..Principal::new(identity, CredentialKind::ApiKey)
    })
}

/// The request by which a credential was used.
fn by_somebody(realm: &Arc<Realm>, now: Time, from: IpAddr) -> Call {
    let origin = CallOrigin { address: from, ..CallOrigin::internal() };
    Call { now, origin, ..Call::system(realm) }
}

fn counted(noted: Outcome<()>) {
    if let Err(error) = noted {
        let error = crate::data::fault(error);
        tracing::error!(%error, "a use could not be counted");
    }
}

/// Whether a token looks like one that we have made: only then is it ours to refuse.
pub(super) fn is_ours(token: &str, issuer: &str) -> bool {
    #[derive(Deserialize)]
    struct Issued {
        iss: String,
    }
    if Opaque::parse(Kind::Access, token).is_some() {
        return true;
    }
    let claims = Unverified::decode(token).and_then(|token| token.unverified_claims::<Issued>());
    claims.is_ok_and(|claims| claims.iss == issuer)
}

async fn principal(call: &Call, live: &Live) -> Outcome<Principal> {
    let claims = serde_json::to_value(&live.claims)?;
    let mut identity = claims.as_object().map(Identity::of).unwrap_or_default();
    if live.claims.token_use == Some(TokenUse::User)
        && let Ok(person) = live.claims.sub.parse()
    {
        identity.email = users::find(call, person).await?.and_then(|person| person.email);
    }
    let confirmation = live.claims.cnf.as_ref().and_then(|cnf| {
        let key = cnf.jkt.clone().map(Confirmation::Dpop);
        key.or_else(|| cnf.x5t_s256.clone().map(Confirmation::Certificate))
    });
    Ok(Principal {
        audience: vec![audience(call, live).await?],
        expires_at: Some(Time::from_seconds(live.claims.exp)),
        confirmation,
        addresses: live.allowed_addresses.clone(),
        ..Principal::new(identity, CredentialKind::AccessToken)
    })
}

/// For whom a token is. Every application that a person has signed in to gets one for the issuer, so that it can ask
/// who they are; that is no leave to act for them at what is guarded here, unless the application is the operator's
/// own.
async fn audience(call: &Call, live: &Live) -> Outcome<String> {
    let claims = &live.claims;
    if claims.token_use != Some(TokenUse::User) || claims.aud != call.realm.issuer {
        return Ok(claims.aud.clone());
    }
    let client = clients::find(call, &claims.client_id).await?;
    let is_own = client.is_some_and(|client| client.is_first_party);
    Ok(if is_own { claims.aud.clone() } else { format!("{}/oauth2/userinfo", claims.aud) })
}

/// What the rules said of a credential, in the words of whoever judges.
pub(super) fn refusal(error: Error) -> Refusal {
    let code = match error {
        Error::Refused(refusal) => refusal.code,
        Error::Fault(fault) => {
            tracing::error!(%fault, "a credential could not be looked at");
            return Why::Unavailable.into();
        }
    };
    let why = Why::ALL.into_iter().find(|why| why.code() == code.name());
    why.unwrap_or(Why::InvalidToken).into()
}
