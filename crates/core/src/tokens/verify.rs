//! Whether an access token of ours is good now.
//!
//! Warm calls do no I/O: what was found is remembered under the token's SHA-256 for as long as the
//! `changes` counter stands still, for half a minute at the most, and never past `exp`. Proof of
//! possession is the caller's to check, on every request.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use doorward_proto::{
    access_token::{AccessTokenClaims, TokenUse},
    id::{self, Id},
    introspect::IntrospectionResponse,
    jose::{Typ, Unverified},
    secret::{Kind, Opaque, TokenHash},
    time::Time,
    token::TokenType,
};
use ipnet::IpNet;

use super::{Grant, issue, sql};
use crate::{
    addresses, apis,
    call::Call,
    clients,
    db::ReadTx,
    keys, orgs,
    outcome::{Code, Result, refuse},
    principals::{self, Principal, Status},
};

/// A node that hears of no change, for whatever reason, asks the database again after this.
const REMEMBERED: Duration = Duration::from_secs(30);

/// An access token that is good: its claims, and where it comes from.
#[derive(Debug)]
pub struct Live {
    /// What it says.
    pub claims: AccessTokenClaims,
    /// The grant it was made from; none for an application's own.
    pub grant: Option<Grant>,
    /// Its keyed hash, when it is an opaque one.
    pub opaque: Option<TokenHash>,
    /// From where its organisation may be used; anywhere when empty.
    pub allowed_addresses: Vec<IpNet>,
    found_at: Time,
    /// The userinfo answer, once it has been asked for.
    pub(super) userinfo: OnceLock<Arc<str>>,
    /// The introspection answer, likewise.
    introspection: OnceLock<Arc<str>>,
}

impl Live {
    /// Refuses a request from where its organisation may not be used. Not remembered: ask on every request.
    ///
    /// # Errors
    /// `CredentialAddress`.
    pub fn allows(&self, address: IpAddr) -> Result<()> {
        if addresses::admit(&self.allowed_addresses, address) {
            return Ok(());
        }
        refuse(Code::CredentialAddress)
    }

    /// The key it is bound to, if it is.
    pub fn jkt(&self) -> Option<&str> {
        self.claims.cnf.as_ref()?.jkt.as_deref()
    }

    /// What introspection says of it (RFC 7662 2.2), made once.
    ///
    /// # Errors
    /// A fault when the claims cannot be written as JSON.
    pub fn introspection(&self) -> Result<Arc<str>> {
        if let Some(answer) = self.introspection.get() {
            return Ok(Arc::clone(answer));
        }
        let kind = if self.jkt().is_some() { TokenType::DPoP } else { TokenType::Bearer };
        let mut answer = IntrospectionResponse::active(self.claims.clone(), kind);
        answer.allowed_addresses = self.allowed_addresses.iter().map(ToString::to_string).collect();
        let answer: Arc<str> = serde_json::to_string(&answer)?.into();
        Ok(Arc::clone(self.introspection.get_or_init(|| answer)))
    }
}

/// Verifies an access token of ours, JWT or opaque, for any audience.
///
/// # Errors
/// `CredentialInvalid`, `CredentialExpired`, `CredentialRevoked`, `CredentialIssuer`.
pub async fn verify(call: &Call, token: &str) -> Result<Arc<Live>> {
    let mut key = [0_u8; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    let changes = call.realm.db.changes();
    let remembered = call.realm.caches.tokens.get(&key, changes);
    let live = if let Some(live) = remembered.filter(|live| call.now.since(live.found_at) < REMEMBERED) {
        live
    } else {
        let live = Arc::new(look_up(call, token).await?);
        call.realm.caches.tokens.insert(key, changes, Arc::clone(&live));
        live
    };
    if call.now >= Time::from_seconds(live.claims.exp) {
        return refuse(Code::CredentialExpired);
    }
    Ok(live)
}

async fn look_up(call: &Call, token: &str) -> Result<Live> {
    let (claims, opaque) = match Opaque::parse(Kind::Access, token) {
        Some(opaque) => {
            let hash = call.realm.vault.hash(&opaque);
            let found = call
                .realm
                .db
                .read("tokens.opaque", hash, |tx, hash| {
                    Box::pin(async move { sql::find_access(tx, *hash).await })
                })
                .await?;
            let Some(claims) = found else { return refuse(Code::CredentialInvalid) };
            (claims, Some(hash))
        }
        None => (read_jwt(call, token).await?, None),
    };
    if claims.iss != call.realm.issuer {
        return refuse(Code::CredentialIssuer);
    }
    if call.now >= Time::from_seconds(claims.exp) {
        return refuse(Code::CredentialExpired);
    }
    let (grant, allowed_addresses) = still_stands(call, &claims).await?;
    Ok(Live {
        claims,
        grant,
        opaque,
        allowed_addresses,
        found_at: call.now,
        userinfo: OnceLock::new(),
        introspection: OnceLock::new(),
    })
}

async fn read_jwt(call: &Call, token: &str) -> Result<AccessTokenClaims> {
    let Ok(unverified) = Unverified::decode(token) else { return refuse(Code::CredentialInvalid) };
    let keys = keys::current(call).await?;
    let Ok(verified) = keys.verifiers().into_verified(unverified, Typ::AccessToken) else {
        return refuse(Code::CredentialInvalid);
    };
    match verified.own_claims() {
        Ok(claims) => Ok(claims),
        Err(_) => refuse(Code::CredentialInvalid),
    }
}

struct Asked {
    call: Call,
    audience: String,
    /// The application's organisation, and whether whoever acts can lift what binds one.
    org: Id<id::Org>,
    lifts: bool,
    role: Option<String>,
    permissions: Vec<String>,
    workspaces: Vec<String>,
    jti: Id<id::Token>,
    grant: Option<Id<id::Grant>>,
    principal: String,
    client: Id<id::Client>,
}

impl Asked {
    /// Whether the person is in every workspace that the token names. One more since then takes nothing from it.
    async fn is_in_all(&self, tx: &mut ReadTx<'_>, grant: &Grant) -> Result<bool> {
        if self.workspaces.is_empty() {
            return Ok(true);
        }
        let now = orgs::workspaces::ids_of(tx, grant.org, grant.user).await?;
        Ok(self.workspaces.iter().all(|one| now.contains(one)))
    }
}

/// Whether everything that the token stands on stands still.
async fn still_stands(call: &Call, claims: &AccessTokenClaims) -> Result<(Option<Grant>, Vec<IpNet>)> {
    let Some(client) = clients::find(call, &claims.client_id).await? else {
        return refuse(Code::CredentialRevoked);
    };
    let principal = match claims.token_use {
        Some(TokenUse::Client) => client.id.to_string(),
        _ => claims.sub.clone(),
    };
    let (Ok(jti), Ok(grant)) = (
        claims.jti.parse::<Id<id::Token>>(),
        claims.grant_id.as_deref().map(str::parse::<Id<id::Grant>>).transpose(),
    ) else {
        return refuse(Code::CredentialInvalid);
    };
    let (role, permissions) = (claims.org_role.clone(), claims.permissions.clone());
    let is_person = claims.token_use == Some(TokenUse::User);
    let lifts = orgs::lifts(claims.scope.iter()) && (!is_person || claims.role.as_deref() == Some("admin"));
    let workspaces = claims.workspace_ids.clone();
    let (call_too, audience) = (call.clone(), claims.aud.clone());
    let asked = Asked {
        call: call_too,
        audience,
        org: client.org,
        lifts,
        role,
        permissions,
        workspaces,
        jti,
        grant,
        principal,
        client: client.id,
    };
    call.realm
        .db
        .read("tokens.stands", asked, |tx, asked| {
            Box::pin(async move {
                let (principal, client) = (
                    principals::find(tx, &asked.principal).await?.filter(is_active),
                    principals::find(tx, asked.client).await?.filter(is_active),
                );
                // By the epochs in its name: two nodes' clocks need not agree on what came first.
                let stands = principal.is_some_and(|found| asked.jti.is_under_principal(found.epoch))
                    && client.is_some_and(|found| asked.jti.is_under_client(found.epoch));
                if !stands || sql::is_revoked(tx, &asked.jti.to_string()).await? {
                    return refuse(Code::CredentialRevoked);
                }
                let Some(id) = asked.grant else { return Ok((None, bound(tx, asked, asked.org).await?)) };
                let found = sql::find_grant(tx, id).await?.filter(|grant| grant.ended_at.is_none());
                let Some(grant) = found else { return refuse(Code::CredentialRevoked) };
                // What it says of a role that is another by now is worth nothing; refreshing tells the new one.
                let Some(now) = orgs::standing(tx, grant.org, grant.user).await? else {
                    return refuse(Code::CredentialRevoked);
                };
                let is_same = asked.role.as_ref() == Some(&now.role)
                    && asked.permissions == told(tx, asked, &grant, now.permissions).await?;
                if !is_same || !asked.is_in_all(tx, &grant).await? {
                    return refuse(Code::CredentialRevoked);
                }
                let allowed = bound(tx, asked, grant.org).await?;
                Ok((Some(grant), allowed))
            })
        })
        .await
}

/// What of these permissions a token for this audience says.
async fn told(
    tx: &mut ReadTx<'_>,
    asked: &Asked,
    grant: &Grant,
    permissions: Vec<String>,
) -> Result<Vec<String>> {
    if asked.audience == asked.call.realm.issuer {
        return Ok(permissions);
    }
    let beside = apis::scopes_beside(tx, &asked.call, (grant.org, &asked.audience)).await?;
    Ok(issue::without(&permissions, &beside))
}

/// From where the organisation that a token acts for may be used by whoever has it.
async fn bound(tx: &mut ReadTx<'_>, asked: &Asked, org: Id<id::Org>) -> Result<Vec<IpNet>> {
    if asked.lifts { Ok(Vec::new()) } else { orgs::allowed(tx, org).await }
}

fn is_active(principal: &Principal) -> bool {
    principal.status == Status::Active
}
