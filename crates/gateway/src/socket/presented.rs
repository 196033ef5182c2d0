//! Where the handshake of a `WebSocket` may hold a credential beside its headers: among the protocols that
//! it offers, as a one-time ticket, and, where a route says so, as a token in its address.
//!
//! Whatever is found is taken out, before anything is logged or sent on, and put where every credential
//! stands; two of them are refused there as everywhere.

use doorward_judge::{Refusal, Why};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header, request::Parts, uri::PathAndQuery};
use url::form_urlencoded;

use crate::{Inner, Origin, Route};

/// How an offered protocol that is a credential begins.
const BEARER: &str = "bearer.";
/// Parameters that hold a token, where a route takes them.
const TOKENS: [&str; 2] = ["token", "access_token"];
const TICKET: &str = "ticket";

/// Whether an offered protocol is a credential.
pub(super) fn is_credential(offered: &str) -> bool {
    offered.starts_with(BEARER)
}

/// What was found in a handshake.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The protocol to be selected when the application selects none: a browser gives up where none is.
    pub(crate) protocol: Option<HeaderValue>,
    /// The credential stood in the address, where it may have been seen.
    pub(crate) was_in_address: bool,
}

/// Takes the credential of a handshake out of wherever it stands.
///
/// # Errors
/// `InvalidToken` and `TokenExpired` for a ticket that is not good, or for what no credential looks like.
pub(crate) async fn take(
    gateway: &Inner,
    request: &mut Parts,
    route: &Route,
    origin: &Origin,
) -> Result<Found, Refusal> {
    let mut found = Found::default();
    let mut credentials = Vec::new();
    if !is_own_page(&request.headers, origin) {
        crate::proxy::headers::keep_foreign_cookies(&mut request.headers);
    }
    take_from_protocols(&mut request.headers, &mut credentials, &mut found)?;
    let address = Address::read(&request.uri, route);
    if let Some(uri) = address.rest {
        request.uri = uri;
    }
    for token in address.tokens {
        found.was_in_address = true;
        credentials.push((header::AUTHORIZATION, bearer(&token)?));
    }
    for ticket in address.tickets {
        let tickets = gateway.tickets.as_ref().ok_or(Why::InvalidToken)?;
        credentials.push(tickets.redeem(&ticket, (gateway.clock)()).await?);
    }
    for (name, value) in credentials {
        request.headers.append(name, value);
    }
    Ok(found)
}

fn bearer(token: &str) -> Result<HeaderValue, Refusal> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Why::InvalidToken)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Entries that are credentials go, whoever else would have understood them.
fn take_from_protocols(
    headers: &mut HeaderMap,
    credentials: &mut Vec<(HeaderName, HeaderValue)>,
    found: &mut Found,
) -> Result<(), Refusal> {
    let mut others = Vec::new();
    let before = credentials.len();
    for value in headers.get_all(header::SEC_WEBSOCKET_PROTOCOL) {
        let value = value.to_str().map_err(|_| Why::RequestInvalid)?;
        for offered in value.split(',').map(str::trim).filter(|offered| !offered.is_empty()) {
            match offered.strip_prefix(BEARER) {
                Some(token) => credentials.push((header::AUTHORIZATION, bearer(token)?)),
                None => others.push(offered.to_owned()),
            }
        }
    }
    if credentials.len() == before {
        return Ok(());
    }
    headers.remove(header::SEC_WEBSOCKET_PROTOCOL);
    found.protocol = others.first().and_then(|first| HeaderValue::from_str(first).ok());
    if let Ok(others) = HeaderValue::from_str(&others.join(", "))
        && !others.is_empty()
    {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, others);
    }
    Ok(())
}

/// The credentials in an address, and the address without them.
#[derive(Default)]
struct Address {
    tokens: Vec<String>,
    tickets: Vec<String>,
    rest: Option<Uri>,
}

impl Address {
    fn read(uri: &Uri, route: &Route) -> Self {
        let mut address = Self::default();
        let Some(query) = uri.query() else { return address };
        let mut rest = Vec::new();
        for pair in query.split('&') {
            // An application may have parameters of these names; a ticket of ours is known by its beginning.
            match form_urlencoded::parse(pair.as_bytes()).next() {
                Some((name, token)) if route.websocket_query && TOKENS.contains(&&*name) => {
                    address.tokens.push(token.into_owned());
                }
                Some((name, ticket)) if name == TICKET && ticket.starts_with(super::ticket::PREFIX) => {
                    address.tickets.push(ticket.into_owned());
                }
                _ => rest.push(pair),
            }
        }
        if !address.tokens.is_empty() || !address.tickets.is_empty() {
            address.rest = without(uri, &rest.join("&"));
        }
        address
    }
}

/// The address with another query; one without any when even that is none.
fn without(uri: &Uri, query: &str) -> Option<Uri> {
    let path = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path).ok();
    Uri::from_parts(parts).ok()
}

/// Whether the handshake comes from a page of the very host that it goes to: another page could have a
/// browser send our cookies along.
fn is_own_page(headers: &HeaderMap, origin: &Origin) -> bool {
    let mut pages = headers.get_all(header::ORIGIN).iter();
    let (Some(page), None) = (pages.next(), pages.next()) else { return false };
    let Some((scheme, host)) = page.to_str().ok().and_then(|page| page.split_once("://")) else {
        return false;
    };
    let is_as_safe = scheme == "https" || (scheme == "http" && !origin.is_https);
    let own = headers.get(header::HOST).and_then(|own| own.to_str().ok());
    is_as_safe && own.is_some_and(|own| own.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests;
