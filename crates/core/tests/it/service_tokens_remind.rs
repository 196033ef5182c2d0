//! Reminders of service tokens that end soon: to whom, when, and each once.

use std::time::Duration;

use crate::service_tokens::kit::{all, code, key, made, named, rotated};
use doorward_core::{
    audit,
    env::no_fetch,
    mail,
    outcome::Code,
    page::PageAsk,
    rights::Rights,
    service_tokens::{
        Key, ListAsk, NewToken, Notes, State, create, list, remind, remind_of_age, review, review_due, revoke,
    },
    settings::{ServiceTokens, Settings},
    users::{self, Email, NewUser, PlatformRole},
};
use doorward_world::{Fresh, World, both_engines};

const DAY: Duration = Duration::from_hours(24);

async fn ending(world: &World, name: &str, days: u64, owner: Option<&str>) {
    let notes = Notes { owner: owner.map(str::to_owned), ..Notes::default() };
    let new = NewToken { notes, expires_in: Some(days * DAY.as_secs()), ..named(name) };
    create(&world.local(), new, &all()).await.unwrap();
}

/// Recipients and subjects, the oldest first.
async fn mails(world: &World) -> Vec<(String, String)> {
    let call = world.call();
    let ask = PageAsk { limit: 100, ..PageAsk::default() };
    let mut all = Vec::new();
    for mail in mail::list(&call, None, ask).await.unwrap().items.iter().rev() {
        let (_, words) = mail::show(&call, mail.id).await.unwrap();
        all.push((mail.recipient.clone(), words.subject));
    }
    all
}

async fn due(world: &World) -> usize {
    remind(&world.call()).await.unwrap()
}

both_engines! {
    async fn each_distance_is_told_once_also_after_a_restart(place: Fresh) {
        let fresh = async || World::new(&place, Settings::default(), no_fetch()).await;
        let world = fresh().await;
        ending(&world, "nightly", 30, Some("ada@example.org")).await;
        world.advance(DAY * 15);
        assert_eq!(due(&world).await, 0, "there is time");
        let mut world = world;
        for (after, count) in [(16, 1), (17, 0), (23, 1), (28, 0), (29, 1), (30, 0)] {
            world.end().await;
            world = fresh().await;
            world.advance(DAY * after);
            assert_eq!((due(&world).await, due(&world).await), (count, 0), "after {after} days");
        }
        let subject = "The service token nightly ends soon".to_owned();
        assert_eq!(mails(&world).await, vec![("ada@example.org".to_owned(), subject); 3]);
        let told = audit::list(&world.realm, audit::Filter::default(), None, 100).await.unwrap();
        assert_eq!(told.iter().filter(|entry| entry.code == "service_token.expiring").count(), 3);
    }

    async fn the_nearest_distance_is_enough(world: World) {
        ending(&world, "late", 30, Some("ada@example.org")).await;
        world.advance(DAY * 29 + Duration::from_hours(1));
        assert_eq!((due(&world).await, due(&world).await), (1, 0));
        assert_eq!(mails(&world).await.len(), 1);
    }

    async fn what_ends_anyway_is_not_announced(world: World) {
        ending(&world, "brief", 1, Some("ada@example.org")).await;
        ending(&world, "week", 10, Some("ada@example.org")).await;
        ending(&world, "replaced", 16, Some("ada@example.org")).await;
        ending(&world, "revoked", 28, Some("ada@example.org")).await;
        assert_eq!(due(&world).await, 0, "whoever has just made it knows");
        rotated(&world, "replaced", 86_400).await;
        revoke(&world.local(), key(&world, "revoked"), "gone".to_owned(), all()).await.unwrap();
        world.advance(DAY * 9);
        // "week" and the new version of "replaced".
        assert_eq!(due(&world).await, 2);
    }

    /// The console opens for administrators: whoever is none reads whom to ask instead of a refusal.
    async fn a_mail_links_only_where_its_reader_may_go(world: World) {
        let call = world.call();
        for (address, role) in [("ada@example.org", PlatformRole::Administrator), ("grace@example.org", PlatformRole::User)] {
            let mut new = NewUser::new(Email::parse(address).unwrap());
            new.platform_role = role;
            new.locale = Some("en".to_owned());
            users::create(&call, new).await.unwrap();
        }
        for owner in ["ada@example.org", "grace@example.org", "stranger@example.org"] {
            ending(&world, &owner[..3], 30, Some(owner)).await;
        }
        world.advance(DAY * 20);
        assert_eq!(due(&world).await, 3);
        for mail in mail::list(&call, None, PageAsk { limit: 9, ..PageAsk::default() }).await.unwrap().items {
            let (_, words) = mail::show(&call, mail.id).await.unwrap();
            let may_enter = mail.recipient == "ada@example.org";
            assert_eq!(words.text.contains("https://id.example/console/service-tokens/tok_"), may_enter, "{}", words.text);
            assert_eq!(words.text.contains("ask an administrator of https://id.example"), !may_enter, "{}", words.text);
        }
    }

    /// Whether a token is needed is asked every 90 days, whatever was rotated meanwhile; of a secret that does not
    /// end by itself, once in 60 days.
    async fn age_is_told_once_and_a_review_begins_anew(world: World) {
        let notes = Notes { owner: Some("ada@example.org".to_owned()), ..Notes::default() };
        create(&world.local(), NewToken { notes, ..named("endless") }, &all()).await.unwrap();
        ending(&world, "yearly", 365, Some("ada@example.org")).await;
        ending(&world, "brief", 80, Some("ada@example.org")).await;
        let aged = async || remind_of_age(&world.call()).await.unwrap();
        world.advance(DAY * 59);
        assert_eq!(aged().await, 0);
        world.advance(DAY);
        assert_eq!((aged().await, aged().await), (1, 0), "the one without an end has an old secret");
        let second = rotated(&world, "endless", 300).await;
        world.advance(DAY * 30);
        let list = async |until| {
            let page = PageAsk { limit: 9, ..PageAsk::default() };
            let ask = ListAsk { page, reviewed_until: Some(until), state: Some(State::Active), ..ListAsk::default() };
            list(&world.call(), ask).await.unwrap().items.iter().map(|it| it.name.clone()).collect::<Vec<_>>()
        };
        let until = world.call().now - DAY * 90;
        let mut due = list(until).await;
        due.sort();
        assert_eq!(due, ["endless", "yearly"], "a new secret is no review, and what has ended is not reviewed");
        assert_eq!((aged().await, aged().await), (2, 0));
        let first = Key::Version(second.token.lineage);
        let note = Some("the nightly job".to_owned());
        let reviewed = review(&world.local(), first, note, all()).await.unwrap();
        assert_eq!((reviewed.id, reviewed.reviewed_at), (second.token.id, world.call().now), "the newest version");
        assert_eq!(list(until).await, ["yearly"]);
        revoke(&world.local(), key(&world, "yearly"), "gone".to_owned(), all()).await.unwrap();
        assert_eq!(code(review(&world.local(), key(&world, "yearly"), None, all()).await), Some(Code::TokenEnded));
        world.advance(DAY * 30);
        assert_eq!((aged().await, aged().await), (1, 0), "the second secret is old");
        world.advance(DAY * 60);
        assert_eq!((aged().await, aged().await), (1, 0), "and the next review is due");

        let subjects: Vec<String> = mails(&world).await.into_iter().map(|(_, subject)| subject).collect();
        let rotate = subjects.iter().filter(|it| *it == "Rotate the service token endless").count();
        let asked = subjects.iter().filter(|it| *it == "Is the service token endless needed?").count();
        assert_eq!((rotate, asked, subjects.len()), (2, 2, 5), "{subjects:?}");
        let trail = audit::list(&world.realm, audit::Filter::default(), None, 100).await.unwrap();
        let count = |code: &str| trail.iter().filter(|entry| entry.code == code).count();
        let counts = ["service_token.rotation_due", "service_token.review_due", "service_token.reviewed"].map(count);
        assert_eq!(counts, [2, 3, 1]);
        let strong = NewToken { scopes: vec!["admin:*".to_owned()], ..named("strong") };
        create(&world.local(), strong, &all()).await.unwrap();
        let weak = Rights { scopes: vec!["admin:tokens:write".to_owned()], workspaces: None };
        assert_eq!(code(review(&world.local(), key(&world, "strong"), None, weak).await), Some(Code::ScopeMissing));
    }

    async fn reminders_of_age_can_be_turned_off(place: Fresh) {
        let service_tokens = ServiceTokens { review_every: Duration::ZERO, rotate_every: Duration::ZERO };
        let world = World::new(&place, Settings { service_tokens, ..Settings::default() }, no_fetch()).await;
        let token = made(&world, "endless").await.token;
        world.advance(DAY * 1000);
        assert_eq!(remind_of_age(&world.call()).await.unwrap(), 0);
        assert_eq!(review_due(&world.call(), &token), None);
    }

    async fn the_owner_is_told_or_who_made_it(world: World) {
        let call = world.call();
        let mut ids = Vec::new();
        for (address, locale) in [("ada@example.org", Some("de")), ("grace@example.org", None)] {
            let mut new = NewUser::new(Email::parse(address).unwrap());
            new.locale = locale.map(str::to_owned);
            ids.push(users::create(&call, new).await.unwrap().id.to_string());
        }
        ending(&world, "by-address", 30, Some("Ada@example.org")).await;
        ending(&world, "by-id", 30, Some(&ids[1])).await;
        ending(&world, "by-nobody", 30, Some("the platform team")).await;
        world.advance(DAY * 20);
        assert_eq!(due(&world).await, 3);
        let mut mails = mails(&world).await;
        mails.sort();
        assert_eq!(mails, [
            ("Ada@example.org".to_owned(), "Das Dienst-Token by-address läuft bald ab".to_owned()),
            ("grace@example.org".to_owned(), "The service token by-id ends soon".to_owned()),
        ]);
        let told = audit::list(&world.realm, audit::Filter::default(), None, 100).await.unwrap();
        let untold: Vec<_> = told.iter().filter(|entry| entry.code == "service_token.expiring"
            && entry.facts["is_told"] == false).map(|entry| entry.facts["name"].clone()).collect();
        assert_eq!(untold, ["by-nobody"], "the trail has what nobody was told");
    }
}
