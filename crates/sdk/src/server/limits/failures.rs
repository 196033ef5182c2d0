//! Who fails too often, and who is let through nevertheless.
//!
//! What is held against an address is only what nobody was recognised by: guesses. A token that is merely
//! too old is held against its own identity, so that a hundred colleagues behind one address do not shut it
//! for each other. And whoever was recognised from there within a day is looked at whatever strangers do
//! beside them: by the same credential always, by a new one in the same name as long as that name does not
//! fail too often from there. Nobody can lock anybody out from another network.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use data_encoding::HEXLOWER;
use doorward_judge::{
    Principal, Why,
    limit::{By, Window, network},
};
use doorward_proto::{jose::Unverified, time::Time};
use serde::Deserialize;

use super::{Failing, Key, Kind};
use crate::server::Credential;

/// How many failures are allowed; 0 for any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureLimits {
    /// From one address (IPv6: one /64).
    pub address: u32,
    /// In the name of one identity, from one address.
    pub identity: u32,
    /// In which time.
    pub interval: Duration,
}

impl FailureLimits {
    /// More are no limit.
    pub const MOST: u32 = 10_000;
    /// The longest time, in seconds; a longer one would be a lock.
    pub const LONGEST: f64 = 3_600.0;
    /// Any number of failures.
    pub const NONE: Self = Self { address: 0, identity: 0, interval: Duration::from_secs(60) };

    /// Whether there is nothing to be counted.
    pub const fn is_none(&self) -> bool {
        self.address == 0 && self.identity == 0
    }

    /// What nobody knows the address of is not held against one that all of it would share.
    pub(super) fn at(&self, address: IpAddr) -> Option<Failing> {
        if address.is_unspecified() {
            return None;
        }
        self.failing(self.address, By::Address, network(address))
    }

    /// The one to look at before a credential is looked up: what it says of itself, believed or not.
    pub(super) fn claimed(&self, claim: &str, address: IpAddr) -> Option<Failing> {
        self.failing(self.identity, By::Identity, format!("{claim} (unverified) {}", network(address)))
    }

    /// The one of somebody who was recognised.
    pub(super) fn known(&self, principal: &Principal, address: IpAddr) -> Option<Failing> {
        let (_, who) = By::Identity.of(Some(principal), address);
        self.failing(self.identity, By::Identity, format!("{who} {}", network(address)))
    }

    fn failing(&self, limit: u32, by: By, who: String) -> Option<Failing> {
        let key = Key { kind: Kind::Failures, route: String::new(), place: 0, by, who };
        (limit > 0).then_some(Failing { key, window: Window { limit, length: self.interval } })
    }
}

/// Whether a refusal is a failure to say who one is. What somebody may not do is none.
pub(super) const fn is_failure(why: Why) -> bool {
    matches!(
        why,
        Why::InvalidToken
            | Why::UnsupportedAlgorithm
            | Why::TokenExpired
            | Why::TokenRevoked
            | Why::InvalidAudience
            | Why::InvalidIssuer
            | Why::InvalidAddress
    )
}

/// Whether it could be a guess.
pub(super) const fn is_guess(why: Why) -> bool {
    matches!(why, Why::InvalidToken | Why::UnsupportedAlgorithm)
}

/// Who a credential says that it is, else the credential itself.
pub(super) fn claim(credential: &Credential) -> String {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
        iss: Option<String>,
    }
    let itself =
        || format!("{ITSELF}{}", HEXLOWER.encode(credential.fingerprint().get(..8).unwrap_or_default()));
    let whole = match credential {
        Credential::Basic { name, .. } => name.clone(),
        Credential::Token { token, .. } | Credential::Fronted { token, .. } => {
            let token = Unverified::decode_padded(token.expose());
            let claims = token.and_then(|token| token.unverified_claims::<Claims>());
            match claims {
                Ok(Claims { sub, iss: Some(iss) }) => format!("{sub}@{iss}"),
                Ok(Claims { sub, iss: None }) => sub,
                Err(_) => return itself(),
            }
        }
        Credential::Certificate(_) => return itself(),
    };
    if whole.len() > LONGEST { itself() } else { whole }
}

/// How a claim begins that names nobody: it is the credential's own.
pub(super) const ITSELF: char = '#';
const LONGEST: usize = 512;
const A_DAY: Duration = Duration::from_secs(86_400);
/// Remembered at the most, twice over.
const GENERATION: usize = 32_768;

/// Who was recognised, and from where, within a day.
#[derive(Default)]
pub(super) struct Good(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<[u8; 32], Time>,
    old: HashMap<[u8; 32], Time>,
}

impl Good {
    pub(super) fn remember(&self, key: [u8; 32], now: Time) {
        let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if both.young.len() >= GENERATION {
            both.old = std::mem::take(&mut both.young);
        }
        both.young.insert(key, now);
    }

    pub(super) fn holds(&self, key: &[u8; 32], now: Time) -> bool {
        let both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = both.young.get(key).or_else(|| both.old.get(key));
        seen.is_some_and(|seen| now.since(*seen) < A_DAY)
    }

    pub(super) fn forget(&self, key: &[u8; 32]) {
        let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        both.young.remove(key);
        both.old.remove(key);
    }
}
