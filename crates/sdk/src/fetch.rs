//! How documents are read from the web: through one small trait, so that whoever embeds this decides which
//! addresses can be reached. [`Web`] does it over any [`Http`].

mod address;

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};

pub use self::address::{is_here, is_localhost, is_nobodys, is_public};
use self::address::{is_hidden_literal, literal};
use crate::exchange::{Http, Within};

/// No answer is longer.
pub const LONGEST: usize = 64 * 1024;

/// Who named an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// The operator, in the configuration: any host by https, and this machine by plain http.
    Operator,
    /// A document from elsewhere: only hosts of the public network, by https.
    Document,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// How long it may be kept (RFC 9111 5.2.2.1), when it says so.
    pub max_age: Option<Duration>,
    /// At most [`LONGEST`] bytes.
    pub body: Vec<u8>,
}

/// How a server is reached that is not like others: the API server of a cluster, say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// A file with the certificate authorities that its certificate is of, PEM; no other is believed.
    pub ca_file: Option<PathBuf>,
    /// A file with the token that it wants to see.
    pub token_file: Option<PathBuf>,
}

impl Access {
    /// Whether it is a server like others.
    pub const fn is_plain(&self) -> bool {
        self.ca_file.is_none() && self.token_file.is_none()
    }

    /// The certificate authorities as the file has them now, PEM.
    ///
    /// # Errors
    /// In words for the log.
    pub fn authorities(&self) -> Result<Option<Vec<u8>>, String> {
        let read = |path: &PathBuf| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        self.ca_file.as_ref().map(read).transpose()
    }

    /// What `Authorization` has to be, as the file has it now: whoever keeps it writes the next one in time.
    ///
    /// # Errors
    /// In words for the log.
    pub fn authorization(&self) -> Result<Option<HeaderValue>, String> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let wrong = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let token = text.trim();
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err(wrong(&"it is not one token"));
        }
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.map_err(|_| wrong(&"it cannot stand in a header"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// Reads documents. No redirect is followed, and none of them gets a credential or a cookie.
pub trait Fetch: Send + Sync + 'static {
    /// Whether an address that the operator has named would be asked at all, as far as its text tells.
    ///
    /// # Errors
    /// In words for the operator.
    fn takes(&self, url: &str) -> Result<(), String> {
        let target: Uri = url.parse().map_err(|_| "it is no address of the web".to_owned())?;
        check(&target, NamedBy::Operator).map_err(str::to_owned)
    }

    /// Reads one document by GET.
    ///
    /// # Errors
    /// In words for the log: an address that may not be reached, no answer within that time, a longer one.
    fn get<'a>(
        &'a self,
        url: &'a str,
        named_by: NamedBy,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>>;

    /// Reads one document of a server that the operator has named, and told how it is reached.
    ///
    /// # Errors
    /// As [`Self::get`]; and always where nothing but the web of everybody can be read.
    fn get_as<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        let _ = (access, within);
        Box::pin(async move { Err(format!("{url}: there is no way to it here")) })
    }

    /// Asks such a server with a document of JSON, by POST.
    ///
    /// # Errors
    /// As [`Self::get_as`].
    fn post_as<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        document: Vec<u8>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        let _ = (access, document, within);
        Box::pin(async move { Err(format!("{url}: there is no way to it here")) })
    }
}

/// Reads over any HTTP client. It looks at addresses as they are written; what a document names is read by
/// [`Http::send_public`], which looks at what a name resolves to.
pub struct Web {
    http: Arc<dyn Http>,
    /// Those that believe other certificate authorities than this machine does.
    others: Clients<Arc<dyn Http>>,
}

impl Web {
    /// Reads over this client.
    pub fn new(http: Arc<dyn Http>) -> Self {
        Self { http, others: Clients::default() }
    }
}

/// Clients that believe the certificate authorities of a file: made once, and again when the file has others.
pub struct Clients<C>(Mutex<HashMap<PathBuf, (Vec<u8>, C)>>);

impl<C> Default for Clients<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C: Clone> Clients<C> {
    /// The one for this access; none where the authorities of this machine count.
    ///
    /// # Errors
    /// The file cannot be read, or no client can be made of what it holds.
    pub fn of(
        &self,
        access: &Access,
        make: impl FnOnce(&[u8]) -> Result<C, String>,
    ) -> Result<Option<C>, String> {
        let Some((path, authorities)) = access.ca_file.as_ref().zip(access.authorities()?) else {
            return Ok(None);
        };
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = made.get(path).filter(|(of, _)| *of == authorities) {
            return Ok(Some(client.clone()));
        }
        let client = make(&authorities)?;
        made.insert(path.clone(), (authorities, client.clone()));
        Ok(Some(client))
    }
}

impl Fetch for Web {
    fn get<'a>(
        &'a self,
        url: &'a str,
        named_by: NamedBy,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(read(&*self.http, (url, named_by), Said::default(), within))
    }

    fn get_as<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(self.ask_as(url, access, None, within))
    }

    fn post_as<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        document: Vec<u8>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(self.ask_as(url, access, Some(document), within))
    }
}

/// What is said beside an address.
#[derive(Default)]
struct Said {
    token: Option<HeaderValue>,
    /// What is asked; nothing where a document is read.
    document: Option<Vec<u8>>,
}

impl Web {
    async fn ask_as(
        &self,
        url: &str,
        access: &Access,
        document: Option<Vec<u8>>,
        within: Duration,
    ) -> Result<Fetched, String> {
        let said = Said { token: access.authorization()?, document };
        let other = self.others.of(access, trusting).map_err(|why| format!("{url}: {why}"))?;
        read(other.as_deref().unwrap_or(&*self.http), (url, NamedBy::Operator), said, within).await
    }
}

/// A client that believes these authorities and no other.
#[cfg(feature = "hyper")]
fn trusting(authorities: &[u8]) -> Result<Arc<dyn Http>, String> {
    let http = crate::exchange::Hyper::trusting(authorities).map_err(|error| error.to_string())?;
    Ok(Arc::new(http))
}

#[cfg(not(feature = "hyper"))]
fn trusting(_: &[u8]) -> Result<Arc<dyn Http>, String> {
    Err("certificate authorities of one's own need the feature hyper".to_owned())
}

async fn read(
    http: &dyn Http,
    (url, named_by): (&str, NamedBy),
    Said { token, document }: Said,
    within: Duration,
) -> Result<Fetched, String> {
    let target: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
    check(&target, named_by).map_err(|why| format!("{url}: {why}"))?;
    let accept = "application/json, application/jwk-set+json";
    let method = if document.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder().method(method).uri(target).header(header::ACCEPT, accept);
    if document.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, token);
    }
    let mut request =
        request.body(document.unwrap_or_default()).map_err(|error| format!("{url}: {error}"))?;
    request.extensions_mut().insert(Within(within));
    let sent = match named_by {
        NamedBy::Operator => http.send(request),
        NamedBy::Document => http.send_public(request),
    };
    let answer = tokio::time::timeout(within, sent).await;
    let answer = answer.map_err(|_| format!("{url} does not answer within {within:?}"))?;
    let answer = answer.map_err(|error| format!("{url}: {error}"))?;
    if answer.body().len() > LONGEST {
        return Err(format!("{url} answers with more than {LONGEST} bytes"));
    }
    let status = answer.status().as_u16();
    Ok(Fetched { status, max_age: max_age(answer.headers()), body: answer.into_body() })
}

/// What can be judged of an address as it is written.
pub(crate) fn check(target: &Uri, named_by: NamedBy) -> Result<(), &'static str> {
    let host = target.host().filter(|host| !host.is_empty()).ok_or("an address without a host")?;
    if target.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("an address with a name or a password in it");
    }
    let is_address = literal(host).is_some() || is_hidden_literal(host);
    match (target.scheme_str(), named_by) {
        (Some("https"), NamedBy::Operator) => Ok(()),
        (Some("http"), NamedBy::Operator) if is_here(host) => Ok(()),
        (Some("https"), NamedBy::Document) if !is_here(host) && !is_address => Ok(()),
        (_, NamedBy::Document) => Err("a document may only name a public host, by https"),
        (Some("http"), NamedBy::Operator) => Err("plain http can be changed on the way; use https"),
        (_, NamedBy::Operator) => Err("it is no address of the web; use https"),
    }
}

/// `Cache-Control: max-age` of an answer; `no-store` and `no-cache` are none at all.
pub fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let control = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = control.flat_map(|value| value.split(',')).map(str::trim);
    directives.find_map(|directive| match directive.split_once('=') {
        None if matches!(directive, "no-store" | "no-cache") => Some(Duration::ZERO),
        Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok().map(Duration::from_secs),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
