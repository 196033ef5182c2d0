//! Judges requests before a service sees them: whose a request is, which rule is for it, and whether that
//! lets it through.
//!
//! This knows nothing of a framework: [`Guard::admit`] takes the head of a request and answers with who sent
//! it or with the refusal to send back. The layer for `tower` is a few lines around it, and so is one for
//! anything else.

mod build;

use std::{net::IpAddr, sync::Arc};

use doorward_judge::{
    Ask, Asked, CredentialKind, Mode, Presented, Proof, Refusal, Rule, Rules, Verdict, Why, judge,
    path::NormalPath,
};
use doorward_proto::time::Time;
use http::{HeaderMap, Uri, header, request::Parts, uri::PathAndQuery};

use crate::{
    caller::{Caller, Refused, Scene},
    clock::Clock,
    dress::{Errors, REQUEST_ID},
    server::{
        Chain, Credential, Known,
        certificate::{self, Shown},
        identity_headers,
        limits::Limiter,
        proof::Proofs,
    },
};

pub use self::build::Builder;

/// The client's address, where whoever accepted the connection has put it into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// That whoever is at the other end is a proxy of ours, where whoever accepted the connection has put it into the
/// request's extensions: only then counts what a managed proxy in front has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedProxy;

/// What is in no rule's list of hosts (RFC 6761 6.4).
const NO_HOST: &str = "host.invalid";

/// What finds out where a request comes from.
type Locate = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

/// Judges requests. Cheap to clone.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    chain: Chain,
    rules: Rules,
    default: Rule,
    audiences: Vec<String>,
    errors: Errors,
    realm: Arc<str>,
    locate: Box<Locate>,
    limiter: Arc<Limiter>,
    /// Without it tokens that are bound to a key open nothing.
    proofs: Option<Arc<Proofs>>,
    clock: Clock,
}

impl Guard {
    /// A guard that recognises nobody yet and lets nobody through without a credential.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Judges a request. Names of identity headers are removed from it in every spelling, so that nobody who
    /// reads them believes what a client wrote, and so are those of proxies in front, and its path is put into the normal form that was judged.
    ///
    /// # Errors
    /// The refusal to send back.
    pub async fn admit(&self, request: &mut Parts) -> Result<Option<Caller>, Refused> {
        let scene = self.scene(&request.headers);
        identity_headers::remove(&mut request.headers);
        let (rule, host, path) = match self.rule(request) {
            Ok(found) => found,
            Err(refusal) => return Err(Refused::new(refusal, scene)),
        };
        // As it was sent: that is what a proof names.
        let sent = (host, request.uri.path().to_owned());
        if path.as_str() != request.uri.path() {
            request.uri = with_path(&request.uri, &path)
                .ok_or_else(|| Refused::new(Why::PathAmbiguous.into(), scene.clone()))?;
        }
        // An address that nobody knows is in no network.
        let address = (self.0.locate)(request).unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let known = self.known((request, &sent), rule, address).await;
        identity_headers::remove_those(&mut request.headers, self.0.chain.fronts());
        match known {
            Ok(known) => Ok(known.map(|known| Caller::new(known, scene))),
            Err(refusal) => Err(Refused { scopes: rule.scopes().join(" "), ..Refused::new(refusal, scene) }),
        }
    }

    /// How what is found out later about this request is told.
    pub(crate) fn scene(&self, headers: &HeaderMap) -> Scene {
        let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
        Scene { errors: self.0.errors, realm: Arc::clone(&self.0.realm), request_id: request_id.into() }
    }

    /// The rule for a request, and the host and path that it asks for.
    fn rule(&self, request: &Parts) -> Result<(&Rule, String, NormalPath), Refusal> {
        let path = NormalPath::read(request.uri.path())
            .map_err(|trick| Refusal::new(Why::PathAmbiguous).hint(trick.to_string()))?;
        let host = host(request)?;
        let rule = self.0.rules.find(&host, request.method.as_str(), &path);
        Ok((rule.unwrap_or(&self.0.default), host, path))
    }

    async fn known(
        &self,
        (request, (host, path)): (&Parts, &(String, String)),
        rule: &Rule,
        address: IpAddr,
    ) -> Result<Option<Arc<Known>>, Refusal> {
        let Inner { chain, limiter, clock, .. } = &*self.0;
        let from = (address, clock());
        let shown = request.extensions.get::<Shown>();
        let credential = if rule.mode() == Mode::Disabled {
            None
        } else {
            let is_trusted = request.extensions.get::<TrustedProxy>().is_some();
            let takes = (rule.accepts(CredentialKind::Certificate), is_trusted);
            chain.presented(&request.headers, shown, takes)?
        };
        let mut proof = Proof { certificate: certificate::proof(shown, from.1), ..Proof::default() };
        let presented = match &credential {
            Some(credential) => limiter.recognise(chain, credential, from).await.map(Some),
            None => Ok(None),
        };
        let mut unproven = None;
        if let (Some(credential), Ok(Some(known))) = (&credential, &presented) {
            let asked = Asked { method: request.method.as_str(), host, path };
            // Whoever does not hold the key is nobody, also where a rule would let nobody through.
            match self.proven((&request.headers, asked), (credential, known), from.1) {
                Ok(dpop) => proof.dpop = dpop,
                Err(refusal) => unproven = Some(refusal),
            }
        }
        let presented = unproven.map_or(presented, Err);
        let asked = Asked { method: request.method.as_str(), host, path: request.uri.path() };
        let presented = presented.map_err(|refusal| (None, refusal));
        let what = (asked, from);
        let judged = presented.and_then(|known| match self.judge(rule, (known.as_deref(), &proof), what) {
            Verdict::Refused(refusal) => Err((known, refusal)),
            Verdict::Allowed(None) => Ok(None),
            Verdict::Allowed(Some(_)) => Ok(known),
        });
        let known = match judged {
            Ok(known) => known,
            Err((known, refusal)) => {
                if let Some(cause) = &refusal.cause {
                    tracing::warn!(rule = rule.name(), cause, "a policy could not be evaluated");
                }
                let principal = known.as_deref().map(|known| &known.principal);
                let failed = limiter.failed(credential.as_ref(), principal, refusal.why, from).await;
                return Err(failed.unwrap_or(refusal));
            }
        };
        let principal = known.as_deref().map(|known| &known.principal);
        limiter.take(&[rule], principal, from).await.map_err(|over| over.refusal)?;
        if let Some(known) = &known {
            chain.note_use(known, address, from.1);
        }
        Ok(known)
    }

    /// The key that a request has proven to hold, where its credential is bound to one.
    fn proven(
        &self,
        (headers, asked): (&HeaderMap, Asked<'_>),
        (credential, known): (&Credential, &Known),
        now: Time,
    ) -> Result<Option<String>, Refusal> {
        let Some(proofs) = &self.0.proofs else { return Ok(None) };
        Ok(proofs.of((headers, Some(asked)), (credential, &known.principal), now)?.dpop)
    }

    fn judge<'k>(
        &self,
        rule: &Rule,
        (known, proof): (Option<&'k Known>, &Proof),
        (asked, (address, now)): (Asked<'_>, (IpAddr, Time)),
    ) -> Verdict<'k> {
        let presented = known.map_or(Presented::Nothing, |known| Presented::Principal(&known.principal));
        judge(rule, Ask { presented, asked: Some(asked), proof, address, now, audiences: &self.0.audiences })
    }
}

/// The host that is asked for: that of the target where it names one, else that of the one `Host` header
/// (RFC 9112 3.2). A request without any is for no host that a rule could name.
fn host(request: &Parts) -> Result<String, Refusal> {
    let mut said = request.headers.get_all(header::HOST).iter();
    let named = match (said.next(), said.next()) {
        (None, _) => None,
        (Some(one), None) => Some(one.to_str().map_err(|_| Why::RequestInvalid)?),
        (Some(_), Some(_)) => return Err(Why::RequestInvalid.into()),
    };
    let host = request.uri.authority().map(http::uri::Authority::as_str).or(named).unwrap_or(NO_HOST);
    // What is no host would fall to a rule that asks for less.
    match doorward_judge::host::name(host) {
        Some(_) => Ok(host.to_owned()),
        None => Err(Why::RequestInvalid.into()),
    }
}

fn with_path(uri: &Uri, path: &NormalPath) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_string(),
    };
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests;
