//! Sessions beyond their limits: they end by themselves, as surely as by hand.

use crate::kit;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::kit::{Alice, alice, application, code_for, redeem};
use doorward_core::{
    audit::{self, Filter},
    call::Call,
    clients::{Client, RefreshPolicy},
    env::{Fetch, FetchResponse},
    grants::refresh::{self, RefreshAsk},
    jobs,
    outcome::{Code, Result},
    sessions,
    settings::Settings,
    tokens::{Introspection, Tokens, introspect, verify},
};
use doorward_proto::secret::Opaque;
use doorward_world::{Fresh, World, both_engines};

const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);
const ONLINE: &[(&str, &str)] = &[("scope", "openid email")];

type Told = Arc<Mutex<Vec<String>>>;

/// A world whose applications write down what they are told.
async fn world(place: &Fresh) -> (World, Told) {
    let told = Told::default();
    let heard = Arc::clone(&told);
    let fetch: Fetch = Arc::new(move |request| {
        heard.lock().expect("no panic").push(String::from_utf8_lossy(&request.body).into_owned());
        Box::pin(async { Ok(FetchResponse { status: 200, headers: Vec::new(), body: Vec::new() }) })
    });
    (World::new(place, Settings::default(), fetch).await, told)
}

async fn listener(world: &World) -> Arc<Client> {
    application(world, "app", |new| {
        let metadata = &mut new.registration.metadata;
        metadata.backchannel_logout_uri = Some("https://app.example/logout".to_owned());
        metadata.refresh_policy = RefreshPolicy::Always;
    })
    .await
}

async fn tokens(call: &Call, client: &Arc<Client>, who: &Alice, changes: &[(&str, &str)]) -> Tokens {
    let code = code_for(call, client, &who.signed(call).await, changes).await;
    redeem(call, client, &code).await.expect("is redeemed")
}

async fn rotate(call: &Call, client: &Arc<Client>, token: &Opaque) -> Result<Tokens> {
    let ask = RefreshAsk { token: token.expose().to_owned(), scope: None, resources: Vec::new(), jkt: None };
    refresh::rotate(call, client, ask).await
}

async fn is_active(call: &Call, client: &Client, token: &str) -> bool {
    !matches!(introspect(call, client, token).await.expect("answers"), Introspection::Inactive)
}

async fn ends_recorded(world: &World) -> Vec<String> {
    let filter = Filter { code: Some("session.ended".to_owned()), ..Filter::default() };
    let found = audit::list(&world.realm, filter, None, 50).await.expect("lists");
    found.iter().map(|entry| serde_json::to_string(&entry.facts).expect("is JSON")).collect()
}

both_engines! {
    /// Not used for the idle limit: what was granted in it ends, the applications are told, and only
    /// what was granted beyond it goes on.
    async fn an_idle_session_ends_with_its_grants_and_a_word_to_its_applications(place: Fresh) {
        let (world, told) = world(&place).await;
        let (alice, app) = (alice(&world).await, listener(&world).await);
        let call = world.call();
        let online = tokens(&call, &app, &alice, ONLINE).await.refresh_token.expect("a refresh token");
        let offline = tokens(&call, &app, &alice, &[]).await.refresh_token.expect("a refresh token");
        world.advance((7 * DAY).saturating_sub(SECOND));
        jobs::run_due(&world.call()).await.expect("runs");
        assert!(told.lock().expect("no panic").is_empty(), "nothing is over yet");
        let code = code_for(&world.call(), &app, &alice.signed(&call).await, ONLINE).await;
        let last = rotate(&world.call(), &app, &online).await.expect("is within the limits");
        let (used, online) = (online, last.refresh_token.expect("a successor"));
        world.advance(SECOND);
        let call = world.call();
        let refused = redeem(&call, &app, &code).await.expect_err("the code's time is not over, the session's is");
        assert_eq!(refused.code(), Some(Code::GrantEnded));
        let refused = rotate(&call, &app, &used).await.expect_err("the window is open, the session over");
        assert_eq!(refused.code(), Some(Code::GrantEnded));
        assert!(!is_active(&call, &app, online.expose()).await, "the sweep is late, the limit is not");
        let refused = rotate(&call, &app, &online).await.expect_err("the limit is not");
        assert_eq!(refused.code(), Some(Code::GrantEnded));
        assert!(verify(&call, &last.access_token).await.is_ok(), "the access token lives until the sweep");
        jobs::run_due(&call).await.expect("runs");
        assert!(verify(&call, &last.access_token).await.is_err(), "ended with its grant");
        assert!(!is_active(&call, &app, online.expose()).await);
        let refused = rotate(&call, &app, &online).await.expect_err("is over");
        assert_eq!(refused.code(), Some(Code::GrantEnded));
        rotate(&call, &app, &offline).await.expect("was granted beyond the session");
        assert_eq!(told.lock().expect("no panic").len(), 1);
        jobs::run_due(&call).await.expect("runs");
        assert_eq!(told.lock().expect("no panic").len(), 1, "once");
        let ends = ends_recorded(&world).await;
        assert_eq!(ends.len(), 1);
        assert!(ends[0].contains("\"reason\":\"idle\""), "{ends:?}");
    }

    /// The applications of a session that a person ends are told at once, not with the next sweep.
    async fn an_end_is_due_at_once(place: Fresh) {
        let (world, told) = world(&place).await;
        let (alice, app) = (alice(&world).await, listener(&world).await);
        let call = world.call();
        tokens(&call, &app, &alice, ONLINE).await;
        jobs::run_due(&call).await.expect("runs");
        assert_eq!(jobs::next_due(&call).await.expect("reads"), None);
        sessions::end(&call, Some(alice.user.id), alice.signed_in.session.id).await.expect("ends");
        assert_eq!(jobs::next_due(&call).await.expect("reads"), Some(call.now));
        jobs::run_due(&call).await.expect("runs");
        assert_eq!(told.lock().expect("no panic").len(), 1);
        assert_eq!(jobs::next_due(&call).await.expect("reads"), None);
    }

    /// However much it is used, it ends.
    async fn a_busy_session_ends_at_its_absolute_limit(place: Fresh) {
        let (world, told) = world(&place).await;
        let (alice, app) = (alice(&world).await, listener(&world).await);
        let mut token = tokens(&world.call(), &app, &alice, ONLINE).await.refresh_token.expect("one");
        for _ in 0..29 {
            world.advance(DAY);
            let call = world.call();
            alice.signed(&call).await.active().expect("is live");
            jobs::run_due(&call).await.expect("runs");
            token = rotate(&call, &app, &token).await.expect("is within the limits").refresh_token.expect("one");
        }
        world.advance(DAY);
        let call = world.call();
        jobs::run_due(&call).await.expect("runs");
        assert_eq!(rotate(&call, &app, &token).await.expect_err("is over").code(), Some(Code::GrantEnded));
        assert_eq!(told.lock().expect("no panic").len(), 1);
        assert!(ends_recorded(&world).await[0].contains("\"reason\":\"expired\""));
    }

    /// Two nodes, or four, that sweep at once: each session ends once, and tells once.
    async fn many_who_sweep_at_once_end_each_session_once(place: Fresh) {
        let (world, told) = world(&place).await;
        let (alice, app) = (alice(&world).await, listener(&world).await);
        tokens(&world.call(), &app, &alice, ONLINE).await;
        for _ in 0..3 {
            let who = Alice { user: alice.user.clone(), signed_in: kit::sign_in(&world.call()).await };
            tokens(&world.call(), &app, &who, ONLINE).await;
        }
        world.advance(7 * DAY);
        let call = world.call();
        let changes = call.realm.db.changes();
        let sweeps = (0..4).map(|_| {
            let call = call.clone();
            tokio::spawn(async move { sessions::end_overdue(&call).await.expect("sweeps") })
        });
        let mut ended = 0;
        for sweep in sweeps.collect::<Vec<_>>() {
            ended += sweep.await.expect("ends");
        }
        assert_eq!((ended, ends_recorded(&world).await.len()), (4, 4));
        assert!(call.realm.db.changes() > changes, "other nodes hear of it");
        for _ in 0..2 {
            jobs::run_due(&call).await.expect("runs");
        }
        assert_eq!(told.lock().expect("no panic").len(), 4);
    }
}
