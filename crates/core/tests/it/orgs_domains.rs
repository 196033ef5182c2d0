//! Domains of organisations on both engines: proven by the DNS, by one organisation, and who belongs to it
//! by them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward_core::{
    audit,
    call::{Actor, Call},
    env::{Resolve, ResolveFailure},
    mail,
    orgs::{
        Holder, JoinedBy, Org, OrgScope, domains, enter,
        manage::{self, Change, NewOrg},
    },
    outcome::{Code, Result},
    page::PageAsk,
    users::{self, Email, NewUser},
};
use doorward_proto::id::{Id, User};
use doorward_world::{World, both_engines};

/// What the DNS says; nothing at all while it does not answer.
type Zone = Arc<Mutex<Option<Vec<(String, String)>>>>;

fn resolved_by(world: &World) -> Zone {
    let zone: Zone = Arc::new(Mutex::new(Some(Vec::new())));
    let told = Arc::clone(&zone);
    let resolve: Resolve = Arc::new(move |name| {
        let said = told.lock().unwrap().clone();
        Box::pin(async move {
            let records = said.ok_or_else(|| ResolveFailure("timed out".to_owned()))?;
            Ok(records.into_iter().filter(|(of, _)| *of == name).map(|(_, text)| text).collect())
        })
    });
    drop(world.realm.env.clone().resolving_by(resolve));
    zone
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().and_then(|error| error.code())
}

async fn person(world: &World, address: &str, is_verified: bool) -> Id<User> {
    let new = NewUser { email_verified: is_verified, ..NewUser::new(Email::parse(address).unwrap()) };
    users::create(&world.local(), new).await.unwrap().id
}

async fn team(world: &World, owner: Id<User>, name: &str) -> (Org, OrgScope, Call) {
    let new = NewOrg { name: name.to_owned(), ..NewOrg::default() };
    let org = manage::create_own(&world.call(), owner, new).await.unwrap();
    let holder = Holder { person: Some(owner), ..Holder::default() };
    let scope = enter(&world.call(), holder, &org.id.to_string(), "org:domains:write").await.unwrap();
    let call = world.call();
    let session = call.id().unwrap();
    (org, scope, call.by(Actor::User { id: owner, session }))
}

async fn orgs_of(world: &World, user: Id<User>) -> Vec<String> {
    let facts = users::facts(&world.call(), user).await.unwrap().unwrap();
    facts.orgs.iter().map(|membership| membership.name.clone()).collect()
}

both_engines! {
    /// A week of looks that find nothing, and of no fewer than five; not a name server that is down.
    async fn a_domain_that_does_not_say_so_any_more_is_lost(world: World) {
        let day = Duration::from_hours(24);
        let zone = resolved_by(&world);
        let alice = person(&world, "alice@acme.example", true).await;
        let (_, scope, call) = team(&world, alice, "Acme").await;
        let added = domains::add(&call, &scope, "acme.example").await.unwrap();
        let records = Some(vec![("_doorward.acme.example".to_owned(), added.value())]);
        zone.lock().unwrap().clone_from(&records);
        domains::verify(&call, &scope, "acme.example").await.unwrap();
        let join = Change { joined_by: Some(JoinedBy::Domain), ..Change::default() };
        let holder = Holder { person: Some(alice), ..Holder::default() };
        let settings = enter(&call, holder, &scope.id().to_string(), "org:settings:write").await.unwrap();
        manage::update(&call, &settings, settings.org().version, join).await.unwrap();
        let look = async || domains::recheck(&world.local()).await.unwrap();
        let is_proven = async || domains::list(&call, &scope).await.unwrap()[0].verified_at.is_some();
        let look_daily = async |days: u32| {
            let mut lost = 0;
            for _ in 0..days {
                world.advance(day);
                lost += look().await;
            }
            lost
        };
        // It says so; then the name server is down for a month; then it says nothing for six days, and comes back.
        assert_eq!(look_daily(10).await, 0);
        *zone.lock().unwrap() = None;
        assert_eq!(look_daily(30).await, 0);
        *zone.lock().unwrap() = Some(Vec::new());
        assert_eq!((look_daily(7).await, look().await), (0, 0), "looked at once a day");
        zone.lock().unwrap().clone_from(&records);
        assert_eq!(look_daily(1).await, 0);
        *zone.lock().unwrap() = Some(Vec::new());
        assert_eq!(look_daily(7).await, 0, "counted anew");
        assert!(is_proven().await);
        let bob = person(&world, "bob@acme.example", true).await;
        assert!(orgs_of(&world, bob).await.contains(&"Acme".to_owned()));

        assert_eq!(look_daily(1).await, 1);
        assert!(!is_proven().await && look_daily(3).await == 0);
        let carol = person(&world, "carol@acme.example", true).await;
        assert!(!orgs_of(&world, carol).await.contains(&"Acme".to_owned()), "nobody joins by it");
        assert!(orgs_of(&world, bob).await.contains(&"Acme".to_owned()), "members stay");
        let mails = mail::list(&world.local(), None, PageAsk { limit: 100, ..PageAsk::default() }).await.unwrap();
        let told: Vec<_> = mails.items.iter().filter(|mail| mail.template == mail::Template::DomainLost).collect();
        assert_eq!((told.len(), told[0].recipient.as_str()), (1, "alice@acme.example"));
        let (_, words) = mail::show(&world.local(), told[0].id).await.unwrap();
        assert!(words.text.contains("_doorward.acme.example") && words.text.contains(&added.value()), "{}", words.text);
        let filter = audit::Filter { code: Some("org.domain_lost".to_owned()), ..audit::Filter::default() };
        let events = audit::list(&world.realm, filter, None, 10).await.unwrap();
        assert_eq!((events.len(), events[0].org.clone()), (1, scope.id().to_string()));
        // And it is proven again as it was at first.
        *zone.lock().unwrap() = records;
        domains::verify(&call, &scope, "acme.example").await.unwrap();
        assert!(is_proven().await);
    }

    async fn a_domain_is_proven_by_one_organisation(world: World) {
        let zone = resolved_by(&world);
        let (alice, mallory) = (person(&world, "alice@acme.example", true).await, person(&world, "m@evil.example", true).await);
        let (_, scope, call) = team(&world, alice, "Acme").await;
        let (_, theirs, by_mallory) = team(&world, mallory, "Evil").await;
        for wrong in ["", "localhost", "a b.example", "-", "127.0.0.1", "x@y.example", "acme.example."] {
            assert_eq!(code(domains::add(&call, &scope, wrong).await), Some(Code::RequestInvalid), "{wrong}");
        }
        let added = domains::add(&call, &scope, "ACME.example").await.unwrap();
        assert_eq!((added.name.as_str(), added.record().as_str()), ("acme.example", "_doorward.acme.example"));
        assert_eq!(domains::add(&call, &scope, "acme.example").await.unwrap(), added, "the record stays the same");
        let foreign = domains::add(&by_mallory, &theirs, "acme.example").await.unwrap();
        assert_ne!(foreign.value(), added.value());

        assert_eq!(code(domains::verify(&call, &scope, "acme.example").await), Some(Code::DomainUnproven));
        *zone.lock().unwrap() = None;
        assert_eq!(code(domains::verify(&call, &scope, "acme.example").await), Some(Code::Unavailable));
        let records = [("_doorward.acme.example", "v=spf1 -all"), ("_doorward.acme.example", &*added.value())];
        *zone.lock().unwrap() = Some(records.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec());
        assert_eq!(code(domains::verify(&by_mallory, &theirs, "acme.example").await), Some(Code::DomainUnproven), "another's record");
        let proven = domains::verify(&call, &scope, "acme.example").await.unwrap();
        assert_eq!(proven.verified_at, Some(call.now));

        let both = vec![("_doorward.acme.example".to_owned(), foreign.value())];
        *zone.lock().unwrap() = Some(both);
        assert_eq!(code(domains::verify(&by_mallory, &theirs, "acme.example").await), Some(Code::Conflict));
        domains::remove(&call, &scope, "acme.example").await.unwrap();
        assert_eq!(code(domains::remove(&call, &scope, "acme.example").await), Some(Code::NotFound));
        domains::verify(&by_mallory, &theirs, "acme.example").await.unwrap();
    }

    async fn who_proves_an_address_of_a_domain_belongs_to_its_organisation(world: World) {
        let zone = resolved_by(&world);
        let alice = person(&world, "alice@acme.example", true).await;
        let (org, scope, call) = team(&world, alice, "Acme").await;
        let added = domains::add(&call, &scope, "acme.example").await.unwrap();
        let change = Change { joined_by: Some(JoinedBy::Domain), ..Change::default() };
        let org = manage::update(&call, &scope, org.version, change).await.unwrap();
        let early = person(&world, "early@acme.example", true).await;
        assert_eq!(orgs_of(&world, early).await.iter().filter(|name| *name == "Acme").count(), 0, "it is not proven yet");

        *zone.lock().unwrap() = Some(vec![(added.record(), added.value())]);
        domains::verify(&call, &scope, "acme.example").await.unwrap();
        for (address, is_verified, belongs) in [
            ("bob@acme.example", true, true),
            ("BOB2@ACME.example", true, true),
            ("liar@acme.example", false, false),
            ("eve@sub.acme.example", true, false),
            ("eve@acme.example.evil.example", true, false),
        ] {
            let user = person(&world, address, is_verified).await;
            assert_eq!(orgs_of(&world, user).await.contains(&"Acme".to_owned()), belongs, "{address}");
        }
        let everybody = Change { joined_by: Some(JoinedBy::Everybody), ..Change::default() };
        assert_eq!(code(manage::update(&call, &scope, org.version, everybody.clone()).await), Some(Code::ScopeMissing), "not for an owner to say");
        let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
        let all = enter(&call, holder, &org.id.to_string(), "org:settings:write").await.unwrap();
        manage::update(&world.local(), &all, org.version, everybody).await.unwrap();
        let anybody = person(&world, "x@else.example", false).await;
        assert!(orgs_of(&world, anybody).await.contains(&"Acme".to_owned()));
    }
}
