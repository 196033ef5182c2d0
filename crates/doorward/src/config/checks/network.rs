//! Where the server listens, under which address it is known, and whom it believes.

use std::{collections::HashSet, net::SocketAddr, sync::Arc};

use doorward_gateway::{DEFAULT, RouteSpec};
use doorward_judge::Mode;

use super::{Concern, note, refuse};
use crate::{
    config::{AuthMode, ClientCertHeader, Config, PublicUrl, Role},
    serve::{
        gateway,
        tls::{Certificate, Mutual},
    },
};

pub(super) fn plain_http(config: &Config, found: &mut Vec<Concern>) {
    let has_tls = config.tls.cert.is_some();
    let is_https = config.public_url.as_ref().is_some_and(PublicUrl::is_https);
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

/// By what other machines could reach the server, if by anything.
pub(crate) fn exposure(config: &Config) -> Option<String> {
    let listener = addresses(config).find(|address| !is_local(address));
    let url = config.public_url.as_ref().filter(|url| !url.is_loopback());
    listener
        .map(|address| format!("listen {address}"))
        .or_else(|| Some(format!("public_url {}", url?.issuer())))
}

/// Every address where requests come in.
fn addresses(config: &Config) -> impl Iterator<Item = &SocketAddr> {
    config.listen.iter().chain(&config.tls.mtls_listen)
}

/// Whether listeners that ask for certificates have what they need.
pub(super) fn client_certificates(config: &Config, found: &mut Vec<Concern>) {
    let tls = &config.tls;
    let asks = !tls.mtls_listen.is_empty();
    if asks && (tls.cert.is_none() || tls.client_ca.is_none()) {
        let what = "a listener that asks for client certificates needs tls.cert, tls.key and tls.client_ca";
        found.push(refuse("tls.mtls_listen", what));
    }
    for (key, is_set) in
        [("tls.client_ca", tls.client_ca.is_some()), ("tls.client_crl", tls.client_crl.is_some())]
    {
        if is_set && !asks {
            found.push(refuse(key, "it is for tls.mtls_listen, which is not set: nobody would be asked"));
        }
    }
    let believes = !config.auth.certificates.0.is_empty() || config.auth.any_certificate;
    if believes && !asks && tls.client_cert_header == ClientCertHeader::Off {
        let what = "no certificate gets here: set tls.mtls_listen or tls.client_cert_header";
        found.push(note("auth.certificates", what));
    }
}

/// Whether the authorities of client certificates can be read.
pub(super) fn client_authorities(config: &Config, certificate: Certificate, found: &mut Vec<Concern>) {
    let Some(authorities) = config.tls.client_ca.as_deref().filter(|_| !config.tls.mtls_listen.is_empty())
    else {
        return;
    };
    let read = Mutual::read(Arc::new(certificate), authorities, config.tls.client_crl.as_deref());
    if let Err(error) = read {
        found.push(refuse("tls.client_ca", format!("{error:#}")));
    }
}

fn is_local(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

pub(super) fn listeners(config: &Config, found: &mut Vec<Concern>) {
    if config.listen.is_empty() {
        let what = "there is no address to listen on; name one, such as 127.0.0.1:8080";
        found.push(refuse("listen", what));
    }
    if let Some(address) = twice(addresses(config)) {
        found.push(refuse("listen", format!("{address} is named twice; keep one")));
    }
    if let Some(address) =
        config.metrics.listen.filter(|it| it.port() != 0 && addresses(config).any(|taken| taken == it))
    {
        let what = format!("{address} is taken by listen already; choose another port");
        found.push(refuse("metrics.listen", what));
    }
}

/// An address that is named more than once. Port 0 is another port each time.
fn twice<'a>(addresses: impl Iterator<Item = &'a SocketAddr>) -> Option<SocketAddr> {
    let mut seen = HashSet::new();
    addresses.copied().find(|address| address.port() != 0 && !seen.insert(*address))
}

pub(super) fn peers(config: &Config, found: &mut Vec<Concern>) {
    for everybody in
        config.trusted_proxies.iter().map(|network| network.0).filter(|network| network.prefix_len() == 0)
    {
        found.push(refuse(
            "trusted_proxies",
            format!("{everybody} is everybody: whoever connects could name any address as its own. Name the proxies"),
        ));
    }
    if config.proxy_protocol && config.trusted_proxies.is_empty() {
        let what = "it is for trusted_proxies, and there are none: nobody could connect. Name the proxies";
        found.push(refuse("proxy_protocol", what));
    }
    if let Some(address) = config.metrics.listen.filter(|address| !is_local(address)) {
        found.push(note(
            "metrics.listen",
            format!(
                "everybody who reaches {address} can read the figures; listen on 127.0.0.1, or let only your \
             monitoring reach it"
            ),
        ));
    }
}

/// Whether the gateway asks for credentials, and whether its routes make sense.
pub(super) fn gateway(config: &Config, found: &mut Vec<Concern>) {
    if let Err(wrong) = gateway::rules(config) {
        found.push(refuse("gateway.routes", wrong.to_string()));
    }
    for (idle, first) in gateway::idle(config) {
        let what = format!(
            "route {idle} is for nothing: route {first} is for all of its requests and comes first; give them other \
             hosts, paths or methods"
        );
        found.push(note("gateway.routes", what));
    }
    if let Err((key, what)) = gateway::check(config) {
        found.push(refuse(key, what));
    }
    if let Err((key, what)) = gateway::abroad::check(config) {
        found.push(refuse(key, what));
    }
    if config.auth.service_token_db_path.is_some() && config.role != Role::Gateway {
        let what =
            "it is for `serve --role gateway`; take the tokens over once with `doorward import orcheo FILE`";
        found.push(note("auth.service_token_db_path", what));
    }
    nobody(config, found);
    found.extend(gateway::abroad::notes(config).map(|(key, what)| note(key, what)));
    found.extend(gateway::notes(config).into_iter().map(|(key, what)| note(key, what)));
    let Some((key, mode)) = open_by(config) else { return };
    match exposure(config).filter(|_| !config.allow.open_gateway) {
        Some(by) => found.push(refuse(
            "allow.open_gateway",
            format!(
                "{key} is {mode}, and other machines reach the server by {by}: requests without a credential \
                 would be let through. Set auth.mode = \"required\" and name the routes that are open, or allow it \
                 with allow.open_gateway = true"
            ),
        )),
        None => found.push(note(
            "auth.mode",
            format!("{key} is {mode}: the gateway lets requests without a credential through"),
        )),
    }
}

/// A gateway alone that was told of nobody refuses every request, whatever it shows: most likely the settings got lost
/// on their way. Where its mode or one of its routes lets somebody through without a credential, that was said.
fn nobody(config: &Config, found: &mut Vec<Concern>) {
    let is_open = |spec: &RouteSpec| spec.rule.mode != Mode::Required;
    if config.role != Role::Gateway
        || config.auth.mode != AuthMode::Required
        || config.gateway.routes.0.iter().any(is_open)
        || gateway::believes_anybody(config)
    {
        return;
    }
    found.push(refuse(
        "auth.issuer",
        "this gateway alone asks for credentials and believes nobody, so it would refuse every request. Name whom it \
         believes: auth.issuer with auth.jwks_url or auth.jwt_secret, auth.introspection_url, auth.tokens_file, \
         auth.certificates, gateway.client_id, auth.bootstrap_service_token to begin with; or set auth.mode = \"disabled\" to let everybody through",
    ));
}

/// What lets requests without a credential through that are not named: the mode, or a route for everything.
fn open_by(config: &Config) -> Option<(String, &'static str)> {
    match config.auth.mode {
        AuthMode::Required => {}
        AuthMode::Optional => return Some(("auth.mode".to_owned(), "optional")),
        AuthMode::Disabled => return Some(("auth.mode".to_owned(), "disabled")),
    }
    config.gateway.routes.0.iter().find_map(|spec| {
        let rule = &spec.rule;
        let is_for_all = rule.name == DEFAULT || (rule.hosts.is_empty() && rule.paths.is_empty());
        let mode = match rule.mode {
            Mode::Required => return None,
            Mode::Optional => "optional",
            Mode::Disabled => "disabled",
        };
        is_for_all.then(|| (format!("the mode of the route {}", rule.name), mode))
    })
}
