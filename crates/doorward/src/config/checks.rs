//! What is unsafe in a configuration: some of it refuses a start, the rest is explained.

use std::net::SocketAddr;

use super::Config;

/// Something an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// The key that would have to change.
    pub key: &'static str,
    /// What is wrong and what to do, in a sentence.
    pub what: String,
    /// Whether a start is refused.
    pub refuses: bool,
}

/// Everything that is unsafe or contradicts itself. What refuses a start comes first.
pub fn concerns(config: &Config) -> Vec<Concern> {
    let mut found = Vec::new();
    plain_http(config, &mut found);
    origins(config, &mut found);
    pairs(config, &mut found);
    lifetimes(config, &mut found);
    allowances(config, &mut found);
    found.sort_by_key(|concern| !concern.refuses);
    found
}

fn refuse(key: &'static str, what: impl Into<String>) -> Concern {
    Concern { key, what: what.into(), refuses: true }
}

fn note(key: &'static str, what: impl Into<String>) -> Concern {
    Concern { key, what: what.into(), refuses: false }
}

fn plain_http(config: &Config, found: &mut Vec<Concern>) {
    let has_tls = config.tls.cert.is_some();
    let is_https = config.public_url.as_ref().is_some_and(super::PublicUrl::is_https);
    let behind_proxy = is_https && !config.trusted_proxies.is_empty();
    let public: Vec<String> =
        config.listen.iter().filter(|address| !is_local(address)).map(ToString::to_string).collect();
    if !public.is_empty() && !has_tls && !behind_proxy && !config.allow.plain_http {
        found.push(refuse(
            "allow.plain_http",
            format!(
                "plain http on {} can be read by everybody on the way. Set tls.cert and tls.key; or, behind a \
                 proxy that speaks https, public_url = \"https://…\" and trusted_proxies; or allow it with \
                 allow.plain_http = true",
                public.join(", ")
            ),
        ));
    }
    let remote = config.public_url.as_ref().filter(|url| !url.is_https() && !url.is_loopback());
    if let Some(url) = remote.filter(|_| !config.allow.plain_http) {
        found.push(refuse(
            "allow.plain_http",
            format!(
                "public_url {} is plain http and not this machine. Use https, or allow it with \
                 allow.plain_http = true",
                url.issuer()
            ),
        ));
    }
    if has_tls && config.public_url.as_ref().is_some_and(|url| !url.is_https()) {
        found.push(refuse("public_url", "tls.cert is set, so public_url must begin with https://"));
    }
}

fn is_local(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn origins(config: &Config, found: &mut Vec<Concern>) {
    for origin in &config.cors.allowed_origins {
        if origin == "*" && !config.allow.any_origin {
            found.push(refuse(
                "allow.any_origin",
                "cors.allowed_origins holds `*`: scripts of every site could read answers. Name the origins, or \
                 allow it with allow.any_origin = true",
            ));
        } else if origin != "*" && !is_origin(origin) {
            found.push(refuse(
                "cors.allowed_origins",
                format!("`{origin}` is not an origin; write https://app.example.com without a path"),
            ));
        }
    }
}

fn is_origin(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| url.origin().is_tuple() && url.origin().ascii_serialization() == text)
}

fn pairs(config: &Config, found: &mut Vec<Concern>) {
    if config.listen.is_empty() {
        found.push(refuse("listen", "there is no address to listen on"));
    }
    if config.tls.cert.is_some() != config.tls.key.is_some() {
        found.push(refuse("tls.key", "tls.cert and tls.key belong together; only one of them is set"));
    }
    if config.master_key.is_some() && config.master_key_file.is_some() {
        found.push(refuse("master_key", "master_key and master_key_file are both set; keep one"));
    }
    if config.setup.email.is_some() != config.setup.password.is_some() {
        found.push(refuse(
            "setup.password",
            "setup.email and setup.password belong together; only one of them is set",
        ));
    }
    let wants_api = config.password.breach_check == super::values::BreachCheck::RangeApi;
    if wants_api && config.password.breach_api.is_none() {
        found.push(refuse("password.breach_api", "password.breach_check is range-api, and no API is set"));
    }
    if config.password.min_strength > 4 {
        found.push(refuse("password.min_strength", "password.min_strength goes from 0 to 4"));
    }
    if config.setup.password.is_some() {
        found.push(note(
            "setup.password",
            "setup.password is only needed for the first start; remove it from the environment",
        ));
    }
    if config.auth.bootstrap_service_token.is_some() {
        found.push(note(
            "auth.bootstrap_service_token",
            "the bootstrap token is a root credential; create a service token and remove it",
        ));
    }
}

fn lifetimes(config: &Config, found: &mut Vec<Concern>) {
    let tokens = &config.tokens;
    let zero = [
        ("tokens.code_ttl", tokens.code_ttl),
        ("tokens.access_ttl", tokens.access_ttl),
        ("tokens.id_ttl", tokens.id_ttl),
        ("tokens.refresh_ttl", tokens.refresh_ttl),
        ("session.idle", config.session.idle),
        ("session.absolute", config.session.absolute),
        ("keys.rotation", config.keys.rotation),
    ];
    for (key, _) in zero.into_iter().filter(|(_, span)| span.0.is_zero()) {
        found.push(refuse(key, format!("{key} is zero: nothing would live long enough to be used")));
    }
    if config.keys.overlap.0 < tokens.access_ttl.0.max(tokens.id_ttl.0) {
        found.push(refuse(
            "keys.overlap",
            "keys.overlap is shorter than the tokens that the keys sign: they would stop verifying",
        ));
    }
    let seconds = tokens.code_ttl.0.as_secs();
    if seconds > 600 {
        found.push(note("tokens.code_ttl", "codes should live ten minutes at the most (RFC 6749 4.1.2)"));
    }
    if tokens.access_ttl.0.as_secs() > 24 * 3600 {
        found.push(note(
            "tokens.access_ttl",
            "access tokens that live longer than a day stay usable elsewhere long after they were revoked here",
        ));
    }
    if config.session.idle.0 > config.session.absolute.0 {
        found.push(note("session.idle", "session.idle is longer than session.absolute and has no effect"));
    }
}

fn allowances(config: &Config, found: &mut Vec<Concern>) {
    let on = [
        ("allow.plain_http", config.allow.plain_http, "passwords and tokens may travel unencrypted"),
        ("allow.any_origin", config.allow.any_origin, "scripts of every site may read answers"),
        (
            "allow.private_fetch",
            config.allow.private_fetch,
            "URLs that clients supply may reach this server's own network",
        ),
    ];
    for (key, _, what) in on.into_iter().filter(|(_, is_on, _)| *is_on) {
        found.push(note(key, format!("{key} is on: {what}")));
    }
}
