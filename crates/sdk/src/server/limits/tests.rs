use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use doorward_judge::{
    CredentialKind, Identity, Principal, Refusal, Rule, Why,
    limit::{Gcra, Quota},
    rule::RuleSpec,
};
use doorward_proto::{rate::Period, secret::SecretText};
use serde_json::{Value as Json, json};

use super::*;
use crate::server::{Chain, Credential, Known, Provider, Recognition, Scheme, Seen};

fn key(kind: Kind, route: &str, who: &str) -> Key {
    Key { kind, route: route.to_owned(), place: 0, by: By::Identity, who: who.to_owned() }
}

fn rate(route: &str, (rate, burst): (&str, u32), cost: u32) -> Take {
    let measure = Measure::Rate(Gcra::new(rate.parse().unwrap(), burst));
    Take { key: key(Kind::Rate, route, "ada"), measure, cost }
}

fn quota(route: &str, (limit, per): (u32, Period), cost: u32) -> Take {
    Take { key: key(Kind::Quota, route, "ada"), measure: Measure::Quota(Quota { limit, per }), cost }
}

fn seconds(seconds: i64) -> Time {
    Time::from_seconds(1_800_000_000 + seconds)
}

/// What every keeper of counters answers, in one table: what is taken when, whether it fits, and what is left.
pub(super) async fn answers_as_all(limits: &dyn Limits) {
    let (fast, slow) = (("60/minute", 3), ("1/minute", 1));
    let minute = (3, Period::Minute);
    for (line, (at, takes, expect)) in (1..).zip([
        (0, vec![rate("a", fast, 1)], vec![(true, 2)]),
        (0, vec![rate("a", fast, 2)], vec![(true, 0)]),
        (0, vec![rate("a", fast, 1)], vec![(false, 0)]),
        (1, vec![rate("a", fast, 1)], vec![(true, 0)]),
        (100, vec![rate("a", fast, 1)], vec![(true, 2)]),
        // All or nothing: what fits is not taken when something else does not.
        (100, vec![rate("b", fast, 1), rate("c", slow, 1)], vec![(true, 2), (true, 0)]),
        (100, vec![rate("b", fast, 1), rate("c", slow, 1)], vec![(true, 2), (false, 0)]),
        (100, vec![rate("b", fast, 2), quota("b", minute, 1)], vec![(true, 0), (true, 2)]),
        (101, vec![rate("b", fast, 2), quota("b", minute, 1)], vec![(false, 1), (true, 2)]),
        (102, vec![quota("b", minute, 2)], vec![(true, 0)]),
        (102, vec![quota("b", minute, 1), rate("d", slow, 1)], vec![(false, 0), (true, 1)]),
        // 1,800,000,120 begins a minute.
        (120, vec![quota("b", minute, 1), rate("d", slow, 1)], vec![(true, 2), (true, 0)]),
        // A clock that is set back by an hour neither gives nor shuts for longer than a burst.
        (-3_480, vec![rate("d", slow, 1)], vec![(false, 0)]),
        (-3_420, vec![rate("d", slow, 1)], vec![(false, 0)]),
        (120, vec![quota("e", (1, Period::Month), 1)], vec![(true, 0)]),
        (121, vec![quota("e", (1, Period::Month), 1)], vec![(false, 0)]),
    ]) {
        let standings = limits.take(&takes, seconds(at)).await;
        let told: Vec<_> = standings.iter().map(|standing| (standing.fits, standing.left)).collect();
        assert_eq!(told, expect, "line {line}");
    }
    failures_slide(limits).await;
    some_are_cleared(limits).await;
}

async fn failures_slide(limits: &dyn Limits) {
    let window = Window { limit: 3, length: Duration::from_secs(60) };
    let failing = |who| Failing { key: key(Kind::Failures, "", who), window };
    let both = [failing("eve"), failing("mallory")];
    for (line, (at, fails, expect)) in (1..).zip([
        (0, false, [None, None]),
        (0, true, [None, None]),
        (10, true, [None, None]),
        (10, false, [None, None]),
        (20, true, [None, None]),
        (21, false, [Some(39), Some(39)]),
        // Who waits makes it no longer by trying.
        (59, true, [Some(1), Some(1)]),
        (60, false, [None, None]),
        (60, true, [None, None]),
        (61, true, [Some(9), Some(9)]),
        (200, true, [None, None]),
        (200, false, [None, None]),
    ]) {
        let waits = if fails {
            limits.fail(&both, seconds(at)).await
        } else {
            limits.waits(&both, seconds(at)).await
        };
        let waits: Vec<_> = waits.iter().map(|wait| wait.map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, expect, "line {line}");
    }
    let waits = limits.waits(&[failing("nobody")], seconds(200)).await;
    assert_eq!(waits, [None]);
}

async fn some_are_cleared(limits: &dyn Limits) {
    let only = |take: &str| Which { route: Some(take.to_owned()), ..Which::default() };
    assert_eq!(limits.clear(&only("nowhere")).await, 0);
    assert_eq!(limits.clear(&only("e")).await, 1);
    assert!(limits.take(&[quota("e", (1, Period::Month), 1)], seconds(121)).await[0].fits);
    assert!(!limits.take(&[rate("d", ("1/minute", 1), 1)], seconds(121)).await[0].fits, "others stay");
    let ada = Which { identity: Some("ada".to_owned()), ..Which::default() };
    assert!(limits.clear(&ada).await >= 6);
    assert!(limits.take(&[rate("d", ("1/minute", 1), 1)], seconds(121)).await[0].fits);
    let all = Which::default();
    assert!(limits.clear(&all).await > 0);
    assert_eq!(limits.clear(&all).await, 0);
}

#[tokio::test]
async fn memory_answers_as_all() {
    answers_as_all(&MemoryLimits::default()).await;
}

/// Of so many at once, on every thread, exactly as many fit as there is room for.
pub(super) async fn is_exact(nodes: &[Arc<dyn Limits>]) {
    let fits = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for task in 0..200 {
        let (limits, fits) = (Arc::clone(&nodes[task % nodes.len()]), Arc::clone(&fits));
        tasks.push(tokio::spawn(async move {
            let mut takes = vec![
                rate("x", ("1000/day", 150), 1),
                rate("y", ("1000/day", 90), 1),
                quota("z", (120, Period::Day), 1),
            ];
            // In whatever order they are named.
            takes.rotate_left(task % 3);
            let standings = limits.take(&takes, seconds(0)).await;
            if standings.iter().all(|standing| standing.fits) {
                fits.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(fits.load(Ordering::Relaxed), 90);
    let left = nodes[0]
        .take(&[rate("x", ("1000/day", 150), 1), quota("z", (120, Period::Day), 1)], seconds(0))
        .await;
    assert_eq!(left.iter().map(|standing| standing.left).collect::<Vec<_>>(), [59, 29]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_at_once_are_counted_exactly() {
    is_exact(&[Arc::new(MemoryLimits::default())]).await;
}

#[tokio::test]
async fn counters_are_bounded_and_strangers_push_out_nobody() {
    let limits = MemoryLimits::with_room(320);
    let take = rate("a", ("1/day", 1), 1);
    assert!(limits.take(std::slice::from_ref(&take), seconds(0)).await[0].fits);
    for number in 0..5_000 {
        let key = Key { by: By::Address, who: number.to_string(), ..take.key.clone() };
        limits.take(&[Take { key, ..take.clone() }], seconds(number)).await;
    }
    assert!(limits.len() <= 321, "{}", limits.len());
    assert!(!limits.take(std::slice::from_ref(&take), seconds(5_000)).await[0].fits);
}

/// Knows `good-NAME`, refuses `old-NAME`, and counts how often it was asked.
#[derive(Default)]
struct Teller(AtomicUsize);

impl Provider for Teller {
    fn name(&self) -> &'static str {
        "teller"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::Relaxed);
            let token = match credential {
                Credential::Token { token, .. } | Credential::Basic { password: token, .. } => token.expose(),
                Credential::Fronted { .. } | Credential::Certificate(_) => return Ok(None),
            };
            if token.starts_with("old-") {
                return Err(Why::TokenExpired.into());
            }
            let Some(name) = token.strip_prefix("good-") else { return Ok(None) };
            let identity = Identity { subject: name.to_owned(), ..Identity::default() };
            Ok(Some(Principal::new(identity, CredentialKind::StaticToken)))
        })
    }
}

struct Door {
    limiter: Limiter,
    chain: Chain,
    teller: Arc<Teller>,
}

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

impl Door {
    fn new(address: u32, identity: u32) -> Self {
        let failures = FailureLimits { address, identity, interval: Duration::from_secs(60) };
        let teller = Arc::<Teller>::default();
        let limiter = Limiter::new(Arc::new(MemoryLimits::default()), failures);
        Self { limiter, chain: Chain::new(vec![teller.clone()]), teller }
    }

    async fn try_it(&self, credential: &Credential, address: IpAddr, at: i64) -> Result<Arc<Known>, Refusal> {
        let from = (address, seconds(at));
        let known = self.limiter.recognise(&self.chain, credential, from).await;
        let Err(refusal) = known else { return known };
        Err(self.limiter.failed(Some(credential), None, refusal.why, from).await.unwrap_or(refusal))
    }

    async fn why(&self, token: &str, address: IpAddr, at: i64) -> &'static str {
        self.try_it(&bearer(token), address, at).await.map_or_else(|refusal| refusal.why.code(), |_| "ok")
    }

    fn asked(&self) -> usize {
        self.teller.0.swap(0, Ordering::Relaxed)
    }
}

fn bearer(token: &str) -> Credential {
    Credential::Token { scheme: Scheme::Bearer, token: SecretText::from(token) }
}

fn basic(name: &str, password: &str) -> Credential {
    Credential::Basic { name: name.to_owned(), password: SecretText::from(password) }
}

#[tokio::test]
async fn guesses_are_refused_before_anybody_is_asked() {
    let door = Door::new(10, 0);
    assert_eq!(door.why("good-ada", HERE, 0).await, "ok");
    for guess in 0..10 {
        assert_eq!(door.why(&format!("guess-{guess}"), HERE, 10).await, "auth.invalid_token");
    }
    assert_eq!(door.asked(), 11);
    for guess in 10..50 {
        assert_eq!(door.why(&format!("guess-{guess}"), HERE, 20).await, "auth.rate_limited.ip");
    }
    assert_eq!(door.asked(), 0, "a flood costs nothing");
    let refusal = door.try_it(&bearer("guess-11"), HERE, 20).await.unwrap_err();
    assert_eq!(refusal.message(), "Too many authentication attempts from IP 192.0.2.1");
    assert_eq!(refusal.retry_after_seconds(), Some(50));
    assert_eq!(door.why("good-bob", HERE, 20).await, "auth.rate_limited.ip", "a newcomer waits");
    assert_eq!(door.why("good-ada", HERE, 40).await, "ok", "who was here before does not");
    assert_eq!(door.why("good-bob", THERE, 40).await, "ok", "nor does anybody elsewhere");
    assert_eq!(door.why("good-cyd", HERE, 70).await, "ok", "and it ends by itself");
}

#[tokio::test]
async fn what_was_good_is_a_guess_once_it_is_not() {
    let door = Door::new(2, 0);
    assert_eq!(door.why("good-ada", HERE, 0).await, "ok");
    for guess in ["a", "b", "c"] {
        door.why(guess, HERE, 1).await;
    }
    // It is asked again after half a minute, and then is not remembered as good.
    let gone = Chain::new(Vec::new());
    let from = (HERE, seconds(40));
    let refusal = door.limiter.recognise(&gone, &bearer("good-ada"), from).await.unwrap_err();
    assert_eq!(refusal.why, Why::InvalidToken);
    let refusal = door.limiter.recognise(&gone, &bearer("good-ada"), from).await.unwrap_err();
    assert_eq!(refusal.why, Why::AddressFailures);
}

#[tokio::test]
async fn old_tokens_are_held_against_themselves_only() {
    let door = Door::new(10, 5);
    for _ in 0..5 {
        assert_eq!(door.why("old-ada", HERE, 0).await, "auth.token_expired");
    }
    assert_eq!(door.asked(), 5);
    assert_eq!(door.why("old-ada", HERE, 1).await, "auth.rate_limited.identity");
    assert_eq!(door.asked(), 0);
    for colleague in 0..50 {
        assert_eq!(door.why(&format!("old-{colleague}"), HERE, 1).await, "auth.token_expired");
    }
    assert_eq!(door.why("good-newcomer", HERE, 2).await, "ok");
}

#[tokio::test]
async fn a_name_is_shut_where_it_is_guessed_and_nowhere_else() {
    let door = Door::new(0, 3);
    for guess in 0..3 {
        let refusal = door.try_it(&basic("ada", &format!("guess-{guess}")), HERE, 0).await.unwrap_err();
        assert_eq!(refusal.why, Why::InvalidToken);
    }
    let refusal = door.try_it(&basic("ada", "good-ada"), HERE, 1).await.unwrap_err();
    assert_eq!(refusal.why, Why::IdentityFailures);
    assert_eq!(refusal.retry_after_seconds(), Some(59));
    assert!(door.try_it(&basic("ada", "good-ada"), THERE, 1).await.is_ok());
    assert!(door.try_it(&basic("bob", "good-bob"), HERE, 1).await.is_ok());
}

#[tokio::test]
async fn parallel_guesses_get_no_more_answers_than_allowed() {
    let door = Arc::new(Door::new(10, 0));
    let guesses = (0..200).map(|guess| {
        let door = Arc::clone(&door);
        tokio::spawn(async move { door.why(&format!("guess-{guess}"), HERE, 0).await })
    });
    let mut answered = 0;
    for guess in guesses.collect::<Vec<_>>() {
        answered += usize::from(guess.await.unwrap() == "auth.invalid_token");
    }
    assert_eq!(answered, 10);
}

fn rule(members: Json) -> Rule {
    let spec: RuleSpec = serde_json::from_value(members).unwrap();
    Rule::compile(spec).unwrap()
}

#[tokio::test]
async fn a_request_is_counted_once_by_each_rule_that_it_is_under() {
    let door = Door::new(0, 0);
    let wide = rule(json!({ "name": "wide", "rate_limit": "100/minute", "quota": "3/day" }));
    let narrow =
        rule(json!({ "name": "narrow", "rate_limit": [{ "limit": 9, "per": "hour", "by": "route" }] }));
    let ada =
        Principal::new(Identity { subject: "ada".to_owned(), ..Identity::default() }, CredentialKind::Jwt);
    let rules = [&wide, &narrow, &wide];
    let shown = door.limiter.take(&rules, Some(&ada), (HERE, seconds(0))).await.unwrap().unwrap();
    let mut headers = http::HeaderMap::new();
    shown.set(&mut headers);
    // 1,800,000,000 is 08:00 on its day.
    assert_eq!(headers["ratelimit"], "\"rate\";r=99;t=1, \"quota\";r=2;t=57600, \"rate-2\";r=8;t=400");
    assert_eq!(
        headers["ratelimit-policy"],
        "\"rate\";q=100;w=60, \"quota\";q=3;w=86400, \"rate-2\";q=9;w=3600"
    );
    assert_eq!(shown.left, 2, "of the quotas, if there is one");
    for _ in 0..2 {
        door.limiter.take(&rules, Some(&ada), (HERE, seconds(0))).await.unwrap();
    }
    let Over { refusal, rule: name, shown } =
        door.limiter.take(&rules, Some(&ada), (HERE, seconds(1))).await.unwrap_err();
    assert_eq!((refusal.why, refusal.retry_after_seconds()), (Why::QuotaExceeded, Some(57_599)));
    assert_eq!((name.as_str(), shown.unwrap().left), ("wide", 0));
    // What refuses counts nothing.
    let bob =
        Principal::new(Identity { subject: "bob".to_owned(), ..Identity::default() }, CredentialKind::Jwt);
    let shown = door.limiter.take(&[&narrow], Some(&bob), (HERE, seconds(1))).await.unwrap().unwrap();
    assert_eq!(shown.left, 5);
    assert!(
        door.limiter
            .take(&[&rule(json!({ "name": "none" }))], None, (HERE, seconds(1)))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_credential_may_have_a_rate_of_its_own() {
    let door = Door::new(0, 0);
    let both = rule(
        json!({ "name": "both", "rate_limit": ["1/minute", { "limit": 3, "per": "minute", "by": "ip" }] }),
    );
    let identity = Identity { subject: "robot".to_owned(), ..Identity::default() };
    let rate = Some("1000/minute".parse().unwrap());
    let robot = Principal { rate, ..Principal::new(identity, CredentialKind::ServiceToken) };
    for _ in 0..3 {
        assert!(door.limiter.take(&[&both], Some(&robot), (HERE, seconds(0))).await.is_ok());
    }
    let Over { refusal, .. } =
        door.limiter.take(&[&both], Some(&robot), (HERE, seconds(0))).await.unwrap_err();
    assert_eq!(refusal.retry_after_seconds(), Some(20), "the limit by address stays");
}
