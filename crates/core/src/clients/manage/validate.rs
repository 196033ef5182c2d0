//! What an application may be registered with. Pure: whether an API exists is asked where it is stored.

use std::borrow::Cow;

use doorward_proto::{
    client_id::check_chosen,
    jose::{JoseError, Jwks, KeySet},
    redirect::RedirectUri,
    scope::is_scope_name,
};
use url::{Host, Url};

use super::Registration;
use crate::{
    clients::{AuthMethod, Metadata},
    grants::ANONYMOUS,
    outcome::{Code, Refusal, Result},
};

/// Grant types that work.
pub const GRANT_TYPES: [&str; 4] = ["authorization_code", "refresh_token", "client_credentials", ANONYMOUS];
/// Signatures of ID tokens that work.
const ID_TOKEN_ALGS: [&str; 3] = ["RS256", "ES256", "EdDSA"];
const MAX_URIS: usize = 500;
const MAX_SCOPES: usize = 200;
const DAY: u64 = 24 * 60 * 60;

fn bad(field: &'static str, hint: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::ClientMetadataInvalid).field(field).hint(hint)
}

/// A chosen `client_id`.
pub(super) fn check_client_id(chosen: &str) -> Result<()> {
    check_chosen(chosen).map_err(|why| bad("client_id", format!("A client_id {why}")).into())
}

/// A name that people see.
pub(crate) fn is_name(name: &str) -> bool {
    let name_length = name.chars().count();
    (1..=200).contains(&name_length) && name.trim() == name && !name.chars().any(is_unseen)
}

/// Characters that hide, or turn round what stands beside them on a page (UTS 39, UAX 9).
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Checks everything that stands in the registration itself.
pub(super) fn check(registration: &Registration) -> Result<()> {
    let metadata = &registration.metadata;
    if !is_name(&registration.name) {
        return Err(bad("name", "A name has 1 to 200 letters").into());
    }
    check_grants(registration)?;
    check_authentication(registration)?;
    check_uris(metadata)?;
    check_scopes(metadata)?;
    check_tokens(metadata)?;
    check_providers(metadata)?;
    if !metadata.require_pkce && !registration.is_confidential {
        return Err(bad("require_pkce", "Only a confidential client can be excused from PKCE").into());
    }
    Ok(())
}

/// Names of identity providers; one that is gone is merely not offered.
fn check_providers(metadata: &Metadata) -> Result<()> {
    let is_name = |name: &String| {
        (1..=80).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b))
    };
    if metadata.providers.as_ref().is_some_and(|all| all.len() > 50 || !all.iter().all(is_name)) {
        return Err(bad("providers", "Up to 50 names of identity providers").into());
    }
    Ok(())
}

fn check_grants(registration: &Registration) -> Result<()> {
    let metadata = &registration.metadata;
    if metadata.grant_types.iter().any(|grant| !GRANT_TYPES.contains(&grant.as_str())) {
        return Err(bad("grant_types", "A grant type is not supported").into());
    }
    if metadata.allows_grant("authorization_code") && metadata.redirect_uris.is_empty() {
        return Err(bad("redirect_uris", "The authorization code grant needs a redirect URI").into());
    }
    if metadata.allows_grant("client_credentials") && !registration.is_confidential {
        return Err(bad("grant_types", "A public client cannot use client credentials").into());
    }
    if metadata.allows_grant("refresh_token") && !metadata.allows_grant("authorization_code") {
        return Err(bad("grant_types", "Refresh tokens come with the authorization code grant").into());
    }
    let registers = metadata.allows_grant("authorization_code") && metadata.allows_grant("refresh_token");
    if metadata.allows_grant(ANONYMOUS) && !registers {
        let hint = "Who begins without an account needs refresh tokens, and codes to register";
        return Err(bad("grant_types", hint).into());
    }
    Ok(())
}

fn check_authentication(registration: &Registration) -> Result<()> {
    let metadata = &registration.metadata;
    let method = metadata.token_endpoint_auth_method;
    if registration.is_confidential == (method == AuthMethod::None) {
        let hint = "A public client uses none, a confidential one something else";
        return Err(bad("token_endpoint_auth_method", hint).into());
    }
    match (&metadata.jwks, &metadata.jwks_uri) {
        (None, None) if method == AuthMethod::PrivateKeyJwt => {
            Err(bad("jwks", "private_key_jwt needs the client's public keys, by jwks or jwks_uri").into())
        }
        (Some(_), Some(_)) => Err(bad("jwks_uri", "Either jwks or jwks_uri (RFC 7591 2)").into()),
        (None, Some(uri)) if !is_safe_address(uri) => {
            Err(bad("jwks_uri", "It has to be an https address without a fragment").into())
        }
        (Some(jwks), None) => check_jwks(jwks),
        (None, _) => Ok(()),
    }
}

/// Where we may send something, or fetch something from: https, or this machine in development.
fn is_safe_address(uri: &str) -> bool {
    web_address(uri).is_some_and(|url| url.scheme() == "https" || is_loopback(&url))
}

fn check_jwks(jwks: &serde_json::Value) -> Result<()> {
    let refuse = |hint| Err(bad("jwks", hint).into());
    match Jwks::parse(jwks.to_string().as_bytes()) {
        Ok(keys) if KeySet::from_jwks(&keys).is_empty() => refuse("No key of the set can be used"),
        Ok(_) => Ok(()),
        Err(JoseError::PrivateKey) => {
            refuse("The set holds a private key, which has been shown to others now: make a new one")
        }
        Err(_) => refuse("It has to be a set of public keys (RFC 7517)"),
    }
}

fn check_uris(metadata: &Metadata) -> Result<()> {
    for (field, uris) in [
        ("redirect_uris", &metadata.redirect_uris),
        ("post_logout_redirect_uris", &metadata.post_logout_redirect_uris),
    ] {
        if uris.len() > MAX_URIS {
            return Err(bad(field, "There are too many addresses").into());
        }
        for uri in uris {
            if let Err(why) = uri.parse::<RedirectUri>() {
                let hint = format!("An address {why}");
                return Err(Refusal::new(Code::RedirectUriInvalid).field(field).hint(hint).into());
            }
        }
    }
    if let Some(uri) = &metadata.backchannel_logout_uri
        && !is_safe_address(uri)
    {
        return Err(bad("backchannel_logout_uri", "It has to be an https address without a fragment").into());
    }
    let shown = [
        ("logo_uri", &metadata.logo_uri),
        ("client_uri", &metadata.client_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
    ];
    match shown.iter().find(|(_, uri)| uri.as_ref().is_some_and(|uri| web_address(uri).is_none())) {
        Some((field, _)) => Err(bad(field, "It has to be an http or https address").into()),
        None => Ok(()),
    }
}

fn web_address(uri: &str) -> Option<Url> {
    let url = Url::parse(uri).ok().filter(|_| uri.len() <= 2048)?;
    let is_plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn check_scopes(metadata: &Metadata) -> Result<()> {
    if metadata.scopes.len() > MAX_SCOPES || !metadata.scopes.iter().all(|scope| is_scope_name(scope)) {
        return Err(bad("scopes", "Scopes are words without spaces").into());
    }
    Ok(())
}

fn check_tokens(metadata: &Metadata) -> Result<()> {
    if metadata
        .id_token_signed_response_alg
        .as_ref()
        .is_some_and(|alg| !ID_TOKEN_ALGS.contains(&alg.as_str()))
    {
        return Err(bad("id_token_signed_response_alg", "RS256, ES256 and EdDSA are supported").into());
    }
    let lifetimes = [
        ("access_ttl", metadata.access_ttl, 60..=DAY),
        ("refresh_ttl", metadata.refresh_ttl, 60..=366 * DAY),
        ("default_max_age", metadata.default_max_age, 0..=366 * DAY),
    ];
    match lifetimes.iter().find(|(_, value, range)| value.is_some_and(|value| !range.contains(&value))) {
        Some((field, ..)) => Err(bad(field, "The lifetime is out of range").into()),
        None => Ok(()),
    }
}
