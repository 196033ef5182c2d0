//! Outbound HTTP with a guard against server-side request forgery (SECURITY.md).
//!
//! Every URL that a client supplies ends here. The name is resolved by us, every address it resolves to
//! must be a public one, and the connection goes to exactly those addresses: a second look-up cannot
//! answer differently. https only, no redirects, no proxy of the environment, 5 s, 64 KiB.

mod documents;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use doorward_core::env::{Fetch, FetchFailure, FetchRequest, FetchResponse};
use doorward_sdk::fetch::{is_here, is_localhost, is_public};
use futures_util::future::BoxFuture;
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
    fetcher_by(reach, look_up)
}

fn fetcher_by(reach: Reach, look_up: LookUp) -> Fetch {
    let client: Arc<OnceLock<Result<reqwest::Client, String>>> = Arc::default();
    Arc::new(move |request| {
        let client = Arc::clone(&client);
        Box::pin(async move {
            check(&request.url, reach).map_err(FetchFailure::Refused)?;
            // Made at the first use: a machine without any certificate authority can still serve.
            let client =
                client.get_or_init(|| builder(reach, look_up).build().map_err(|error| describe(&error)));
            let client = client.as_ref().map_err(|why| FetchFailure::NoAnswer(why.clone()))?;
            send(client, request, None).await
        })
    })
}

fn build(reach: Reach) -> reqwest::Result<reqwest::Client> {
    builder(reach, look_up).build()
}

/// One that believes these certificate authorities (PEM), and no other.
fn trusting(reach: Reach, authorities: &[u8]) -> reqwest::Result<reqwest::Client> {
    builder(reach, look_up).tls_certs_only(reqwest::Certificate::from_pem_bundle(authorities)?).build()
}

#[expect(clippy::disallowed_methods, reason = "this is what `Env::fetch` is made of")]
fn builder(reach: Reach, look_up: LookUp) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("doorward/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .https_only(reach == Reach::Public)
        .no_proxy()
        .timeout(TIME)
        .connect_timeout(TIME)
        .dns_resolver(Arc::new(Guard { reach, look_up }))
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
        ("http", Reach::Named) if url.host_str().is_some_and(is_here) => {}
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

/// A name that leads to an address which may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("{name} resolves to {address}")]
struct Private {
    name: String,
    address: IpAddr,
}

/// Who says which addresses a name has.
type LookUp = fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

fn look_up(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

/// Resolves names and refuses one as soon as any of its addresses may not be reached: a mixed answer is an
/// attack, not a misconfiguration. What it admits is what is connected to; nobody resolves the name again.
struct Guard {
    reach: Reach,
    look_up: LookUp,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, look_up) = (self.reach, self.look_up);
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found = look_up(name.clone()).await?;
            admit(&name, &found, reach)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn admit(name: &str, found: &[SocketAddr], reach: Reach) -> Result<(), Private> {
    let may_be = |address: IpAddr| match reach {
        Reach::Public => is_public(address),
        // Plain http may go there: whatever a resolver says, it must not leave this machine.
        Reach::Named => !is_localhost(name) || address.to_canonical().is_loopback(),
        Reach::Anywhere => true,
    };
    let refused = found.iter().map(SocketAddr::ip).find(|address| !may_be(*address));
    refused.map_or(Ok(()), |address| Err(Private { name: name.to_owned(), address }))
}

#[cfg(test)]
mod tests;
