//! Slowing down who guesses: failed tries counted per account, per address and overall.
//!
//! A try is counted *before* the password is looked at and given back when it was right, so a burst of
//! parallel guesses cannot slip through. Waiting times double and are bounded; nothing is ever locked.
//! A stranger can make strangers wait for an account, but not the person at a browser where they have
//! been signed in before: that browser has an allowance of its own. Accounts are named by a keyed hash
//! of what was typed, known or not, so neither answers nor rows tell whether one exists.

mod sql;

use std::{net::IpAddr, time::Duration};

use doorward_proto::{
    id::{Browser, Id},
    time::Time,
};

use crate::{
    call::{Actor, Call},
    db::Tx,
    outcome::{Code, Refusal, Result},
};

/// How one kind of counter slows down.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// Failures that cost nothing.
    free: u32,
    /// The same while failures come from everywhere.
    free_in_storm: u32,
    /// No wait is longer.
    longest: Duration,
    /// Failures are forgotten after this long without one.
    forget: Duration,
    /// What happens to the counter when the try was right.
    when_right: WhenRight,
    /// What a refusal is called.
    code: Code,
}

/// What happens to a counter when the try was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenRight {
    /// It begins anew.
    Forget,
    /// This one try is taken off; what others did stays counted.
    GiveBack,
}

const MINUTE: Duration = Duration::from_mins(1);
const QUARTER: Duration = Duration::from_mins(15);
const HOUR: Duration = Duration::from_hours(1);

impl Rule {
    const fn new(free: u32, longest: Duration, when_right: WhenRight, code: Code) -> Self {
        Self { free, free_in_storm: free, longest, forget: HOUR, when_right, code }
    }

    /// A rate: the window begins anew every minute, however busy it is.
    const fn a_minute(self) -> Self {
        Self { forget: MINUTE, ..self }
    }

    const fn in_storm(self, free_in_storm: u32) -> Self {
        Self { free_in_storm, ..self }
    }

    /// Whether what the counter holds is forgotten by now.
    fn begins_anew(&self, row: &sql::Counter, now: Time) -> bool {
        row.last_at + self.forget <= now || (self.forget == MINUTE && row.first_at + MINUTE <= now)
    }
}

/// One account from one address.
const PAIR: Rule = Rule::new(5, QUARTER, WhenRight::Forget, Code::RateLimited);
/// One account from one browser that knows it.
const KNOWN: Rule = Rule::new(10, MINUTE, WhenRight::Forget, Code::RateLimited);
/// One account from everywhere it is not known.
const ACCOUNT: Rule = Rule::new(20, MINUTE, WhenRight::GiveBack, Code::RateLimited);
/// One address (IPv6: one /64).
const ADDRESS: Rule = Rule::new(50, QUARTER, WhenRight::GiveBack, Code::RateLimitedAddress).in_storm(5);
/// Everybody that is not known: beyond the free ones it is a storm. Nobody waits for what others did.
const OVERALL: Rule = Rule::new(600, Duration::ZERO, WhenRight::GiveBack, Code::RateLimited).a_minute();
/// Authorizations begun from one address, or by one person, that have to be kept.
const DRAFTS: Rule = Rule::new(120, MINUTE, WhenRight::GiveBack, Code::RateLimitedAddress).a_minute();
/// Mails to one address.
const MAIL_TO: Rule = Rule::new(5, HOUR, WhenRight::GiveBack, Code::RateLimited);
/// Mails asked for from one address.
const MAIL_FROM: Rule = Rule::new(30, HOUR, WhenRight::GiveBack, Code::RateLimitedAddress);

/// The counters of one try.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    counters: Vec<(String, Rule)>,
    now: Time,
}

/// A sign-in: `account` is what was typed, folded; `known` the browser, where it knows the account.
pub(crate) fn sign_in(call: &Call, account: &str, known: Option<Id<Browser>>) -> Try {
    let account = name(call, account);
    let address = network(call.origin.address);
    let counters = match known {
        Some(browser) => vec![(format!("known:{account}:{browser}"), KNOWN)],
        None => vec![
            (format!("pair:{account}:{address}"), PAIR),
            (format!("account:{account}"), ACCOUNT),
            (format!("address:{address}"), ADDRESS),
            ("overall".to_owned(), OVERALL),
        ],
    };
    Try { counters, now: call.now }
}

/// A try at a secret by somebody who is signed in already: the present password, asked again.
pub(crate) fn confirm(call: &Call, subject: impl std::fmt::Display) -> Try {
    Try { counters: vec![(format!("confirm:{subject}"), KNOWN)], now: call.now }
}

/// An authorization is kept until the person has done something. Who is signed in counts for themselves,
/// not for everybody behind the same address.
pub(crate) fn drafting(call: &Call) -> Try {
    let whose = match &call.actor {
        Actor::User { id, .. } => id.to_string(),
        _ => network(call.origin.address),
    };
    Try { counters: vec![(format!("drafts:{whose}"), DRAFTS)], now: call.now }
}

/// Somebody asks for mail from this address.
pub(crate) fn mail_from(call: &Call) -> Try {
    Try { counters: vec![(format!("mail-from:{}", network(call.origin.address)), MAIL_FROM)], now: call.now }
}

/// Somebody asks for mail to `recipient` (folded).
pub(crate) fn mail_to(call: &Call, recipient: &str) -> Try {
    Try { counters: vec![(format!("mail-to:{}", name(call, recipient)), MAIL_TO)], now: call.now }
}

/// Counts the try, or refuses it while one of its counters is waiting; a refused try is not counted.
/// Answers how long the next one waits if this one is wrong.
pub(crate) async fn take(tx: &mut Tx<'_>, tried: &Try) -> Result<Duration> {
    let mut found = Vec::with_capacity(tried.counters.len());
    let mut longest = Duration::ZERO;
    for (key, rule) in &tried.counters {
        let row = sql::lock(tx, key, tried.now).await?;
        if row.blocked_until > tried.now && !rule.longest.is_zero() {
            let wait = row.blocked_until.since(tried.now).as_millis().div_ceil(1000);
            let seconds = u32::try_from(wait).unwrap_or(u32::MAX);
            return Err(Refusal::new(rule.code).retry_after(seconds).into());
        }
        found.push((key, rule, row));
    }
    let is_storm = found.iter().any(|(_, rule, row)| {
        rule.longest.is_zero() && !rule.begins_anew(row, tried.now) && row.failures >= i64::from(rule.free)
    });
    for (key, rule, row) in found {
        let begins_anew = rule.begins_anew(&row, tried.now);
        let failures = if begins_anew { 1 } else { row.failures + 1 };
        let first_at = if begins_anew { tried.now } else { row.first_at };
        let wait = wait_after(failures, *rule, is_storm);
        let blocked_until = tried.now + wait;
        longest = longest.max(wait);
        let next = sql::Counter { failures, first_at, last_at: tried.now, blocked_until };
        sql::update(tx, key, &next).await?;
    }
    Ok(longest)
}

/// Like [`take`] for mails: answers whether one may be sent, and lets the caller answer as always.
pub(crate) async fn allows(tx: &mut Tx<'_>, tried: &Try) -> Result<bool> {
    match take(tx, tried).await {
        Ok(_) => Ok(true),
        Err(crate::outcome::Error::Refused(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Gives a try back that turned out right; what was counted against the account from here is forgotten.
pub(crate) async fn give_back(tx: &mut Tx<'_>, tried: &Try) -> Result<()> {
    for (key, rule) in &tried.counters {
        match rule.when_right {
            WhenRight::Forget => sql::remove(tx, key).await?,
            WhenRight::GiveBack => sql::give_back(tx, key).await?,
        }
    }
    Ok(())
}

/// Removes a batch of counters that nobody remembers; answers how many went.
pub(crate) async fn clean(tx: &mut Tx<'_>, now: Time) -> Result<u64> {
    sql::clean(tx, now - 2 * HOUR).await
}

/// Nothing for the free ones, then 1, 2, 4… seconds.
fn wait_after(failures: i64, rule: Rule, is_storm: bool) -> Duration {
    let free = if is_storm { rule.free_in_storm } else { rule.free };
    match u32::try_from(failures).unwrap_or(u32::MAX).checked_sub(free) {
        None | Some(0) => Duration::ZERO,
        Some(over) => Duration::from_secs(1_u64 << (over - 1).min(20)).min(rule.longest),
    }
}

/// An account's name in a key: what was typed may be anything, a password in the wrong field included.
fn name(call: &Call, folded: &str) -> String {
    let hash = call.realm.vault.hash_bytes(format!("throttle {folded}").as_bytes());
    data_encoding::BASE32_NOPAD.encode(hash.0.get(..15).unwrap_or_default()).to_lowercase()
}

/// An IPv4 address, or the /64 of an IPv6 one: what one household or server has.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
