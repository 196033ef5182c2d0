//! What a guard is made of.

use std::{net::IpAddr, sync::Arc};

use doorward_judge::{
    Mode, Rule, Rules,
    rule::{BadRule, RuleSpec},
};
use http::request::Parts;

#[cfg(feature = "files")]
use crate::server::settings::{AuthSettings, BadSettings, Outside};

use super::{ClientAddress, Guard, Inner, Locate};
use crate::{
    clock::{self, Clock},
    dress::Errors,
    server::{
        Chain, Provider,
        limits::{FailureLimits, Limiter, MemoryLimits},
        proof::Proofs,
    },
};

/// Puts a [`Guard`] together.
pub struct Builder {
    providers: Vec<Arc<dyn Provider>>,
    rules: Vec<RuleSpec>,
    default: RuleSpec,
    audiences: Vec<String>,
    is_for_anybody: bool,
    errors: Errors,
    realm: Option<String>,
    locate: Box<Locate>,
    limiter: Option<Arc<Limiter>>,
    failures: FailureLimits,
    proofs: Option<Arc<Proofs>>,
    clock: Clock,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            rules: Vec::new(),
            default: RuleSpec { name: "default".to_owned(), ..RuleSpec::default() },
            audiences: Vec::new(),
            is_for_anybody: false,
            errors: Errors::Problem,
            realm: None,
            locate: Box::new(|request| request.extensions.get::<ClientAddress>().map(|address| address.0)),
            limiter: None,
            failures: FailureLimits::NONE,
            proofs: None,
            clock: clock::system(),
        }
    }
}

impl Builder {
    /// Asks this one, too, whose a credential is, after those before it.
    #[must_use]
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Asks these, too.
    #[must_use]
    pub fn providers(mut self, providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        self.providers.extend(providers);
        self
    }

    /// Believes whom these settings believe, by their mode and audiences, and allows as many failures as they do.
    ///
    /// # Errors
    /// What is not safe and not allowed by name; what makes no sense.
    #[cfg(feature = "files")]
    pub fn settings(mut self, settings: &AuthSettings, outside: &Outside) -> Result<Self, BadSettings> {
        self.providers.extend(settings.providers(outside)?);
        self.audiences.extend(settings.audience.iter().cloned());
        self.is_for_anybody |= settings.any_audience;
        self.failures = settings.failures()?;
        Ok(self.mode(settings.mode))
    }

    /// A rule for some requests.
    #[must_use]
    pub fn rule(mut self, rule: RuleSpec) -> Self {
        self.rules.push(rule);
        self
    }

    /// The rule for requests that no other is for. Without it a credential is needed, and nothing more.
    #[must_use]
    pub fn default_rule(mut self, rule: RuleSpec) -> Self {
        self.default = rule;
        self
    }

    /// Whether a credential is needed where no rule is for a request.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.default.mode = mode;
        self
    }

    /// What this service is called in `aud`. As long as it has no name, tokens that are for somebody are for
    /// somebody else.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Takes tokens whoever they are for: any application's token then opens this service.
    #[must_use]
    pub const fn any_audience(mut self) -> Self {
        self.is_for_anybody = true;
        self
    }

    /// In which words refusals are told.
    #[must_use]
    pub const fn errors(mut self, errors: Errors) -> Self {
        self.errors = errors;
        self
    }

    /// What challenges name as the protection space; else the first audience.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Finds out where a request comes from; else [`ClientAddress`] tells. Credentials that are for some
    /// networks only are refused where nobody knows.
    #[must_use]
    pub fn address(mut self, locate: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        self.locate = Box::new(locate);
        self
    }

    /// Counts the requests of rules with limits, and failed tries. Without it both are counted in memory: failed
    /// tries as the settings say, else not at all.
    #[must_use]
    pub fn limiter(mut self, limiter: Arc<Limiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// Knows the proofs of possession that were seen (RFC 9449). A service with several guards shares them, so that
    /// no proof is good twice. Without it a guard has its own.
    #[must_use]
    pub fn proofs(mut self, proofs: Arc<Proofs>) -> Self {
        self.proofs = Some(proofs);
        self
    }

    /// Another clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Compiles the rules.
    ///
    /// # Errors
    /// The first rule that makes no sense.
    pub fn build(self) -> Result<Guard, BadRule> {
        let realm = self.realm.or_else(|| self.audiences.first().cloned()).unwrap_or_default();
        // A realm is written between quotes (RFC 9110 5.6.4).
        let realm: String = realm.chars().filter(|c| !matches!(c, '"' | '\\') && !c.is_control()).collect();
        let audiences = match (self.is_for_anybody, self.audiences.is_empty()) {
            (true, _) => Vec::new(),
            // The name that nothing has: no token is for it.
            (false, true) => vec![String::new()],
            (false, false) => self.audiences,
        };
        let limiter = self
            .limiter
            .unwrap_or_else(|| Arc::new(Limiter::new(Arc::new(MemoryLimits::default()), self.failures)));
        let proofs = self.proofs.or_else(|| {
            let own = Proofs::new().ok().map(Arc::new);
            if own.is_none() {
                tracing::error!("there is no randomness: tokens that are bound to a key open nothing");
            }
            own
        });
        let (rules, default) = (Rules::compile(self.rules)?, Rule::compile(self.default)?);
        let chain = Chain::new(self.providers);
        chain.expect(rules.iter().chain([&default]).map(|rule| (rule, audiences.as_slice())));
        Ok(Guard(Arc::new(Inner {
            chain,
            rules,
            default,
            audiences,
            errors: self.errors,
            realm: realm.into(),
            locate: self.locate,
            limiter,
            proofs,
            clock: self.clock,
        })))
    }
}
