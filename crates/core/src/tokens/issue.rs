//! Making tokens: claims are put together inside the operation that makes them durable, signatures
//! outside it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use doorward_proto::{
    access_token::{AccessTokenClaims, Confirmation, TokenUse},
    id::{self, Id},
    id_token::{IdTokenClaims, left_hash},
    jose::{Alg, Typ},
    scope::ScopeSet,
    secret::{self, Opaque, TokenHash},
    time::Time,
};
use serde_json::{Map, Value};

use super::{Grant, Told, standard_claims};
use crate::{
    apis::{self, Api, TokenFormat},
    audit::Event,
    call::Call,
    clients::Client,
    db::ReadTx,
    grants::sql::Presented,
    keys,
    orgs::Standing,
    outcome::{Code, Error, Refusal, Result, refuse},
    usage::{Counts, Kind, Sample},
};

/// What the token endpoint answers.
#[derive(Debug)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// Whether it is bound to a DPoP key.
    pub is_dpop: bool,
    /// Its lifetime.
    pub expires_in: Duration,
    /// The refresh token, where there is one.
    pub refresh_token: Option<Opaque>,
    /// The ID token, where `openid` was granted.
    pub id_token: Option<String>,
    /// What was granted.
    pub scope: ScopeSet,
}

/// Whom an access token is for, and how it is made.
#[derive(Debug, Clone)]
pub struct Target {
    /// The audience.
    pub audience: String,
    /// The API behind it; none for the issuer itself.
    pub api: Option<Arc<Api>>,
    /// The token's lifetime.
    pub ttl: Duration,
    /// Permissions that are other APIs' to read.
    pub(crate) beside: Arc<HashSet<String>>,
}

/// What the platform and the organisation say of a person.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    pub(crate) platform_role: i64,
    pub(crate) roles: Vec<String>,
    /// In the grant's organisation; none for who does not belong to it any more.
    pub(crate) standing: Option<Standing>,
    /// The workspaces of that organisation that they are in.
    pub(crate) workspaces: Vec<String>,
    /// There is no account yet.
    pub(crate) is_anonymous: bool,
}

/// An access token before it is signed, or the opaque one that was stored.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) body: AccessTokenClaims,
    pub(crate) alg: Alg,
    pub(crate) opaque: Option<Opaque>,
}

/// The audience of a token: what the token request names, else what the grant was made for, else the
/// client's default API, else the issuer (RFC 8707 2.2: one token, one audience).
///
/// # Errors
/// `TargetInvalid` for more than one, for an unknown API, and for one outside the grant.
pub async fn target_of(call: &Call, client: &Client, asked: &[String], granted: &[String]) -> Result<Target> {
    let audience = audience_of(call, client, asked, granted)?;
    let api = if audience == call.realm.issuer { None } else { apis::find(call, &audience).await? };
    Target::new(call, client, audience, api)
}

/// The same inside an operation.
pub(crate) async fn target_in(
    tx: &mut ReadTx<'_>,
    (call, client): (&Call, &Client),
    asked: &[String],
    granted: &[String],
) -> Result<Target> {
    let audience = audience_of(call, client, asked, granted)?;
    let api = if audience == call.realm.issuer { None } else { apis::find_in(tx, call, &audience).await? };
    Target::new(call, client, audience, api)
}

fn audience_of(call: &Call, client: &Client, asked: &[String], granted: &[String]) -> Result<String> {
    match asked {
        [] => {
            Ok(granted.first().or(client.metadata.default_api.as_ref()).unwrap_or(&call.realm.issuer).clone())
        }
        [one] if granted.is_empty() || granted.contains(one) || *one == call.realm.issuer => Ok(one.clone()),
        [_] => Err(target_refused("The resource is not part of the grant")),
        _ => Err(target_refused("A token has one audience: name one resource")),
    }
}

fn target_refused(hint: &'static str) -> Error {
    Refusal::new(Code::TargetInvalid).hint(hint).field("resource").into()
}

/// The audiences of a grant: those consented to, else the one that a request without any means.
pub(crate) fn granted_of(call: &Call, client: &Client, consented: Vec<String>) -> Vec<String> {
    if consented.is_empty() {
        return vec![client.metadata.default_api.as_ref().unwrap_or(&call.realm.issuer).clone()];
    }
    consented
}

impl Target {
    fn new(call: &Call, client: &Client, audience: String, api: Option<Arc<Api>>) -> Result<Self> {
        let client_ttl = client.metadata.access_ttl.map(Duration::from_secs);
        let default_ttl = call.realm.settings.tokens.access_ttl;
        if audience == call.realm.issuer {
            let ttl = client_ttl.unwrap_or(default_ttl);
            return Ok(Self { audience, api: None, ttl, beside: Arc::default() });
        }
        let api = api.ok_or_else(|| target_refused("The resource is not known"))?;
        let is_named = client.metadata.apis.contains(&audience)
            || client.metadata.default_api.as_ref() == Some(&audience)
            || (client.metadata.apis.is_empty() && api.org == client.org);
        if !is_named {
            return Err(target_refused("The application may not ask for this resource"));
        }
        let ttl = client_ttl.or(api.access_ttl.map(Duration::from_secs)).unwrap_or(default_ttl);
        Ok(Self { audience, api: Some(api), ttl, beside: Arc::default() })
    }

    fn alg(&self) -> Alg {
        self.api.as_ref().map_or(Alg::ES256, |api| api.signing_alg)
    }

    pub(crate) fn is_opaque(&self) -> bool {
        self.api.as_ref().is_some_and(|api| api.token_format == TokenFormat::Opaque)
    }

    /// The token of an application that acts for itself (RFC 6749 4.4).
    pub(crate) fn client_claims(
        &self,
        call: &Call,
        client: &Client,
        scope: &ScopeSet,
        jkt: Option<&str>,
    ) -> Result<Claims> {
        let jti: Id<id::Token> = call.id()?;
        let jti = jti.under(client.epoch, client.epoch);
        let mut claims = self.common(call, client, scope, (jti, jkt));
        claims.sub.clone_from(&client.client_id);
        claims.token_use = Some(TokenUse::Client);
        claims.role = Some("service".to_owned());
        claims.tenant_id = Some(client.org.to_string());
        let opaque = self.is_opaque().then(|| call.secret(secret::Kind::Access)).transpose()?;
        Ok(Claims { body: claims, alg: self.alg(), opaque })
    }

    fn common(
        &self,
        call: &Call,
        client: &Client,
        scope: &ScopeSet,
        (jti, jkt): (Id<id::Token>, Option<&str>),
    ) -> AccessTokenClaims {
        AccessTokenClaims {
            iss: call.realm.issuer.clone(),
            aud: self.audience.clone(),
            exp: (call.now + self.ttl).as_seconds(),
            iat: call.now.as_seconds(),
            nbf: Some(call.now.as_seconds()),
            jti: jti.to_string(),
            client_id: client.client_id.clone(),
            scope: scope.clone(),
            cnf: jkt.map(|jkt| Confirmation { jkt: Some(jkt.to_owned()), ..Confirmation::default() }),
            ..AccessTokenClaims::default()
        }
    }
}

/// What of a person's permissions a token carries: an API is told nothing that is another one's.
pub(crate) fn without(permissions: &[String], beside: &HashSet<String>) -> Vec<String> {
    permissions.iter().filter(|name| !beside.contains(*name)).cloned().collect()
}

impl<R> Presented<R> {
    /// The access token of the person whose grant this is, for `scope` or less than was granted. Role and
    /// permissions are those of the grant's organisation, read with the grant.
    ///
    /// # Errors
    /// `GrantEnded` for who does not belong to that organisation any more.
    pub(crate) fn access_claims(
        &self,
        call: &Call,
        client: &Client,
        (target, scope): (&Target, &ScopeSet),
        jkt: Option<&str>,
    ) -> Result<Claims> {
        let Self { grant, person, epoch, .. } = self;
        let Some(standing) = &person.standing else { return refuse(Code::GrantEnded) };
        let opaque = target.is_opaque().then(|| call.secret(secret::Kind::Access)).transpose()?;
        let jti: Id<id::Token> = call.id()?;
        let mut claims = target.common(call, client, scope, (jti.under(*epoch, client.epoch), jkt));
        claims.sub = grant.user.to_string();
        claims.token_use = Some(TokenUse::User);
        claims.auth_time = Some(grant.facts.auth_time);
        claims.acr = Some(grant.facts.acr.clone());
        claims.amr.clone_from(&grant.facts.amr);
        claims.sid = grant.session.map(|sid| sid.to_string());
        claims.tenant_id = Some(grant.org.to_string());
        claims.org_role = Some(standing.role.clone());
        claims.permissions = without(&standing.permissions, &target.beside);
        claims.workspace_ids.clone_from(&person.workspaces);
        claims.roles.clone_from(&person.roles);
        claims.role = Some(if person.platform_role == 1 { "admin" } else { "user" }.to_owned());
        claims.grant_id = Some(grant.id.to_string());
        claims.is_anonymous = person.is_anonymous;
        Ok(Claims { body: claims, alg: target.alg(), opaque })
    }
}

impl Claims {
    /// What is stored of an opaque token, under its keyed hash.
    pub(crate) fn stored(&self, call: &Call) -> Option<(TokenHash, AccessTokenClaims)> {
        self.opaque.as_ref().map(|opaque| (call.realm.vault.hash(opaque), self.body.clone()))
    }

    /// The event that says that this token was issued from a grant.
    pub(crate) fn event(&self, call: &Call, client: &Client, grant: &Grant) -> Result<Event> {
        let event = Event::new(call, "token.issued")?.client(client.id).subject(grant.user).org(grant.org);
        Ok(event
            .fact("jti", self.body.jti.clone())
            .fact("aud", self.body.aud.clone())
            .fact("grant_id", grant.id.to_string())
            .fact("scope", self.body.scope.as_str()))
    }
}

/// What the token endpoint hands out: the access token signed, unless it is an opaque one. It is counted.
pub(crate) async fn sign(call: &Call, made: Claims) -> Result<String> {
    let Claims { body, .. } = &made;
    let org = body.tenant_id.as_deref().unwrap_or_default();
    let whose = Sample { org, principal: &body.sub, client: &body.client_id, status: 2, ..Sample::default() };
    call.realm.usage.count(call.now, &Sample { kind: Kind::Token, ..whose }, Counts::ONE);
    if let Some(opaque) = made.opaque {
        return Ok(opaque.expose().to_owned());
    }
    let signer = keys::current(call).await?.signer(made.alg, call.now)?;
    Ok(signer.sign_jwt(Typ::AccessToken, &serde_json::to_vec(&made.body)?)?)
}

/// The algorithm of a client's ID tokens: RS256 unless it registered another (OpenID Connect
/// Registration 2).
pub(crate) fn id_token_alg(client: &Client) -> Alg {
    let asked = client.metadata.id_token_signed_response_alg.as_deref();
    Alg::ALL.into_iter().find(|alg| Some(alg.as_str()) == asked).unwrap_or(Alg::RS256)
}

/// What an ID token says of the request that made it.
#[derive(Debug, Default)]
pub(crate) struct IdTokenFacts<'a> {
    pub(crate) nonce: Option<String>,
    pub(crate) access_token: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    /// Custom claims.
    pub(crate) custom: Map<String, Value>,
}

/// The ID token of a grant (OpenID Connect Core 2).
pub(crate) async fn id_token(
    call: &Call,
    client: &Client,
    grant: &Grant,
    told: &Told,
    about: IdTokenFacts<'_>,
) -> Result<String> {
    let alg = id_token_alg(client);
    let asked = grant.facts.claims.as_ref().map(|claims| &claims.id_token);
    let mut extra = standard_claims(told, &grant.scope, asked, client);
    extra.extend(about.custom);
    let claims = IdTokenClaims {
        iss: call.realm.issuer.clone(),
        sub: grant.user.to_string(),
        aud: client.client_id.clone(),
        exp: (call.now + call.realm.settings.tokens.id_ttl).as_seconds(),
        iat: call.now.as_seconds(),
        auth_time: Some(grant.facts.auth_time),
        nonce: about.nonce,
        acr: Some(grant.facts.acr.clone()),
        amr: grant.facts.amr.clone(),
        azp: Some(client.client_id.clone()),
        at_hash: about.access_token.map(|token| left_hash(alg, token)),
        c_hash: about.code.map(|code| left_hash(alg, code)),
        sid: grant.session.map(|sid| sid.to_string()),
        tenant_id: None,
        org_role: None,
        extra,
    };
    let signer = keys::current(call).await?.signer(alg, call.now)?;
    Ok(signer.sign_jwt(Typ::Jwt, &serde_json::to_vec(&claims)?)?)
}

/// When a refresh token ends by itself.
pub(crate) fn refresh_expiry(call: &Call, client: &Client, absolute: Time) -> Time {
    let idle =
        client.metadata.refresh_ttl.map_or(call.realm.settings.tokens.refresh_ttl, Duration::from_secs);
    (call.now + idle).min(absolute)
}
