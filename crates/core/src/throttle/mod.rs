//! Slowing down who guesses: wrong tries counted per account, per address and overall.
//!
//! A try is counted *before* the password is looked at, so a burst of parallel guesses cannot slip
//! through, and taken back whole when it was right: only wrong ones leave a trace. Waits double up to some
//! seconds, and what was counted is forgotten one by one as time goes, however busy the counter is.
//!
//! Nothing is ever locked. Who has not failed at an account from an address (IPv6: a /64) before is
//! looked at at once, whatever strangers did to that account or from that address; only an address that
//! has failed at very many accounts makes its newcomers wait, for four seconds at most. A browser in
//! which the person has been signed in has an allowance of its own. Accounts are named by a keyed hash of
//! what was typed, known or not, so neither answers nor rows tell whether one exists.

mod sql;

use std::time::Duration;

use doorward_proto::{
    id::{Browser, Id, Org, User},
    time::Time,
};

use crate::{
    call::{Actor, Call},
    db::Tx,
    links::Purpose,
    outcome::{Code, Refusal, Result},
};

/// How one kind of counter slows down.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// Wrong tries that cost nothing.
    free: u32,
    /// The same while wrong tries come from everywhere.
    free_in_storm: u32,
    /// No wait is longer.
    longest: Duration,
    /// After each such time one of them is forgotten.
    forgets: Duration,
    /// Whom it makes wait.
    whom: Whom,
    /// What happens to the counter when the try was right.
    when_right: WhenRight,
    /// What a refusal is called.
    code: Code,
}

/// Whom a counter makes wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// Everybody whom it counts.
    All,
    /// Who has failed at this account from this address before.
    Repeated,
    /// Who has not; nobody else is counted.
    First,
    /// Nobody: it tells a storm.
    None,
}

/// What happens to a counter when the try was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenRight {
    /// It begins anew.
    Forget,
    /// This one try is taken off; what others did stays counted.
    GiveBack,
}

const SOON: Duration = Duration::from_secs(4);
const HALF_MINUTE: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// Beyond the free ones no more are remembered: enough for the longest wait of any rule.
const REMEMBERED: i64 = 13;

impl Rule {
    const fn new(free: u32, longest: Duration, forgets: Duration, code: Code) -> Self {
        let (whom, when_right) = (Whom::All, WhenRight::GiveBack);
        Self { free, free_in_storm: free, longest, forgets, whom, when_right, code }
    }

    const fn forget_when_right(self) -> Self {
        Self { when_right: WhenRight::Forget, ..self }
    }

    const fn only(self, whom: Whom) -> Self {
        Self { whom, ..self }
    }

    const fn in_storm(self, free_in_storm: u32) -> Self {
        Self { free_in_storm, ..self }
    }

    /// What a counter holds by now, and from when on the next one is forgotten.
    fn left(&self, row: &sql::Counter, now: Time) -> (i64, Time) {
        let passed = now.since(row.first_at).as_micros() / self.forgets.as_micros().max(1);
        let forgotten = i64::try_from(passed).unwrap_or(i64::MAX);
        if row.failures <= forgotten {
            return (0, now);
        }
        let steps = u32::try_from(forgotten).unwrap_or(u32::MAX);
        (row.failures - forgotten, row.first_at + self.forgets * steps)
    }

    /// Nothing for the free ones, then 1, 2, 4… seconds.
    fn wait_after(&self, failures: i64, is_storm: bool) -> Duration {
        let free = if is_storm { self.free_in_storm } else { self.free };
        match u32::try_from(failures).unwrap_or(u32::MAX).checked_sub(free) {
            None | Some(0) => Duration::ZERO,
            Some(over) => Duration::from_secs(1_u64 << (over - 1).min(20)).min(self.longest),
        }
    }
}

const SLOW: Duration = Duration::from_mins(2);
/// One account from one address.
const PAIR: Rule = Rule::new(5, HALF_MINUTE, SLOW, Code::RateLimited).forget_when_right();
/// One account from one browser that knows it.
const KNOWN: Rule = Rule::new(10, HALF_MINUTE, SLOW, Code::RateLimited).forget_when_right();
/// One account from everywhere it is not known.
const ACCOUNT: Rule = Rule::new(20, HALF_MINUTE, MINUTE, Code::RateLimited).only(Whom::Repeated);
/// One address (IPv6: one /64).
const ADDRESS: Rule =
    Rule::new(50, HALF_MINUTE, HALF_MINUTE, Code::RateLimitedAddress).only(Whom::Repeated).in_storm(5);
/// The accounts that were tried from one address.
const SPREAD: Rule = Rule::new(50, SOON, HALF_MINUTE, Code::RateLimitedAddress).only(Whom::First).in_storm(5);
/// Everybody that is not known, 600 a minute: beyond it is a storm. Nobody waits for what others did.
const OVERALL: Rule =
    Rule::new(600, Duration::ZERO, Duration::from_millis(100), Code::RateLimited).only(Whom::None);
/// Authorizations begun from one address, or by one person, that are kept until somebody signs in.
const DRAFTS: Rule = Rule::new(300, MINUTE, Duration::from_millis(500), Code::RateLimitedAddress);
/// People without an account that begin from one address.
const BEGINNERS: Rule = Rule::new(30, HOUR, Duration::from_mins(2), Code::RateLimitedAddress);
/// Organisations that one person makes.
const ORGS: Rule = Rule::new(20, HOUR, HOUR, Code::RateLimited);
/// Invitations from one organisation.
const INVITATIONS: Rule = Rule::new(200, HOUR, MINUTE, Code::RateLimited);
/// Invitations that are mailed to one address, from whatever organisations.
const INVITED: Rule = Rule::new(20, HOUR, HOUR, Code::RateLimited);
/// Mails of one kind to one address. Who is waiting for one has a link of that kind that works still.
const MAIL_TO: Rule = Rule::new(5, Duration::from_mins(30), Duration::from_mins(12), Code::RateLimited);
/// Announcements of one organisation, and of one person.
const ANNOUNCEMENTS: Rule = Rule::new(10, HOUR, Duration::from_hours(6), Code::RateLimited);
/// Mails that somebody sends themselves, to see how they look.
const TESTS: Rule = Rule::new(5, HOUR, Duration::from_mins(12), Code::RateLimited);
/// Mails asked for from one address.
const MAIL_FROM: Rule = Rule::new(30, HOUR, Duration::from_mins(2), Code::RateLimitedAddress);
/// Reports of secrets that nobody here has, from one address.
const REPORTS: Rule = Rule::new(60, MINUTE, Duration::from_secs(1), Code::RateLimitedAddress);

/// The counters of one try. Where the first is of one account from one address, the others tell by it
/// who has failed before.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    counters: Vec<(String, Rule)>,
    now: Time,
}

/// A try that was counted, with all that is needed to undo it.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// How long the next one waits if this one is wrong.
    pub(crate) wait: Duration,
    steps: Vec<Step>,
}

/// What a try changed at one counter.
#[derive(Debug, Clone)]
struct Step {
    key: String,
    when_right: WhenRight,
    added: i64,
    blocked_before: Time,
    blocked_after: Time,
}

/// A sign-in: `account` is what was typed, folded; `known` the browser, where it knows the account.
pub(crate) fn sign_in(call: &Call, account: &str, known: Option<Id<Browser>>) -> Try {
    let account = name(call, account);
    let address = call.origin.network();
    let counters = match known {
        Some(browser) => vec![(format!("known:{account}:{browser}"), KNOWN)],
        None => vec![
            (format!("pair:{account}:{address}"), PAIR),
            (format!("account:{account}"), ACCOUNT),
            (format!("address:{address}"), ADDRESS),
            (format!("spread:{address}"), SPREAD),
            ("overall".to_owned(), OVERALL),
        ],
    };
    Try { counters, now: call.now }
}

/// A try at a secret by somebody who is signed in already: the present password, asked again.
pub(crate) fn confirm(call: &Call, subject: impl std::fmt::Display) -> Try {
    Try { counters: vec![(format!("confirm:{subject}"), KNOWN)], now: call.now }
}

/// An authorization is kept until the person has done something, and is forgiven when they sign in. Who
/// is signed in counts for themselves, not for everybody behind the same address.
pub(crate) fn drafting(call: &Call) -> Try {
    let whose = match &call.actor {
        Actor::User { id, .. } | Actor::PersonalKey { user: id, .. } => id.to_string(),
        _ => call.origin.network(),
    };
    Try { counters: vec![(format!("drafts:{whose}"), DRAFTS)], now: call.now }
}

/// Somebody without an account reports a secret; given back where it is one of ours.
pub(crate) fn reporting(call: &Call) -> Try {
    Try { counters: vec![(format!("reports:{}", call.origin.network()), REPORTS)], now: call.now }
}

/// Somebody begins without an account.
pub(crate) fn beginning(call: &Call) -> Try {
    Try { counters: vec![(format!("beginners:{}", call.origin.network()), BEGINNERS)], now: call.now }
}

/// A person makes an organisation.
pub(crate) fn making_orgs(call: &Call, person: Id<User>) -> Try {
    Try { counters: vec![(format!("orgs:{person}"), ORGS)], now: call.now }
}

/// An organisation invites somebody: bounded also for whoever makes many of them.
pub(crate) fn inviting(call: &Call, org: Id<Org>, mailed_to: Option<&str>) -> Try {
    let by = format!("invitations-by:{}", call.actor.name());
    let mut counters = vec![(format!("invitations:{org}"), INVITATIONS), (by, INVITATIONS)];
    if let Some(recipient) = mailed_to.map(|recipient| name(call, recipient)) {
        counters.push((format!("invited:{org}:{recipient}"), MAIL_TO));
        counters.push((format!("invited:{recipient}"), INVITED));
    }
    Try { counters, now: call.now }
}

/// Somebody announces something in an organisation's name.
pub(crate) fn announcing(call: &Call, org: Id<Org>) -> Try {
    let by = format!("announcements-by:{}", call.actor.name());
    Try {
        counters: vec![(format!("announcements:{org}"), ANNOUNCEMENTS), (by, ANNOUNCEMENTS)],
        now: call.now,
    }
}

/// Somebody sends themselves a mail, to see how it looks.
pub(crate) fn testing_mail(call: &Call) -> Try {
    Try { counters: vec![(format!("mail-tests:{}", call.actor.name()), TESTS)], now: call.now }
}

/// Somebody asks for mail from this address.
pub(crate) fn mail_from(call: &Call) -> Try {
    Try { counters: vec![(format!("mail-from:{}", call.origin.network()), MAIL_FROM)], now: call.now }
}

/// Somebody asks for a link by mail to `recipient` (folded). Each purpose is counted for itself: who signs
/// up with somebody else's address does not keep the owner from a reset.
pub(crate) fn mail_to(call: &Call, purpose: Purpose, recipient: &str) -> Try {
    let key = format!("mail-to:{purpose:?}:{}", name(call, recipient));
    Try { counters: vec![(key, MAIL_TO)], now: call.now }
}

/// Counts the try, or refuses it while one of its counters is waiting; a refused try is not counted.
pub(crate) async fn take(tx: &mut Tx<'_>, tried: &Try) -> Result<Taken> {
    let mut found = Vec::with_capacity(tried.counters.len());
    let (mut is_first, mut is_storm) = (false, false);
    for (place, (key, rule)) in tried.counters.iter().enumerate() {
        if rule.whom == Whom::First && !is_first {
            continue;
        }
        let row = sql::lock(tx, key, tried.now).await?;
        let (failures, since) = rule.left(&row, tried.now);
        is_first |= place == 0 && failures == 0;
        is_storm |= rule.whom == Whom::None && failures >= i64::from(rule.free);
        let concerns = match rule.whom {
            Whom::All | Whom::First => true,
            Whom::Repeated => !is_first,
            Whom::None => false,
        };
        if concerns && row.blocked_until > tried.now {
            let wait = row.blocked_until.since(tried.now).as_millis().div_ceil(1000);
            let seconds = u32::try_from(wait).unwrap_or(u32::MAX);
            return Err(Refusal::new(rule.code).retry_after(seconds).into());
        }
        found.push((key, rule, row.blocked_until, failures, since));
    }
    let mut taken = Taken { wait: Duration::ZERO, steps: Vec::with_capacity(found.len()) };
    for (key, rule, blocked_before, held, first_at) in found {
        let failures = (held + 1).min(i64::from(rule.free) + REMEMBERED);
        let wait = rule.wait_after(failures, is_storm);
        let blocked_after = blocked_before.max(tried.now + wait);
        let next = sql::Counter { failures, first_at, last_at: tried.now, blocked_until: blocked_after };
        sql::update(tx, key, &next).await?;
        taken.wait = taken.wait.max(wait);
        let (key, when_right, added) = (key.clone(), rule.when_right, failures - held);
        taken.steps.push(Step { key, when_right, added, blocked_before, blocked_after });
    }
    Ok(taken)
}

/// Like [`take`] for mails: answers whether one may be sent, and lets the caller answer as always.
pub(crate) async fn allows(tx: &mut Tx<'_>, tried: &Try) -> Result<bool> {
    match take(tx, tried).await {
        Ok(_) => Ok(true),
        Err(crate::outcome::Error::Refused(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Gives a try back that turned out right: nothing of it is left, the waits that it began included. What
/// was counted against the account from here is forgotten.
pub(crate) async fn give_back(tx: &mut Tx<'_>, taken: &Taken) -> Result<()> {
    for step in &taken.steps {
        match step.when_right {
            WhenRight::Forget => sql::remove(tx, &step.key).await?,
            WhenRight::GiveBack => {
                let blocked = (step.blocked_after, step.blocked_before);
                sql::give_back(tx, &step.key, step.added, blocked).await?;
            }
        }
    }
    Ok(())
}

/// Takes one off each counter: what was counted earlier has turned out well.
pub(crate) async fn forgive(tx: &mut Tx<'_>, tried: &Try) -> Result<()> {
    for (key, _) in &tried.counters {
        sql::forgive(tx, key).await?;
    }
    Ok(())
}

/// Removes a batch of counters that nobody remembers; answers how many went.
pub(crate) async fn clean(tx: &mut Tx<'_>, now: Time) -> Result<u64> {
    sql::clean(tx, now - 4 * HOUR).await
}

/// An account's name in a key: what was typed may be anything, a password in the wrong field included.
fn name(call: &Call, folded: &str) -> String {
    let hash = call.realm.vault.hash_bytes(format!("throttle {folded}").as_bytes());
    data_encoding::BASE32_NOPAD.encode(hash.0.get(..15).unwrap_or_default()).to_lowercase()
}
