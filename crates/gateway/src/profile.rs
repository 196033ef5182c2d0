//! How each reverse proxy describes the request that it asks about.
//!
//! What is described decides what is allowed, so it counts only from peers that may describe, and only in the
//! words of the one proxy that was named: a header of another family was written by the client.

use doorward_judge::{Refusal, Why, host, path::NormalPath};
use doorward_sdk::server::proof::Asked;
use http::HeaderMap;

use crate::Origin;

/// A reverse proxy whose questions are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `auth_request`: knows 401 and 403 only.
    Nginx,
    /// `forwardAuth`.
    Traefik,
    /// `forward_auth`.
    Caddy,
    /// `auth-request.lua`, or another that forwards.
    Haproxy,
    /// A few lines of Lua.
    Apache,
    /// The controller of Kubernetes, by the annotation `auth-url`: knows 401 and 403 only.
    IngressNginx,
}

/// The request that a proxy asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: NormalPath,
    /// The path as it came, with its query.
    pub(crate) uri: String,
    /// Whether it came by https, where the description says so.
    pub(crate) is_https: Option<bool>,
}

impl Described {
    /// What a proof of possession has to be for.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked { method: &self.method, host: &self.host, path: self.path.as_str() }
    }
}

/// The headers in which a request is described.
struct Family {
    method: &'static str,
    host: &'static str,
    uri: &'static str,
}

const ORIGINAL: Family =
    Family { method: "x-original-method", host: "x-original-host", uri: "x-original-uri" };
const FORWARDED: Family =
    Family { method: "x-forwarded-method", host: "x-forwarded-host", uri: "x-forwarded-uri" };

impl Profile {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Nginx, Self::Traefik, Self::Caddy, Self::Haproxy, Self::Apache, Self::IngressNginx];

    /// As `?profile=` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Haproxy => "haproxy",
            Self::Apache => "apache",
            Self::IngressNginx => "ingress-nginx",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// Whether it takes every refusal for a fault of ours but 401 and 403.
    pub(crate) const fn knows_two_refusals(self) -> bool {
        matches!(self, Self::Nginx | Self::IngressNginx)
    }

    /// The request that this proxy describes.
    ///
    /// # Errors
    /// `RequestNotDescribed` for a peer that may not describe, and for a header that is missing or repeated;
    /// `PathAmbiguous`.
    pub(crate) fn read(self, headers: &HeaderMap, origin: &Origin) -> Result<Described, Refusal> {
        origin.may_describe()?;
        match self {
            Self::Nginx => ORIGINAL.read(headers),
            Self::Traefik | Self::Caddy | Self::Haproxy | Self::Apache => FORWARDED.read(headers),
            Self::IngressNginx => by_url(headers),
        }
    }
}

/// What is described without a profile, by whoever may: it can only add to what is asked for anyway.
pub(crate) fn unasked(headers: &HeaderMap, origin: &Origin) -> Result<Option<Described>, Refusal> {
    if !origin.is_trusted {
        return Ok(None);
    }
    // A host alone describes nothing: proxies before this server write it, too.
    let families = [&ORIGINAL, &FORWARDED];
    let mut speaking = families
        .into_iter()
        .filter(|family| headers.contains_key(family.uri) || headers.contains_key(family.method));
    match (speaking.next(), speaking.next()) {
        (None, _) => Ok(None),
        (Some(family), None) => family.read(headers).map(Some),
        (Some(_), Some(_)) => {
            let hint = "The request is described twice; name the proxy with ?profile=";
            Err(Refusal::new(Why::RequestNotDescribed).hint(hint))
        }
    }
}

impl Described {
    /// A request by its method and its host, each with the name under which it is told, and its target.
    pub(crate) fn new(
        (method, its_name): (&str, &str),
        (host, hosts_name): (&str, &str),
        target: &str,
    ) -> Result<Self, Refusal> {
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
            return Err(undescribed(its_name));
        }
        // What is no host would be in no rule for hosts, and so fall to one that asks for less.
        if host::name(host).is_none() {
            return Err(undescribed(hosts_name));
        }
        let path = NormalPath::read(target);
        let path = path.map_err(|trick| Refusal::new(Why::PathAmbiguous).hint(trick.to_string()))?;
        Ok(Self {
            method: method.to_owned(),
            host: host.to_owned(),
            path,
            uri: target.to_owned(),
            is_https: None,
        })
    }
}

/// The whole address in one header, as the client wrote host and target.
fn by_url(headers: &HeaderMap) -> Result<Described, Refusal> {
    const METHOD: &str = "x-original-method";
    const URL: &str = "x-original-url";
    let method = one(headers, METHOD)?;
    let (scheme, rest) = one(headers, URL)?.split_once("://").ok_or_else(|| undescribed(URL))?;
    let is_https = match scheme {
        "https" => true,
        "http" => false,
        _ => return Err(undescribed(URL)),
    };
    let (host, target) = rest.split_at(rest.find('/').ok_or_else(|| undescribed(URL))?);
    let described = Described::new((method, METHOD), (host, URL), target)?;
    Ok(Described { is_https: Some(is_https), ..described })
}

impl Origin {
    /// Whether descriptions from there count.
    ///
    /// # Errors
    /// `RequestNotDescribed` when they do not.
    pub(crate) fn may_describe(&self) -> Result<(), Refusal> {
        if self.is_trusted {
            return Ok(());
        }
        let hint = "Only loopback and trusted_proxies may describe requests";
        Err(Refusal::new(Why::RequestNotDescribed).hint(hint))
    }
}

impl Family {
    fn read(&self, headers: &HeaderMap) -> Result<Described, Refusal> {
        let method = (one(headers, self.method)?, self.method);
        let host = (one(headers, self.host)?, self.host);
        Described::new(method, host, one(headers, self.uri)?)
    }
}

fn one<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| undescribed(name)),
        _ => Err(undescribed(name)),
    }
}

pub(crate) fn undescribed(name: &str) -> Refusal {
    Refusal::new(Why::RequestNotDescribed).hint(format!("It takes {name}, once, and well-formed"))
}
