//! Whose request it is and whether it is let through: the same at every door.

use std::{net::IpAddr, sync::Arc};

use axum::body::Body;
use doorward_judge::{
    Ask, Asked, CredentialKind, Mode, Presented, Principal, Proof, Refusal, Rule, Verdict, Why, judge,
    verdict::Class,
};
use doorward_proto::time::Time;
use doorward_sdk::server::{
    Credential, Known, certificate, identity_headers,
    limits::{Over, Shown},
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, request::Parts};

use crate::{
    Decision, Inner, Origin, Route, assertion, chroma,
    dress::Dress,
    signin::{self, Site},
    turn_away,
};

pub(crate) use doorward_sdk::assertion::ASSERTION;

/// What is judged.
pub(crate) struct Sent<'r> {
    /// The request with the credential.
    pub(crate) request: &'r Parts,
    /// Where it comes from.
    pub(crate) origin: &'r Origin,
    /// What the client asked for, as far as it is known: what a proof of possession has to be for.
    pub(crate) asked: Option<Asked<'r>>,
}

impl Sent<'_> {
    /// The host that is asked for, as the browser names it.
    fn site<'a>(&self, asked: Asked<'a>) -> Site<'a> {
        Site { host: asked.host, is_https: self.origin.is_https }
    }
}

/// A request that is let through.
pub(crate) struct Admitted<'g> {
    /// The rule under which somebody was, if somebody was.
    somebody: Option<(&'g Rule, Arc<Route>, Arc<Known>)>,
    /// What they presented.
    pub(crate) credential: Option<Credential>,
    /// What they have proven beside it.
    pub(crate) proof: Proof,
    /// How it stands with its limits, where there are any.
    limits: Option<Shown>,
}

/// What is left of limits, in one number.
const QUOTA: HeaderName = HeaderName::from_static("x-quota");

impl Admitted<'_> {
    /// By what kind of credential somebody was recognised.
    pub(crate) fn kind(&self) -> Option<CredentialKind> {
        self.somebody.as_ref().map(|(_, _, known)| known.principal.credential)
    }

    /// Who it is.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        self.somebody.as_ref().map(|(_, _, known)| &known.principal)
    }

    /// Says who it is.
    pub(crate) fn identity(&self) -> &HeaderMap {
        self.somebody.as_ref().map_or(&identity_headers::NOBODY, |(_, _, known)| known.headers())
    }

    /// What is left, where there are limits.
    pub(crate) fn quota(&self) -> Option<(HeaderName, HeaderValue)> {
        self.limits.as_ref().map(|limits| (QUOTA, HeaderValue::from(limits.left)))
    }

    /// Says who it is, and what is left.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = self.identity().clone();
        headers.extend(self.quota());
        headers
    }

    /// Says how it stands with its limits, to whoever sent the request.
    pub(crate) fn tell_limits(&self, headers: &mut HeaderMap) {
        if let Some(limits) = &self.limits {
            limits.set(headers);
        }
    }

    /// The signed word for whoever it is, for the application behind the rule.
    pub(crate) async fn assertion(&self, gateway: &Inner) -> Option<HeaderValue> {
        let (rule, route, known) = self.somebody.as_ref()?;
        let now = (gateway.clock)();
        match &route.upstream {
            Some(upstream) => assertion::of(gateway, known, upstream, now).await,
            None => assertion::of(gateway, known, &format!("route:{}", rule.name()), now).await,
        }
    }
}

/// Judges a request by every rule; the first that refuses is told. Then it counts, once, by all of them.
pub(crate) async fn all<'g>(
    gateway: &'g Inner,
    sent: &Sent<'_>,
    (rules, dress): (&[&'g Rule], &mut Dress<'_>),
) -> Result<Admitted<'g>, Response<Body>> {
    let Sent { request, origin, .. } = *sent;
    let now = (gateway.clock)();
    let from = (origin.address, now);
    let looks_at_none = rules.iter().all(|rule| rule.mode() == Mode::Disabled);
    let credential = if looks_at_none { Ok(None) } else { presented(gateway, request, origin, rules) };
    let (credential, known) = match credential {
        Err(refusal) => (None, Err(refusal)),
        Ok(None) if looks_at_none => (None, Ok(None)),
        Ok(found) => match found.map_or_else(|| signed_in(gateway, sent), |found| Ok(Some(found))) {
            Err(refusal) => (None, Err(refusal)),
            Ok(None) => (None, Ok(None)),
            Ok(Some(credential)) => {
                if let Err(refusal) = check_sender(sent, &credential) {
                    (None, Err(refusal))
                } else {
                    let known = gateway.limiter.recognise(&gateway.chain, &credential, from).await.map(Some);
                    (Some(credential), known)
                }
            }
        },
    };
    let proven = proof_of(gateway, sent, (credential.as_ref(), &known), now);
    let (known, proof) = match proven {
        Ok(proof) => (known, proof),
        Err(refusal) => (Err(refusal), Proof::default()),
    };
    let mut admitted = None;
    for rule in rules {
        let route = gateway.route(rule);
        dress.words.errors = route.errors;
        match decide(rule, &route, (&known, &proof), (sent.asked, from)) {
            Verdict::Refused(refusal) => {
                dress.words.scopes = rule.scopes().join(" ");
                let known = known.as_ref().ok().and_then(Option::as_deref);
                let principal = known.map(|known| &known.principal);
                let failed = gateway.limiter.failed(credential.as_ref(), principal, refusal.why, from).await;
                let refusal = failed.unwrap_or(refusal);
                return Err(turn_away(gateway, dress, (origin, rule.name(), known), &refusal).await);
            }
            Verdict::Allowed(Some(_)) => admitted = Some((*rule, route)),
            Verdict::Allowed(None) => {}
        }
    }
    let somebody = match (admitted, known) {
        (Some((rule, route)), Ok(Some(known))) => Some((rule, route, known)),
        _ => None,
    };
    let known = somebody.as_ref().map(|(_, _, known)| known.as_ref());
    let limits = within_limits(gateway, rules, (origin, now, known), dress).await?;
    if let Some(known) = known {
        gateway.chain.note_use(known, origin.address, now);
    }
    let name = rules.last().map_or("", |rule| rule.name());
    origin.decided.is(|| Decision::new(name, known.map(|known| &known.principal), None));
    let credential = credential.filter(|_| somebody.is_some());
    Ok(Admitted { somebody, credential, proof, limits })
}

/// A browser sends a name and a password along by itself, also from another site's page, and so it does what a proxy
/// in front knows it by.
fn check_sender(sent: &Sent<'_>, credential: &Credential) -> Result<(), Refusal> {
    match (credential, sent.asked) {
        (Credential::Basic { .. } | Credential::Fronted { .. }, Some(asked)) => {
            signin::check_page(asked.method, &sent.request.headers, sent.site(asked))
        }
        _ => Ok(()),
    }
}

/// The session of a browser, where nothing else is presented. One of another site's page does nothing in its name.
fn signed_in(gateway: &Inner, sent: &Sent<'_>) -> Result<Option<Credential>, Refusal> {
    let Some(asked) = sent.asked else { return Ok(None) };
    let site = sent.site(asked);
    let found = signin::credential(gateway, &sent.request.headers, site);
    if found.is_some() {
        signin::check_page(asked.method, &sent.request.headers, site)?;
    }
    Ok(found)
}

/// Where to send a browser that was refused, if signing in would help.
pub(crate) fn way_in(
    gateway: &Inner,
    sent: &Sent<'_>,
    page: &str,
    (rule, refused): (&Rule, &Response<Body>),
) -> Option<String> {
    let why = *refused.extensions().get::<Why>()?;
    let asked = sent.asked?;
    let request = (asked.method, &sent.request.headers);
    signin::way_in(gateway, request, (sent.site(asked), page), (rule, why))
}

async fn within_limits(
    gateway: &Inner,
    rules: &[&Rule],
    (origin, now, known): (&Origin, Time, Option<&Known>),
    dress: &Dress<'_>,
) -> Result<Option<Shown>, Response<Body>> {
    let principal = known.map(|known| &known.principal);
    match gateway.limiter.take(rules, principal, (origin.address, now)).await {
        Ok(shown) => Ok(shown),
        Err(Over { refusal, rule, shown }) => {
            let mut response = turn_away(gateway, dress, (origin, &rule, known), &refusal).await;
            if let Some(shown) = shown {
                shown.set(response.headers_mut());
            }
            Err(response)
        }
    }
}

/// What a request presents. Its certificate is only looked at where every rule accepts certificates.
fn presented(
    gateway: &Inner,
    request: &Parts,
    origin: &Origin,
    rules: &[&Rule],
) -> Result<Option<Credential>, Refusal> {
    let mut looking = rules.iter().filter(|rule| rule.mode() != Mode::Disabled);
    let is_accepted = looking.all(|rule| rule.accepts(CredentialKind::Certificate));
    gateway.chain.presented(&request.headers, origin.certificate.as_ref(), (is_accepted, origin.is_trusted))
}

fn decide<'k>(
    rule: &Rule,
    route: &Route,
    (known, proof): (&'k Result<Option<Arc<Known>>, Refusal>, &Proof),
    (asked, (address, now)): (Option<Asked<'_>>, (IpAddr, Time)),
) -> Verdict<'k> {
    let presented = match known {
        Ok(Some(known)) => Presented::Principal(&known.principal),
        Ok(None) => Presented::Nothing,
        Err(refusal) => Presented::Refused(refusal.clone()),
    };
    let verdict = judge(rule, Ask { presented, asked, proof, address, now, audiences: &route.audiences });
    let Verdict::Allowed(principal) = verdict else { return verdict };
    match chroma::check((rule, route), principal, asked) {
        Ok(()) => Verdict::Allowed(principal),
        Err(refusal) => Verdict::Refused(refusal),
    }
}

/// Whether a request would be let through that proves nothing beside what it presents.
pub(crate) fn would_admit(
    rule: &Rule,
    route: &Route,
    presented: Presented<'_>,
    (asked, (address, now)): (Option<Asked<'_>>, (IpAddr, Time)),
) -> Result<(), Refusal> {
    let proof = &Proof::default();
    match judge(rule, Ask { presented, asked, proof, address, now, audiences: &route.audiences }) {
        Verdict::Allowed(principal) => chroma::check((rule, route), principal, asked),
        Verdict::Refused(refusal) => {
            if let Some(cause) = &refusal.cause {
                tracing::warn!(rule = rule.name(), cause, "a policy could not be evaluated");
            }
            Err(refusal)
        }
    }
}

/// What a request has proven, as far as its credential asks for it. Whoever does not hold the key is nobody, also
/// where a rule would let nobody through.
fn proof_of(
    gateway: &Inner,
    sent: &Sent<'_>,
    (credential, known): (Option<&Credential>, &Result<Option<Arc<Known>>, Refusal>),
    now: Time,
) -> Result<Proof, Refusal> {
    let proof = match (credential, known, &gateway.proofs) {
        (Some(credential), Ok(Some(known)), Some(proofs)) => {
            proofs.of((&sent.request.headers, sent.asked), (credential, &known.principal), now)?
        }
        _ => Proof::default(),
    };
    Ok(Proof { certificate: certificate::proof(sent.origin.certificate.as_ref(), now), ..proof })
}

impl Inner {
    /// Whether whoever was let through under this rule still would be.
    pub(crate) async fn still_admits(
        &self,
        held: (&Credential, &Proof),
        address: IpAddr,
        (rule, asked): (&str, Asked<'_>),
    ) -> bool {
        let mut newest = self;
        while let Some(successor) = newest.successor.get() {
            newest = successor;
        }
        newest.admits(held, address, (rule, asked)).await
    }

    async fn admits(
        &self,
        (credential, proof): (&Credential, &Proof),
        address: IpAddr,
        (rule, asked): (&str, Asked<'_>),
    ) -> bool {
        let Some(rule) = self.rules.named(rule) else { return false };
        let now = (self.clock)();
        let known = self.chain.recognise(credential, now).await.map(Some);
        // Who cannot be asked has not said no: the next second will tell.
        if known.as_ref().is_err_and(|refusal| refusal.why.class() == Class::Unavailable) {
            return true;
        }
        let verdict = decide(rule, &self.route(rule), (&known, proof), (Some(asked), (address, now)));
        matches!(verdict, Verdict::Allowed(_))
    }
}
