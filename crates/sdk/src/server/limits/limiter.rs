//! When counters are asked, and what follows.

use std::{net::IpAddr, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use doorward_judge::{
    Principal, Refusal, Rule, Why,
    limit::{By, Gcra, Limit, Measure, network},
};
use doorward_proto::time::Time;

use super::{
    FailureLimits, Key, Kind, Limits, MemoryLimits, Shown, Take, Which,
    failures::{self, Good},
};
use crate::server::{Chain, Credential, Known};

/// More than a rule allows.
#[derive(Debug)]
pub struct Over {
    /// `RateLimited` or `QuotaExceeded`.
    pub refusal: Refusal,
    /// The name of the rule.
    pub rule: String,
    /// How all limits stand.
    pub shown: Option<Shown>,
}

/// Counters, with what they are for.
pub struct Limiter {
    counters: Arc<dyn Limits>,
    failures: FailureLimits,
    good: Good,
}

/// Counters in memory, and any number of failures.
impl Default for Limiter {
    fn default() -> Self {
        Self::new(Arc::new(MemoryLimits::default()), FailureLimits::NONE)
    }
}

impl Limiter {
    /// Limits over these counters.
    pub fn new(counters: Arc<dyn Limits>, failures: FailureLimits) -> Self {
        Self { counters, failures, good: Good::default() }
    }

    /// Whose credential it is; who has failed too often is refused before anybody is asked.
    ///
    /// # Errors
    /// `AddressFailures`, `IdentityFailures`, and what [`Chain::recognise`] says.
    pub async fn recognise(
        &self,
        chain: &Chain,
        credential: &Credential,
        (address, now): (IpAddr, Time),
    ) -> Result<Arc<Known>, Refusal> {
        if self.failures.is_none() {
            return chain.recognise(credential, now).await;
        }
        if let Some(known) = chain.remembered(credential, now) {
            return Ok(known);
        }
        let fingerprint = credential.fingerprint();
        let claim = failures::claim(credential);
        let here = digest_of(&claim, address);
        if !self.good.holds(&fingerprint, now) {
            let is_known_here = self.good.holds(&here, now);
            self.may_try(&claim, is_known_here, (address, now)).await?;
        }
        let known = chain.recognise(credential, now).await;
        match &known {
            Ok(_) => {
                self.good.remember(fingerprint, now);
                self.good.remember(here, now);
            }
            Err(refusal) if failures::is_failure(refusal.why) => {
                self.good.forget(&fingerprint);
                if claim.starts_with(failures::ITSELF) {
                    self.good.forget(&here);
                }
            }
            Err(_) => {}
        }
        known
    }

    async fn may_try(
        &self,
        claim: &str,
        is_known_here: bool,
        (address, now): (IpAddr, Time),
    ) -> Result<(), Refusal> {
        let of_address = self.failures.at(address).filter(|_| !is_known_here);
        let of_identity = self.failures.claimed(claim, address);
        let whys = [
            of_address.is_some().then_some(Why::AddressFailures),
            of_identity.is_some().then_some(Why::IdentityFailures),
        ];
        let failing: Vec<_> = of_address.into_iter().chain(of_identity).collect();
        let waits = self.counters.waits(&failing, now).await;
        let waiting = whys.into_iter().flatten().zip(waits).find_map(|(why, wait)| Some((why, wait?)));
        waiting.map_or(Ok(()), |(why, wait)| Err(too_many(why, address).after(wait)))
    }

    /// Whether somebody may try something from this address, of whom nothing else is known.
    ///
    /// # Errors
    /// `AddressFailures` after too many failures there.
    pub async fn may_try_from(&self, (address, now): (IpAddr, Time)) -> Result<(), Refusal> {
        let Some(failing) = self.failures.at(address) else { return Ok(()) };
        let waits = self.counters.waits(&[failing], now).await;
        let wait = waits.into_iter().flatten().next();
        wait.map_or(Ok(()), |wait| Err(too_many(Why::AddressFailures, address).after(wait)))
    }

    /// Counts a refusal where it is a failure to say who one is; answers the refusal to tell in its place when
    /// there were too many of them.
    pub async fn failed(
        &self,
        credential: Option<&Credential>,
        principal: Option<&Principal>,
        why: Why,
        (address, now): (IpAddr, Time),
    ) -> Option<Refusal> {
        if self.failures.is_none() || !failures::is_failure(why) {
            return None;
        }
        let is_guess = principal.is_none() && failures::is_guess(why);
        let of_address = self.failures.at(address).filter(|_| is_guess);
        let of_identity = match (principal, credential) {
            (Some(principal), _) => self.failures.known(principal, address),
            (None, Some(credential)) => self.failures.claimed(&failures::claim(credential), address),
            (None, None) => None,
        };
        let whys = [
            of_address.is_some().then_some(Why::AddressFailures),
            of_identity.is_some().then_some(Why::IdentityFailures),
        ];
        let failing: Vec<_> = of_address.into_iter().chain(of_identity).collect();
        let waits = self.counters.fail(&failing, now).await;
        let (why, wait) = whys.into_iter().flatten().zip(waits).find_map(|(why, wait)| Some((why, wait?)))?;
        Some(too_many(why, address).after(wait))
    }

    /// Takes one request from every limit of these rules, or from none of them.
    ///
    /// # Errors
    /// Whichever takes longest to end.
    pub async fn take(
        &self,
        rules: &[&Rule],
        principal: Option<&Principal>,
        (address, now): (IpAddr, Time),
    ) -> Result<Option<Shown>, Over> {
        self.take_all(takes(rules, principal, address), now).await
    }

    /// Takes one request of somebody unknown from the limits of a rule that count by who asks: what all have together
    /// is not for those who may have nothing of it.
    ///
    /// # Errors
    /// Whichever takes longest to end.
    pub async fn take_for_nobody(
        &self,
        rule: &Rule,
        (address, now): (IpAddr, Time),
    ) -> Result<Option<Shown>, Over> {
        let mut takes = takes(&[rule], None, address);
        takes.retain(|take| take.key.by != By::Route);
        self.take_all(takes, now).await
    }

    async fn take_all(&self, takes: Vec<Take>, now: Time) -> Result<Option<Shown>, Over> {
        if takes.is_empty() {
            return Ok(None);
        }
        let standings = self.counters.take(&takes, now).await;
        let shown = Shown::of(&takes, &standings);
        let refusing = takes.iter().zip(&standings).filter(|(_, standing)| !standing.fits);
        let Some((take, standing)) = refusing.max_by_key(|(_, standing)| standing.fits_in) else {
            return Ok(shown);
        };
        let why = match take.measure {
            Measure::Rate(_) => Why::RateLimited,
            Measure::Quota(_) => Why::QuotaExceeded,
        };
        let refusal = Refusal::new(why).after(standing.fits_in);
        Err(Over { refusal, rule: take.key.route.clone(), shown })
    }

    /// Forgets what these counters hold; says how many they were.
    pub async fn clear(&self, which: &Which) -> u64 {
        self.counters.clear(which).await
    }
}

/// What is taken: of every rule once.
fn takes(rules: &[&Rule], principal: Option<&Principal>, address: IpAddr) -> Vec<Take> {
    let mut takes: Vec<Take> = Vec::new();
    for rule in rules {
        for limit in rule.limits() {
            let (by, who) = limit.by.of(principal, address);
            let kind = match limit.measure {
                Measure::Rate(_) => Kind::Rate,
                Measure::Quota(_) => Kind::Quota,
            };
            let key = Key { kind, route: rule.name().to_owned(), place: limit.place, by, who };
            if takes.iter().all(|take| take.key != key) {
                takes.push(Take { key, measure: measure(limit, principal), cost: 1 });
            }
        }
    }
    takes
}

/// A credential's own rate takes the place of the one for identities.
fn measure(limit: &Limit, principal: Option<&Principal>) -> Measure {
    match (limit.measure, principal.and_then(|principal| principal.rate)) {
        (Measure::Rate(_), Some(rate)) if limit.by == By::Identity => {
            Measure::Rate(Gcra::new(rate, rate.limit))
        }
        (measure, _) => measure,
    }
}

fn too_many(why: Why, address: IpAddr) -> Refusal {
    let refusal = Refusal::new(why);
    if why == Why::AddressFailures {
        return refusal.missing(vec![address.to_canonical().to_string()]);
    }
    refusal
}

fn digest_of(claim: &str, address: IpAddr) -> [u8; 32] {
    let text = format!("{claim} {}", network(address));
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    key
}
