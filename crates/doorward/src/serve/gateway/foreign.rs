//! Whose credentials the gateway believes beside those of this server, as the configuration names them.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use doorward_judge::Mode;
use doorward_sdk::{
    clock,
    exchange::{Http, Hyper},
    server::{
        Provider,
        introspection::IntrospectionSpec,
        jwt::IssuerSpec,
        settings::{AuthSettings, BadSettings, Outside},
    },
};

use crate::{
    config::{AuthMode, Config, Role},
    fetch::{Documents, Reach},
};

/// Who knows the credentials of others.
///
/// # Errors
/// The first setting that makes no sense, or is not safe.
pub(crate) fn providers(config: &Config, issuer: &str) -> Result<Vec<Arc<dyn Provider>>> {
    settings(config, issuer).providers(&outside(config)?).map_err(|wrong| anyhow!("{}", said(&wrong)))
}

/// The world, as this configuration lets it be reached.
fn outside(config: &Config) -> Result<Outside> {
    let reach = if config.allow.private_fetch { Reach::Anywhere } else { Reach::Public };
    let mut http: Option<Arc<dyn Http>> = None;
    // A machine without any certificate authority can still serve.
    if config.auth.introspection_url.is_some() {
        http = Some(Arc::new(Hyper::new().context("this machine's certificate authorities cannot be read")?));
    }
    Ok(Outside { fetch: Documents::new(reach), http, clock: clock::system() })
}

/// Whether the settings make sense; the key and the reason where they do not.
pub(crate) fn check(config: &Config) -> Result<(), (&'static str, String)> {
    let outside = outside(config).map_err(|error| ("auth.issuers", format!("{error:#}")))?;
    let own = config.public_url.as_ref().map_or_else(String::new, crate::config::PublicUrl::issuer);
    let read = settings(config, &own).providers(&outside);
    read.map(drop).map_err(|wrong| (key(&wrong.name), wrong.what))
}

/// Whether there is anybody whose requests a gateway alone would let through where a credential is demanded.
pub(crate) fn believes_anybody(config: &Config) -> bool {
    settings(config, "").believes_anybody()
        || config.auth.service_token_db_path.is_some()
        || config.auth.bootstrap_service_token.is_some()
        || config.gateway.client_id.is_some()
}

/// What an operator should know of them, by key.
pub(crate) fn notes(config: &Config) -> Vec<(&'static str, &'static str)> {
    settings(config, "").notes().into_iter().map(|(name, what)| (key(name), what)).collect()
}

fn said(wrong: &BadSettings) -> String {
    format!("{}: {}", key(&wrong.name), wrong.what)
}

/// The configuration's name for a setting of the SDK's.
fn key(name: &str) -> &'static str {
    match name {
        "audience" => "allow.any_audience",
        "issuer" => "allow.any_issuer",
        "introspection" => "auth.introspection_url",
        "certificates" => "auth.certificates",
        "basic_file" => "auth.basic_file",
        "tokens_file" => "auth.tokens_file",
        "bootstrap" => "auth.bootstrap_service_token",
        _ => "auth.issuers",
    }
}

/// What the configuration says of others, in the words of the SDK.
pub(super) fn settings(config: &Config, issuer: &str) -> AuthSettings {
    let auth = &config.auth;
    let alone = IssuerSpec {
        issuer: auth.issuer.clone(),
        jwks_url: auth.jwks_url.clone(),
        jwks_static: auth.jwks_static.clone().or_else(|| auth.jwks.clone()),
        jwt_secret: auth.jwt_secret.clone(),
        allowed_algorithms: auth.allowed_algorithms.clone(),
        jwks_cache_ttl: auth.jwks_cache_ttl.into(),
        jwks_timeout: auth.jwks_timeout.0,
        ..IssuerSpec::default()
    };
    let is_named = !alone.issuer.is_empty()
        || alone.jwks_url.is_some()
        || alone.jwks_static.is_some()
        || alone.jwt_secret.is_some();
    let audience = match auth.audience.as_slice() {
        [] if config.role == Role::Gateway => Vec::new(),
        [] => vec![issuer.to_owned()],
        named => named.to_vec(),
    };
    AuthSettings {
        mode: mode(config),
        audience,
        issuers: is_named.then_some(alone).into_iter().chain(auth.issuers.0.iter().cloned()).collect(),
        introspection: auth.introspection_url.clone().map(|url| IntrospectionSpec {
            url,
            client_id: auth.introspection_client_id.clone().unwrap_or_default(),
            client_secret: auth.introspection_client_secret.clone().unwrap_or_default(),
            ttl: auth.introspection_ttl.into(),
            jwts: auth.introspection_jwts,
        }),
        certificates: auth.certificates.0.clone(),
        certificate_subject: auth.certificate_subject,
        any_certificate: auth.any_certificate,
        basic_file: auth.basic_file.clone(),
        tokens_file: auth.tokens_file.clone(),
        // A gateway alone adds it, with an end.
        bootstrap: None,
        any_audience: config.allow.any_audience,
        any_issuer: config.allow.any_issuer,
        // The gateway has counters of its own.
        ..AuthSettings::default()
    }
}

pub(crate) const fn mode(config: &Config) -> Mode {
    match config.auth.mode {
        AuthMode::Required => Mode::Required,
        AuthMode::Optional => Mode::Optional,
        AuthMode::Disabled => Mode::Disabled,
    }
}

#[cfg(test)]
mod tests;
