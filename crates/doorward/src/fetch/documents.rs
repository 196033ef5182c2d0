//! Documents of the gateway: keys and metadata of the issuers that the configuration names.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use doorward_core::env::{FetchFailure, FetchRequest};
use doorward_sdk::fetch::{Access, Clients, Fetch, Fetched, NamedBy, max_age};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Reach, build, check, describe, send, trusting};

/// Reads documents over this process's connections.
pub struct Documents {
    by_operator: Reader,
    by_document: Reader,
}

struct Reader {
    reach: Reach,
    client: OnceLock<Result<reqwest::Client, String>>,
    /// Those that believe other certificate authorities than this machine does.
    others: Clients<reqwest::Client>,
}

impl Documents {
    /// A reader; what other documents name is reached as URLs of clients are.
    pub fn new(of_others: Reach) -> Arc<Self> {
        let of_operator = if of_others == Reach::Anywhere { of_others } else { Reach::Named };
        Arc::new(Self { by_operator: Reader::new(of_operator), by_document: Reader::new(of_others) })
    }
}

impl Reader {
    fn new(reach: Reach) -> Self {
        Self { reach, client: OnceLock::new(), others: Clients::default() }
    }

    async fn get(&self, url: &str, access: &Access, within: Duration) -> Result<Fetched, String> {
        self.ask(url, access, None, within).await
    }

    /// Reads a document, or asks with one.
    async fn ask(
        &self,
        url: &str,
        access: &Access,
        document: Option<Vec<u8>>,
        within: Duration,
    ) -> Result<Fetched, String> {
        let url = url::Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        check(&url, self.reach).map_err(|why| format!("{url} may not be read: {why}"))?;
        let make = |pem: &[u8]| trusting(self.reach, pem).map_err(|error| describe(&error));
        let other = self.others.of(access, make)?;
        let client = if let Some(other) = &other {
            other
        } else {
            let client = self.client.get_or_init(|| build(self.reach).map_err(|error| describe(&error)));
            client.as_ref().map_err(Clone::clone)?
        };
        let mut headers = vec![("accept", "application/json, application/jwk-set+json".to_owned())];
        if let Some(token) = access.authorization()? {
            headers.push(("authorization", token.to_str().map_err(|error| error.to_string())?.to_owned()));
        }
        let method = if document.is_some() { "POST" } else { "GET" };
        if document.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let body = document.unwrap_or_default();
        let request = FetchRequest { method, url: url.clone(), headers, body };
        let answer = send(client, request, Some(within)).await;
        let answer = answer.map_err(|failure: FetchFailure| format!("{url}: {failure}"))?;
        let headers: HeaderMap = answer
            .headers
            .iter()
            .filter_map(|(name, value)| {
                Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
            })
            .collect();
        Ok(Fetched { status: answer.status, max_age: max_age(&headers), body: answer.body })
    }
}

impl Fetch for Documents {
    fn takes(&self, url: &str) -> Result<(), String> {
        let url = url::Url::parse(url).map_err(|_| "it is no address of the web".to_owned())?;
        check(&url, self.by_operator.reach).map_err(|why| match url.scheme() {
            "http" if url.host_str().is_some() => {
                format!(
                    "{why} can be changed on the way; use https, or allow it with allow.private_fetch = true"
                )
            }
            _ => why,
        })
    }

    fn get<'a>(
        &'a self,
        url: &'a str,
        named_by: NamedBy,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        let reader = match named_by {
            NamedBy::Operator => &self.by_operator,
            NamedBy::Document => &self.by_document,
        };
        Box::pin(async move { reader.get(url, &Access::default(), within).await })
    }

    fn get_as<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(self.by_operator.get(url, access, within))
    }

    fn post_as<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        document: Vec<u8>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(self.by_operator.ask(url, access, Some(document), within))
    }
}
