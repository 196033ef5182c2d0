//! Signing browsers in where no identity provider runs beside: the gateway is an OpenID Connect client that was
//! registered at another server, which is found by its discovery document.
//!
//! The client has a secret, or a key that says who it is, and nothing else; there is no key here with which anybody
//! could be signed in.

mod client;
mod place;
mod profiles;
mod sessions;

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use doorward_gateway::{CheckIdToken, IdToken, Memory, SignIn};
use doorward_proto::{
    jose::{Unverified, sha256_base64url},
    secret::SecretText,
};
use doorward_sdk::server::{
    Credential, Provider, Scheme, Seen,
    jwt::{IssuerSpec, Jwts},
};
use serde::Deserialize;
use serde_json::json;
use url::{Host, Url};

use self::{
    client::{Proof, Wrong},
    place::{Place, Posts},
    profiles::Profiles,
    sessions::Sessions,
};
use crate::{
    config::{Config, Role},
    fetch::{Documents, Reach},
};

/// What the settings say, once they make sense.
struct Settings<'c> {
    client_id: &'c str,
    proof: Proof<'c>,
    issuer: &'c str,
    key: [u8; 32],
}

/// How browsers are signed in, and who knows their sessions.
pub(crate) struct Abroad {
    pub(crate) sign_in: SignIn,
    pub(crate) sessions: Arc<dyn Provider>,
}

/// Opens it, if the settings ask for it.
///
/// # Errors
/// The setting that makes no sense.
pub(crate) fn open(config: &Config, memory: &Arc<Memory>, own: &[u16]) -> Result<Option<Abroad>> {
    let Some(settings) = read(config).map_err(|(key, what)| anyhow::anyhow!("{key}: {what}"))? else {
        return Ok(None);
    };
    let reach = if config.allow.private_fetch { Reach::Anywhere } else { Reach::Public };
    let documents: Arc<dyn doorward_sdk::fetch::Fetch> = Documents::new(reach);
    let spec = IssuerSpec {
        issuer: vec![settings.issuer.to_owned()],
        any_audience: true,
        id_tokens: true,
        ..IssuerSpec::default()
    };
    let jwts = Jwts::new(&[spec], &documents).map_err(|wrong| anyhow::anyhow!("gateway.issuer: {wrong}"))?;
    let (jwts, posts) = (Arc::new(jwts), Arc::new(Posts::new(settings.issuer, reach)));
    let place = Place::new(settings.issuer, documents, doorward_sdk::clock::system());
    let authenticate = settings.proof.authenticate(settings.client_id, settings.issuer);
    let sessions = Sessions {
        jwts: Arc::clone(&jwts),
        place: Arc::clone(&place),
        posts: Arc::<Posts>::clone(&posts),
        profiles: Profiles::default(),
        authenticate: Arc::clone(&authenticate),
        memory: Arc::clone(memory),
        ttl: Duration::from_secs(config.auth.introspection_ttl.clamp(1, 30).into()),
        clock: doorward_sdk::clock::system(),
    };
    let public = config.public_url.as_ref().and_then(|url| url.0.port());
    let named = config.gateway.ports.iter().map(|port| port.0);
    let sign_in = SignIn {
        issuer: settings.issuer.to_owned(),
        client_id: settings.client_id.to_owned(),
        scope: config.gateway.scopes.join(" "),
        find: Arc::new(move || {
            let place = Arc::clone(&place);
            Box::pin(async move { place.find().await.map(|found| Arc::clone(&found.endpoints)) })
        }),
        authenticate,
        id_token: Some(check_id_token(&jwts, settings.client_id)),
        ports: own.iter().copied().chain(public).chain(named).collect(),
        http: posts,
        // Whoever registered the client has named the addresses to come back to.
        admit: Arc::new(|_| Box::pin(std::future::ready(Ok(())))),
        key: settings.key,
        memory: Arc::clone(memory),
    };
    Ok(Some(Abroad { sign_in, sessions: Arc::new(sessions) }))
}

/// What makes no sense, with its setting and the way out.
pub(crate) fn check(config: &Config) -> Result<(), Wrong> {
    read(config).map(drop)
}

/// What an operator should know.
pub(crate) fn notes(config: &Config) -> Option<(&'static str, &'static str)> {
    let gateway = &config.gateway;
    gateway.client_id.as_ref()?;
    if config.role != Role::Gateway {
        return Some((
            "gateway.client_id",
            "it is for `serve --role gateway`; this server signs people in itself",
        ));
    }
    let names_host =
        gateway.routes.0.iter().any(|spec| spec.rule.hosts.iter().any(|host| !host.starts_with('*')));
    let what =
        "no route names a host, and people are signed in only where one does: set `hosts` in gateway.routes";
    (!names_host).then_some(("gateway.client_id", what))
}

fn read(config: &Config) -> Result<Option<Settings<'_>>, Wrong> {
    let gateway = &config.gateway;
    let wrong = |key, what: &str| Err((key, what.to_owned()));
    let Some(client_id) = gateway.client_id.as_deref() else {
        let lonely = [
            ("gateway.client_secret", gateway.client_secret.is_some()),
            ("gateway.client_key", gateway.client_key.is_some()),
            ("gateway.client_key_id", gateway.client_key_id.is_some()),
            ("gateway.cookie_secret", gateway.cookie_secret.is_some()),
            ("gateway.issuer", gateway.issuer.is_some()),
        ];
        return match lonely.into_iter().find(|(_, is_set)| *is_set) {
            Some((key, _)) => wrong(
                key,
                "nobody is signed in without gateway.client_id, the name that this gateway has at the issuer",
            ),
            None => Ok(None),
        };
    };
    if config.role != Role::Gateway {
        return Ok(None);
    }
    let proof = Proof::read(config)?;
    let issuer = issuer(config)?;
    let key = proof.seal(config)?;
    if !gateway.scopes.iter().any(|scope| scope == "openid") {
        return wrong(
            "gateway.scopes",
            "`openid` has to be among them, or the issuer does not say who signed in",
        );
    }
    Ok(Some(Settings { client_id, proof, issuer, key }))
}

/// The issuer whose tokens count, where there is no other.
pub(in crate::serve) fn only_issuer(config: &Config) -> Option<&str> {
    let listed = config.auth.issuers.0.iter().flat_map(|spec| &spec.issuer);
    let mut believed = config.auth.issuer.iter().chain(&config.gateway.issuer).chain(listed);
    let first = believed.next()?;
    (!config.allow.any_issuer && believed.all(|other| other == first)).then_some(first.as_str())
}

fn issuer(config: &Config) -> Result<&str, Wrong> {
    let listed = config.auth.issuers.0.iter().flat_map(|spec| &spec.issuer);
    let mut believed = config.auth.issuer.iter().chain(listed);
    let named = match (&config.gateway.issuer, believed.next(), believed.next()) {
        (Some(issuer), ..) | (None, Some(issuer), None) => issuer.as_str(),
        (None, None, _) => {
            let what = "gateway.client_id needs it: the address of the server at which people sign in, such as \
                        https://id.example.com";
            return Err(("gateway.issuer", what.to_owned()));
        }
        _ => {
            let what = "several issuers are believed: say in gateway.issuer at which of them people sign in";
            return Err(("gateway.issuer", what.to_owned()));
        }
    };
    let url = Url::parse(named).ok();
    let is_here = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_fit = url.is_some_and(|url| {
        url.scheme() == "https" || (url.scheme() == "http" && (is_here(&url) || config.allow.private_fetch))
    });
    if is_fit { Ok(named) } else { Err(("gateway.issuer", format!("`{named}` has to be an https address"))) }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

/// OpenID Connect Core 3.1.3.7: signature, issuer and end by the keys of the issuer; then for whom, and for which try.
fn check_id_token(jwts: &Arc<Jwts>, client_id: &str) -> CheckIdToken {
    let (jwts, client_id) = (Arc::clone(jwts), client_id.to_owned());
    Arc::new(move |came: IdToken| {
        let (jwts, client_id) = (Arc::clone(&jwts), client_id.clone());
        Box::pin(async move {
            let token = SecretText::new(came.token.clone());
            let credential = Credential::Token { scheme: Scheme::Session, token };
            match jwts.recognise(&credential, Seen { now: came.now }).await {
                Ok(Some(_)) => {}
                Ok(None) => return Err("it is no JWT".to_owned()),
                Err(refusal) => return Err(refusal.message().clone()),
            }
            let claims =
                Unverified::decode_foreign(&came.token).and_then(|token| token.unverified_claims::<Claims>());
            let claims = claims.map_err(|error| error.to_string())?;
            is_for_us(&claims, &client_id, came.nonce.as_deref())?;
            Ok(whose(&claims))
        })
    })
}

/// What every ID token of a session has to have as the first had it (OpenID Connect Core 12.2), in one short text.
fn whose(claims: &Claims) -> String {
    let mut audience = match &claims.aud {
        Audience::One(name) => vec![name.as_str()],
        Audience::Many(names) => names.iter().map(String::as_str).collect(),
    };
    audience.sort_unstable();
    sha256_base64url(json!([claims.iss, claims.sub, audience]).to_string().as_bytes())
}

fn is_for_us(claims: &Claims, client_id: &str, nonce: Option<&str>) -> Result<(), String> {
    let (is_named, is_alone) = match &claims.aud {
        Audience::One(name) => (name == client_id, true),
        Audience::Many(names) => (names.iter().any(|name| name == client_id), names.len() == 1),
    };
    let is_party = claims.azp.as_deref().map_or(is_alone, |party| party == client_id);
    if !is_named || !is_party {
        return Err("it is for another client".to_owned());
    }
    match nonce {
        Some(nonce) if claims.nonce.as_deref() != Some(nonce) => {
            Err("it was not issued for this try".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
