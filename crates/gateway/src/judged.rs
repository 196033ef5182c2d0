//! Whose request it is and whether it is let through: the same at every door.

use std::{net::IpAddr, sync::Arc};

use axum::body::Body;
use doorward_judge::{Ask, Mode, Presented, Proof, Refusal, Rule, Verdict, Why, judge};
use doorward_proto::time::Time;
use doorward_sdk::server::{Credential, Known, identity_headers};
use http::{HeaderMap, HeaderValue, Response, request::Parts};

use crate::{Inner, Origin, Route, assertion, dress::Dress, turn_away};

pub(crate) use doorward_sdk::assertion::ASSERTION;

/// A request that is let through.
pub(crate) struct Admitted<'g> {
    /// The rule under which somebody was, if somebody was.
    somebody: Option<(&'g Rule, Arc<Route>, Arc<Known>)>,
    /// What they presented.
    pub(crate) credential: Option<Credential>,
}

impl Admitted<'_> {
    /// Says who it is.
    pub(crate) fn headers(&self) -> HeaderMap {
        match &self.somebody {
            Some((_, _, known)) => known.headers().clone(),
            None => identity_headers::of(None),
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

/// Judges a request by every rule; the first that refuses is told.
pub(crate) async fn all<'g>(
    gateway: &'g Inner,
    request: &Parts,
    origin: &Origin,
    (rules, dress): (&[&'g Rule], &mut Dress<'_>),
) -> Result<Admitted<'g>, Response<Body>> {
    let now = (gateway.clock)();
    let looks_at_none = rules.iter().all(|rule| rule.mode() == Mode::Disabled);
    let credential = if looks_at_none { Ok(None) } else { Credential::of(&request.headers) };
    let (credential, known) = match credential {
        Err(refusal) => (None, Err(refusal)),
        Ok(None) => (None, Ok(None)),
        Ok(Some(credential)) => {
            let known = gateway.chain.recognise(&credential, now).await.map(Some);
            (Some(credential), known)
        }
    };
    let mut admitted = None;
    for rule in rules {
        let route = gateway.route(rule);
        dress.words.errors = route.errors;
        match decide(rule, &route, &known, (origin.address, now)) {
            Verdict::Refused(refusal) => {
                dress.words.scopes = rule.scopes().join(" ");
                let known = known.as_ref().ok().and_then(Option::as_deref);
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
    if let Some((_, _, known)) = &somebody {
        gateway.chain.note_use(known, origin.address, now);
    }
    let credential = credential.filter(|_| somebody.is_some());
    Ok(Admitted { somebody, credential })
}

fn decide<'k>(
    rule: &Rule,
    route: &Route,
    known: &'k Result<Option<Arc<Known>>, Refusal>,
    (address, now): (IpAddr, Time),
) -> Verdict<'k> {
    let presented = match known {
        Ok(Some(known)) => Presented::Principal(&known.principal),
        Ok(None) => Presented::Nothing,
        Err(refusal) => Presented::Refused(refusal.clone()),
    };
    let proof = Proof::default();
    let ask = Ask { presented, proof: &proof, address, now, audiences: &route.audiences };
    judge(rule, ask)
}

impl Inner {
    /// Whether whoever was let through under this rule still would be.
    pub(crate) async fn still_admits(&self, credential: &Credential, address: IpAddr, rule: &str) -> bool {
        let mut newest = self;
        while let Some(successor) = newest.successor.get() {
            newest = successor;
        }
        newest.admits(credential, address, rule).await
    }

    async fn admits(&self, credential: &Credential, address: IpAddr, rule: &str) -> bool {
        let Some(rule) = self.rules.named(rule) else { return false };
        let now = (self.clock)();
        let known = self.chain.recognise(credential, now).await.map(Some);
        // Who cannot be asked has not said no: the next second will tell.
        if known.as_ref().is_err_and(|refusal| refusal.why == Why::Unavailable) {
            return true;
        }
        matches!(decide(rule, &self.route(rule), &known, (address, now)), Verdict::Allowed(_))
    }
}
