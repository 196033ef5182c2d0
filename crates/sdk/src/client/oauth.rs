//! Access tokens from a token endpoint (RFC 6749 4.4, 6; RFC 8707).

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use doorward_proto::{metadata::Metadata, secret::SecretText};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Uri, header};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    CredentialSource, Outgoing, SourceError,
    auth::{ClientAuth, form},
    device::Device,
    renewing::{Fresh, Mint, Renewing},
    store::Store,
};
use crate::{
    clock::{self, Clock},
    exchange::Http,
    fetch::{self, NamedBy},
    server::jwt::metadata_urls,
};

/// A client of an authorization server.
#[derive(Clone)]
pub struct OAuthClient {
    place: Place,
    pub(super) auth: ClientAuth,
    http: Arc<dyn Http>,
    pub(super) clock: Clock,
    scopes: Vec<String>,
    resource: Option<String>,
}

#[derive(Clone)]
enum Place {
    Endpoint(String),
    Issuer { issuer: String, found: Arc<tokio::sync::OnceCell<Metadata>> },
}

impl OAuthClient {
    /// A client of this issuer, whose metadata tell where its endpoints are.
    pub fn of_issuer(issuer: impl Into<String>, auth: ClientAuth, http: Arc<dyn Http>) -> Self {
        Self::new(Place::Issuer { issuer: issuer.into(), found: Arc::default() }, auth, http)
    }

    /// A client that knows its token endpoint.
    pub fn at(token_endpoint: impl Into<String>, auth: ClientAuth, http: Arc<dyn Http>) -> Self {
        Self::new(Place::Endpoint(token_endpoint.into()), auth, http)
    }

    fn new(place: Place, auth: ClientAuth, http: Arc<dyn Http>) -> Self {
        Self { place, auth, http, clock: clock::system(), scopes: Vec::new(), resource: None }
    }

    /// Asks for this scope, too.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Asks for tokens for this API (RFC 8707).
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// Another clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Tokens for the client itself.
    pub fn client_credentials(self) -> ClientCredentials {
        let clock = Arc::clone(&self.clock);
        ClientCredentials(Renewing::new(ForItself(self), clock))
    }

    /// Tokens by the refresh token in this file, which holds its successor from then on. Nobody but the owner
    /// may be able to read it.
    pub fn refresh_token(self, file: impl Into<PathBuf>) -> RefreshToken {
        let clock = Arc::clone(&self.clock);
        let rotating = Rotating { client: self, store: Store(file.into()), unwritten: Mutex::default() };
        RefreshToken(Renewing::new(rotating, clock))
    }

    /// Tokens for a person who signs in on another device (RFC 8628); their refresh token is kept in the file.
    pub fn device(self, file: impl Into<PathBuf>) -> Device {
        Device { client: self, file: file.into() }
    }

    /// Begins with what was granted a moment ago.
    pub(super) fn begun(self, file: PathBuf, granted: &Granted) -> Result<RefreshToken, SourceError> {
        let store = Store(file);
        if let Some(token) = &granted.refresh_token {
            let unwritten = |error| SourceError::Unusable(format!("{}: {error}", store.0.display()));
            store.write(token).map_err(unwritten)?;
        }
        let clock = Arc::clone(&self.clock);
        let rotating = Rotating { client: self, store, unwritten: Mutex::default() };
        Ok(RefreshToken(Renewing::new(rotating, clock).beginning_with(&granted.fresh()?)))
    }

    /// What every request for a token says.
    pub(super) fn target(&self, form: &mut Vec<(&'static str, String)>) {
        if !self.scopes.is_empty() {
            form.push(("scope", self.scopes.join(" ")));
        }
        if let Some(resource) = &self.resource {
            form.push(("resource", resource.clone()));
        }
    }

    /// Asks for a token.
    pub(super) async fn grant(&self, form: Vec<(&'static str, String)>) -> Result<Granted, SourceError> {
        let endpoint = match &self.place {
            Place::Endpoint(endpoint) => endpoint.clone(),
            Place::Issuer { .. } => self.endpoint("token_endpoint", |it| it.token_endpoint.as_ref()).await?,
        };
        self.ask(&endpoint, form).await
    }

    /// An endpoint from the metadata.
    pub(super) async fn endpoint(
        &self,
        name: &str,
        of: impl Fn(&Metadata) -> Option<&String>,
    ) -> Result<String, SourceError> {
        let Place::Issuer { issuer, found } = &self.place else {
            return Err(SourceError::Unusable(format!("{name} is not known without the issuer")));
        };
        let metadata = found.get_or_try_init(|| self.discover(issuer)).await?;
        let missing = || SourceError::Unusable(format!("{issuer} has no {name}"));
        of(metadata).cloned().ok_or_else(missing)
    }

    async fn discover(&self, issuer: &str) -> Result<Metadata, SourceError> {
        let mut why = String::new();
        for url in metadata_urls(issuer) {
            let request = Request::get(target(&url)?).header(header::ACCEPT, "application/json");
            let answer = self.send(request.body(Vec::new())).await?;
            if answer.status() != http::StatusCode::OK {
                why = format!("{url} answers with status {}", answer.status());
                continue;
            }
            let metadata: Metadata = read(&url, answer.body())?;
            // RFC 8414 3.3: exactly, or it speaks for somebody else.
            if metadata.issuer != issuer {
                return Err(SourceError::Unusable(format!("{url} speaks for another issuer")));
            }
            return Ok(metadata);
        }
        Err(SourceError::NoAnswer(why))
    }

    /// Sends a form to an endpoint, with the proof of who asks, and reads its answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        endpoint: &str,
        mut pairs: Vec<(&'static str, String)>,
    ) -> Result<T, SourceError> {
        let mut headers = HeaderMap::new();
        self.auth.prove(endpoint, (self.clock)(), (&mut pairs, &mut headers))?;
        let mut request = Request::post(target(endpoint)?)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        if let Some(all) = request.headers_mut() {
            all.extend(headers);
        }
        let answer = self.send(request.body(form(&pairs))).await?;
        if answer.status().is_success() {
            return read(endpoint, answer.body());
        }
        let refused: Problem = serde_json::from_slice(answer.body()).unwrap_or_default();
        // Not a word of the protocol: a server that is down, a proxy before it.
        if refused.error.is_empty() {
            return Err(SourceError::NoAnswer(format!("{endpoint} answers with status {}", answer.status())));
        }
        Err(SourceError::Refused { error: refused.error, description: refused.error_description })
    }

    async fn send(
        &self,
        request: Result<Request<Vec<u8>>, http::Error>,
    ) -> Result<http::Response<Vec<u8>>, SourceError> {
        let request = request.map_err(|error| SourceError::Unusable(error.to_string()))?;
        self.http.send(request).await.map_err(|error| SourceError::NoAnswer(error.to_string()))
    }
}

/// An address that a secret may be sent to.
fn target(url: &str) -> Result<Uri, SourceError> {
    let unusable = |why: &dyn std::fmt::Display| SourceError::Unusable(format!("{url}: {why}"));
    let target: Uri = url.parse().map_err(|error| unusable(&error))?;
    fetch::check(&target, NamedBy::Operator).map_err(|why| unusable(&why))?;
    Ok(target)
}

fn read<T: DeserializeOwned>(url: &str, body: &[u8]) -> Result<T, SourceError> {
    // The text of an error could hold a token.
    serde_json::from_slice(body).map_err(|_| SourceError::Unusable(format!("{url} answers in another form")))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    error: String,
    error_description: String,
}

/// The answer of a token endpoint (RFC 6749 5.1), as far as it matters here.
#[derive(Deserialize)]
pub(super) struct Granted {
    access_token: SecretText,
    token_type: String,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<SecretText>,
}

impl Granted {
    fn fresh(&self) -> Result<Fresh, SourceError> {
        if !self.token_type.eq_ignore_ascii_case("bearer") {
            return Err(SourceError::Unusable(format!("a token of type {}", self.token_type)));
        }
        let outgoing = Outgoing::authorization("Bearer", self.access_token.expose())?;
        Ok(Fresh { outgoing, lives: self.expires_in.map(Duration::from_secs) })
    }
}

struct ForItself(OAuthClient);

impl Mint for ForItself {
    fn mint(&self) -> BoxFuture<'_, Result<Fresh, SourceError>> {
        Box::pin(async move {
            let mut form = vec![("grant_type", "client_credentials".to_owned())];
            self.0.target(&mut form);
            self.0.grant(form).await?.fresh()
        })
    }
}

/// Tokens for the client itself.
pub struct ClientCredentials(Renewing<ForItself>);

impl CredentialSource for ClientCredentials {
    fn credential(&self) -> BoxFuture<'_, Result<Outgoing, SourceError>> {
        self.0.credential()
    }

    fn refused(&self, credential: &Outgoing) -> bool {
        self.0.refused(credential)
    }
}

struct Rotating {
    client: OAuthClient,
    store: Store,
    /// A successor that could not be written: without it the next refresh would be taken for a theft.
    unwritten: Mutex<Option<SecretText>>,
}

impl Rotating {
    fn present(&self) -> Result<SecretText, SourceError> {
        let unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(token) = unwritten {
            return Ok(token);
        }
        // Read each time: another process may have rotated it.
        let token = self.store.read();
        let token =
            token.map_err(|error| SourceError::Unusable(format!("{}: {error}", self.store.0.display())))?;
        if token.expose().is_empty() {
            return Err(SourceError::Unusable(format!("{} is empty", self.store.0.display())));
        }
        Ok(token)
    }

    fn keep(&self, token: SecretText) {
        let written = self.store.write(&token);
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        *unwritten = match written {
            Ok(()) => None,
            Err(error) => {
                let file = self.store.0.display();
                tracing::error!(%file, %error, "a refresh token cannot be kept; it is lost when this ends");
                Some(token)
            }
        };
    }
}

impl Mint for Rotating {
    fn mint(&self) -> BoxFuture<'_, Result<Fresh, SourceError>> {
        Box::pin(async move {
            let token = self.present()?;
            let mut form = vec![
                ("grant_type", "refresh_token".to_owned()),
                ("refresh_token", token.expose().to_owned()),
            ];
            self.client.target(&mut form);
            let granted = self.client.grant(form).await?;
            if let Some(next) = granted.refresh_token.clone().filter(|next| *next != token) {
                self.keep(next);
            }
            granted.fresh()
        })
    }
}

/// Tokens by a refresh token that rotates.
pub struct RefreshToken(Renewing<Rotating>);

impl CredentialSource for RefreshToken {
    fn credential(&self) -> BoxFuture<'_, Result<Outgoing, SourceError>> {
        self.0.credential()
    }

    fn refused(&self, credential: &Outgoing) -> bool {
        self.0.refused(credential)
    }
}

#[cfg(test)]
mod tests;
