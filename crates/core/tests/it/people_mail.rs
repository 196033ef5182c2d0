//! The outbox and background work: sending, trying again, giving up, cleaning; the range API.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward_core::{
    announcements::{self, NewAnnouncement, Sender},
    audit,
    call::Call,
    credentials,
    env::{Fetch, FetchFailure, FetchResponse, no_fetch},
    mail::{self, OutgoingMail, SendFailure, Status, Transport},
    outcome::Code,
    page::PageAsk,
    realm::Realm,
    settings::{BreachCheck, BreachFailure, Settings},
    users::{self, Email, NewUser, SignUpAsk},
};
use doorward_world::{Fresh, World, both_engines};

const GOOD: &str = "correct-Horse7-battery";

fn ask(address: &str, locale: Option<&str>) -> SignUpAsk {
    SignUpAsk {
        email: Email::parse(address).expect("an address"),
        password: GOOD.into(),
        name: None,
        locale: locale.map(str::to_owned),
        marketing_consent: None,
        next: None,
        registers: None,
    }
}

type Sent = Arc<Mutex<Vec<OutgoingMail>>>;

/// Takes mails, after refusing as often as `failures` says.
fn transport(failures: usize, is_final: bool) -> (Transport, Sent) {
    let (sent, tries) = (Sent::default(), Arc::new(AtomicUsize::new(0)));
    let taken = Arc::clone(&sent);
    let transport: Transport = Arc::new(move |mail| {
        let (taken, tries) = (Arc::clone(&taken), Arc::clone(&tries));
        Box::pin(async move {
            if tries.fetch_add(1, Ordering::SeqCst) < failures {
                return Err(SendFailure { is_final, why: "421 later".to_owned() });
            }
            taken.lock().expect("no panic").push(mail);
            Ok(())
        })
    });
    (transport, sent)
}

async fn world(place: &Fresh, transport: Option<Transport>) -> World {
    World::with_mail(place, Settings::default(), no_fetch(), transport).await
}

async fn only(call: &Call) -> mail::Mail {
    let page = mail::list(call, None, PageAsk { limit: 10, ..PageAsk::default() }).await.expect("lists");
    assert_eq!(page.items.len(), 1);
    page.items.into_iter().next().expect("one")
}

both_engines! {
    async fn a_mail_goes_out_once_in_the_readers_language(place: Fresh) {
        let (transport, sent) = transport(0, false);
        let world = world(&place, Some(transport)).await;
        let call = world.call();
        users::sign_up(&call, ask("alice@example.org", Some("de-CH"))).await.expect("signs up");
        let runs = (0..20).map(|_| Realm::run_due_jobs(&call));
        for ran in futures_util::future::join_all(runs).await {
            ran.expect("runs");
        }
        let sent = sent.lock().expect("no panic").clone();
        assert_eq!(sent.len(), 1);
        let mail = sent.first().expect("one");
        assert_eq!(mail.subject, "Bestätigen Sie Ihre Mailadresse");
        assert_eq!(mail.to, "alice@example.org");
        assert!(mail.text.contains("https://id.example/verify?token=dw_ml_"));
        assert!(mail.text.contains("60 Minuten"));
        assert!(mail.html.starts_with("<!doctype html>\n<html lang=\"de\">"));
        assert_eq!(only(&call).await.status, Status::Sent);
    }

    async fn a_mail_is_tried_again_with_growing_pauses(place: Fresh) {
        let (transport, sent) = transport(3, false);
        let world = world(&place, Some(transport)).await;
        users::sign_up(&world.call(), ask("alice@example.org", None)).await.expect("signs up");
        for pause in [30, 60, 120] {
            Realm::run_due_jobs(&world.call()).await.expect("runs");
            assert!(sent.lock().expect("no panic").is_empty());
            let waiting = only(&world.call()).await;
            assert_eq!(waiting.status, Status::Waiting);
            assert_eq!(waiting.last_error.as_deref(), Some("421 later"));
            assert_eq!(waiting.due_at, world.call().now + Duration::from_secs(pause));
            world.advance(Duration::from_secs(pause));
        }
        Realm::run_due_jobs(&world.call()).await.expect("runs");
        assert_eq!(sent.lock().expect("no panic").len(), 1);
    }

    async fn a_mail_that_is_of_no_use_any_more_is_given_up(place: Fresh) {
        let (transport, sent) = transport(1, false);
        let world = world(&place, Some(transport)).await;
        users::sign_up(&world.call(), ask("alice@example.org", None)).await.expect("signs up");
        Realm::run_due_jobs(&world.call()).await.expect("runs");
        world.advance(Duration::from_hours(1));
        Realm::run_due_jobs(&world.call()).await.expect("runs");
        assert_eq!(only(&world.call()).await.status, Status::GivenUp);
        assert!(sent.lock().expect("no panic").is_empty());
    }

    async fn a_refused_recipient_is_given_up_and_can_be_tried_again_by_hand(place: Fresh) {
        let (transport, sent) = transport(1, true);
        let world = world(&place, Some(transport)).await;
        let call = world.call();
        users::sign_up(&call, ask("alice@example.org", None)).await.expect("signs up");
        Realm::run_due_jobs(&call).await.expect("runs");
        let given_up = only(&call).await;
        assert_eq!(given_up.status, Status::GivenUp);
        mail::retry(&call, given_up.id).await.expect("tries again");
        Realm::run_due_jobs(&call).await.expect("runs");
        assert_eq!(sent.lock().expect("no panic").len(), 1);
        let sent = mail::retry(&call, given_up.id).await.expect_err("is sent");
        assert_eq!(sent.code(), Some(Code::Conflict));
    }

    async fn without_a_mail_server_mails_wait_and_can_be_read(place: Fresh) {
        let world = world(&place, None).await;
        let call = world.call();
        users::sign_up(&call, ask("alice@example.org", None)).await.expect("signs up");
        Realm::run_due_jobs(&call).await.expect("runs");
        let waiting = only(&call).await;
        assert_eq!((waiting.status, waiting.attempts), (Status::Waiting, 0));
        let (_, words) = mail::show(&call, waiting.id).await.expect("shows");
        assert_eq!(words.subject, "Confirm your email address");
    }

    /// All announcements keep one pace, and everything that somebody waits for goes before them.
    async fn announcements_share_their_pace_and_wait_for_every_other_mail(place: Fresh) {
        let (transport, sent) = transport(4, false);
        let world = world(&place, Some(transport)).await;
        for name in ["ada", "bob"] {
            let mut new = NewUser::new(Email::parse(&format!("{name}@example.org")).expect("an address"));
            new.email_verified = true;
            new.marketing_consent = Some("news-1/en".to_owned());
            users::create(&world.local(), new).await.expect("makes");
        }
        let announce = async |subject: &str| {
            let new = NewAnnouncement { subject: subject.to_owned(), text: "Read this.".to_owned() };
            let sender = Sender::instance(&world.call());
            announcements::make(&world.local(), &sender, new).await.expect("announces")
        };
        let subjects = || {
            let sent = sent.lock().expect("no panic");
            sent.iter().map(|mail| mail.subject.clone()).collect::<Vec<_>>()
        };
        announce("First").await;
        announce("Second").await;
        assert_eq!(announcements::reach(&world.call(), &Sender::instance(&world.call())).await.expect("counts"), 2);
        Realm::run_due_jobs(&world.call()).await.expect("runs");
        let page = PageAsk { limit: 10, ..PageAsk::default() };
        let waiting = mail::list(&world.call(), Some(Status::Waiting), page).await.expect("lists");
        assert_eq!(waiting.items.len(), 4, "one batch holds both");
        announce("Third").await;
        Realm::run_due_jobs(&world.call()).await.expect("runs");
        assert!(subjects().is_empty(), "the next batch is due by how many mails this one had, whoever says something");

        world.advance(Duration::from_secs(2));
        Realm::run_due_jobs(&world.call()).await.expect("runs");
        assert!(subjects().is_empty(), "four mails are 2.4 seconds of the pace");
        world.advance(Duration::from_secs(1));
        Realm::run_due_jobs(&world.call()).await.expect("runs");
        assert_eq!(subjects(), ["Third", "Third"]);

        world.advance(Duration::from_secs(56));
        users::sign_up(&world.call(), ask("eve@example.org", None)).await.expect("signs up");
        Realm::run_due_jobs(&world.call()).await.expect("runs");
        let all = subjects();
        assert_eq!((all.len(), all[2].as_str()), (7, "Confirm your email address"), "{all:?}");
    }

    async fn what_is_over_is_cleaned_away_in_turn(place: Fresh) {
        let (transport, _) = transport(0, false);
        let world = world(&place, Some(transport)).await;
        users::sign_up(&world.call(), ask("alice@example.org", None)).await.expect("signs up");
        Realm::run_due_jobs(&world.call()).await.expect("runs");
        assert_eq!(Realm::run_due_jobs(&world.call()).await.expect("runs").cleaned, 0);
        world.advance(Duration::from_hours(31 * 24));
        let runs = (0..10).map(|_| async { Realm::run_due_jobs(&world.call()).await.expect("runs").cleaned });
        let cleaned = futures_util::future::join_all(runs).await;
        assert_eq!(cleaned.iter().filter(|rows| **rows > 0).count(), 1, "one at a time: {cleaned:?}");
        let page = PageAsk { limit: 10, ..PageAsk::default() };
        assert!(mail::list(&world.call(), None, page).await.expect("lists").items.is_empty());
    }
}

/// A range API that knows [`GOOD`], or does not answer. Remembers what it was asked.
fn range_api(answers: bool) -> (Fetch, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let fetch: Fetch = Arc::new(move |request| {
        let padded = request.headers.contains(&("add-padding", "true".to_owned()));
        let trace = request.headers.iter().find(|(name, _)| *name == "traceparent");
        let trace = trace.and_then(|(_, value)| value.get(..36)).unwrap_or_default();
        heard.lock().expect("no panic").push(format!("{} {padded}{trace}", request.url));
        Box::pin(async move {
            if !answers {
                return Err(FetchFailure::NoAnswer("down".to_owned()));
            }
            // SHA-1 of GOOD, computed elsewhere, and two lines of padding.
            let body =
                "0000000000000000000000000000000000A:0\r\nE2F8D8DE4CAF9E9F7FCF1ECE2D1A9A4D3A1:0\r\nSUFFIX:3";
            let body = body.replace("SUFFIX", GOOD_SUFFIX).into_bytes();
            Ok(FetchResponse { status: 200, headers: Vec::new(), body })
        })
    });
    (fetch, asked)
}

const GOOD_PREFIX: &str = "E6A80";
const GOOD_SUFFIX: &str = "647730C72074BB0E7A8D82997B67FEB9CDC";

async fn check(answers: bool, failure: BreachFailure, password: &str) -> (Option<Code>, Vec<String>) {
    let place = Fresh::sqlite().expect("a place");
    let mut settings = Settings::default();
    settings.password.breach_check = BreachCheck::RangeApi;
    settings.password.breach_api = Some(url::Url::parse("https://range.example/range/").expect("an address"));
    settings.password.breach_failure = failure;
    let (fetch, asked) = range_api(answers);
    let world = World::new(&place, settings, fetch).await;
    let outcome = credentials::check(&world.call(), &password.into(), &[]).await;
    let asked = asked.lock().expect("no panic").clone();
    (outcome.err().and_then(|error| error.code()), asked)
}

/// What is asked of others belongs to the trace of the request that it is asked for, as a step of its own.
#[tokio::test]
async fn an_outbound_request_carries_the_trace_on() {
    let place = Fresh::sqlite().expect("a place");
    let mut settings = Settings::default();
    settings.password.breach_check = BreachCheck::RangeApi;
    settings.password.breach_api = Some(url::Url::parse("https://range.example/range/").expect("an address"));
    let (fetch, asked) = range_api(true);
    let world = World::new(&place, settings, fetch).await;
    let mut call = world.call();
    let came = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    call.origin.trace = Some(came.parse().expect("a traceparent"));
    credentials::check(&call, &GOOD.into(), &[]).await.expect_err("is known");
    let asked = asked.lock().expect("no panic").clone();
    assert!(asked[0].ends_with("true00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{asked:?}");
    let event = audit::Event::new(&call, "test.traced").expect("an event");
    assert!(format!("{event:?}").contains("4bf92f3577b34da6a3ce929d0e0e4736"));
}

#[tokio::test]
async fn the_range_api_sees_five_digits_and_its_silence_is_a_setting() {
    let (code, asked) = check(true, BreachFailure::Open, GOOD).await;
    assert_eq!(code, Some(Code::PasswordBreached));
    assert_eq!(asked, [format!("https://range.example/range/{GOOD_PREFIX} true")]);
    assert_eq!(check(true, BreachFailure::Closed, "tromboneSunset-44x").await.0, None);
    assert_eq!(check(false, BreachFailure::Open, GOOD).await.0, None);
    assert_eq!(check(false, BreachFailure::Closed, GOOD).await.0, Some(Code::Unavailable));
    let (code, asked) = check(true, BreachFailure::Open, "password123").await;
    assert_eq!((code, asked.len()), (Some(Code::PasswordBreached), 0), "the offline list needs no network");
}
