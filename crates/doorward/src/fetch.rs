//! Outbound HTTP with a guard against server-side request forgery (SECURITY.md).
//!
//! Every URL that a client supplies ends here. The name is resolved by us, every address it resolves to
//! must be a public one, and the connection goes to exactly those addresses: a second look-up cannot
//! answer differently. https only, no redirects, no proxy of the environment, 5 s, 64 KiB.

mod documents;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use doorward_core::env::{Fetch, FetchFailure, FetchRequest, FetchResponse};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

pub use documents::Documents;

const TIME: Duration = Duration::from_secs(5);
const BODY: usize = 64 * 1024;

/// Which addresses may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses by https.
    Public,
    /// Any address by https, and this machine by plain http: URLs of the operator's own.
    Named,
    /// Any address, plain http too: `allow.private_fetch`, for development.
    Anywhere,
}

/// The fetcher of this process.
pub fn fetcher(reach: Reach) -> Fetch {
    let client: Arc<OnceLock<Result<reqwest::Client, String>>> = Arc::default();
    Arc::new(move |request| {
        let client = Arc::clone(&client);
        Box::pin(async move {
            check(&request.url, reach).map_err(FetchFailure::Refused)?;
            // Made at the first use: a machine without any certificate authority can still serve.
            let client = client.get_or_init(|| build(reach).map_err(|error| describe(&error)));
            let client = client.as_ref().map_err(|why| FetchFailure::NoAnswer(why.clone()))?;
            send(client, request, None).await
        })
    })
}

fn build(reach: Reach) -> reqwest::Result<reqwest::Client> {
    builder(reach).build()
}

/// One that believes these certificate authorities (PEM), and no other.
fn trusting(reach: Reach, authorities: &[u8]) -> reqwest::Result<reqwest::Client> {
    builder(reach).tls_certs_only(reqwest::Certificate::from_pem_bundle(authorities)?).build()
}

#[expect(clippy::disallowed_methods, reason = "this is what `Env::fetch` is made of")]
fn builder(reach: Reach) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("doorward/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .https_only(reach == Reach::Public)
        .no_proxy()
        .timeout(TIME)
        .connect_timeout(TIME)
        .dns_resolver(Arc::new(Guard(reach)))
}

async fn send(
    client: &reqwest::Client,
    request: FetchRequest,
    within: Option<Duration>,
) -> Result<FetchResponse, FetchFailure> {
    let failed = |error: reqwest::Error| match refusal(&error) {
        Some(why) => FetchFailure::Refused(why),
        None => FetchFailure::NoAnswer(describe(&error)),
    };
    let method = reqwest::Method::from_bytes(request.method.as_bytes())
        .map_err(|_| FetchFailure::Refused(format!("method {}", request.method)))?;
    let mut builder = client.request(method, request.url);
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    if let Some(within) = within {
        builder = builder.timeout(within);
    }
    let mut response = builder.body(request.body).send().await.map_err(failed)?;
    let headers = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > BODY {
            return Err(FetchFailure::NoAnswer(format!("the answer is longer than {BODY} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(FetchResponse { status, headers, body })
}

fn describe(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// What the resolver refused, found in the chain of causes.
fn refusal(error: &reqwest::Error) -> Option<String> {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(private) = inner.downcast_ref::<Private>() {
            return Some(private.to_string());
        }
        cause = inner.source();
    }
    None
}

/// Judges what can be judged before any look-up: scheme, credentials, literal addresses (which no
/// resolver ever sees).
pub fn check(url: &url::Url, reach: Reach) -> Result<(), String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with credentials".to_owned());
    }
    match (url.scheme(), reach) {
        ("https", _) | ("http", Reach::Anywhere) => {}
        ("http", Reach::Named) if is_here(url) => {}
        ("http", _) => return Err("plain http".to_owned()),
        (other, _) => return Err(format!("scheme {other}")),
    }
    let literal = match url.host() {
        Some(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(url::Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(url::Host::Domain(_)) => None,
        None => return Err("a URL without a host".to_owned()),
    };
    match literal {
        Some(address) if reach == Reach::Public && !is_public(address) => Err(format!("address {address}")),
        _ => Ok(()),
    }
}

/// Whether a URL names this machine, by whatever name.
fn is_here(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        // RFC 6761 6.3.
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// A name that leads to an address which may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("{name} resolves to {address}")]
struct Private {
    name: String,
    address: IpAddr,
}

/// Resolves names and refuses one as soon as any of its addresses is not public: a mixed answer is an
/// attack, not a misconfiguration.
struct Guard(Reach);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            admit(&name, &found, reach)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn admit(name: &str, found: &[SocketAddr], reach: Reach) -> Result<(), Private> {
    let refused = found.iter().map(SocketAddr::ip).find(|address| !is_public(*address));
    match refused {
        Some(address) if reach == Reach::Public => Err(Private { name: name.to_owned(), address }),
        _ => Ok(()),
    }
}

/// Whether an address belongs to the public network: an allow-list by exclusion of every block that the
/// IANA special-purpose registries do not mark as globally reachable.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 | 224..=255 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => matches!((b, c), (168, _) | (0, 0 | 2) | (88, 99) | (31, 196) | (52, 193) | (175, 48)),
        198 => matches!((b, c), (18 | 19, _) | (51, 100)),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    // Azure's platform address: reachable from inside only, and it answers with credentials.
    !special && address != Ipv4Addr::new(168, 63, 129, 16)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is allotted to the public network; these blocks within it are special.
    let global = first & 0xe000 == 0x2000;
    let special = match first {
        0x2001 => second < 0x0200 || second == 0x0db8,
        0x3ffe => true,
        0x3fff => second < 0x1000,
        _ => false,
    };
    global && !special
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let pair = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => pair(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
