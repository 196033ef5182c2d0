//! A database changes its master key: all of it or nothing, and nobody outside notices.

use std::{sync::Arc, time::Duration};

use crate::kit::{alice, application, tokens_for};
use doorward_core::{
    args,
    audit::{self, Event, Filter, Sealer},
    call::{Actor, Call},
    clients, credentials,
    db::Db,
    grants::refresh::{self, RefreshAsk},
    integrity, keys, mail,
    outcome::{Code, Error, Result},
    page::PageAsk,
    realm::{self, Attendance, Parts, Realm},
    sessions,
    settings::Settings,
    users::Email,
    vault::Vault,
};
use doorward_proto::id::{self, Id};
use doorward_world::{EngineName, ISSUER, World, both_engines};

/// Another realm over the same database, under this master key.
async fn open(world: &World, master: [u8; 32]) -> Result<Arc<Realm>> {
    Realm::open(Parts {
        issuer: ISSUER.to_owned(),
        db: world.realm.db.clone(),
        env: world.realm.env.clone(),
        vault: Vault::new(&master)?,
        settings: Settings::default(),
        mail_transport: None,
    })
    .await
}

fn local(realm: &Arc<Realm>) -> Call {
    Call::system(realm).by(Actor::LocalAdministrator)
}

/// Gives the database of `realm` to another master key, and opens it under that.
pub(crate) async fn rekeyed(world: &World, realm: &Arc<Realm>, master: [u8; 32]) -> Arc<Realm> {
    Sealer::new(realm).unwrap().finish().await.unwrap();
    let done = realm::rekey(&local(realm), &master).await.unwrap();
    assert_eq!(done.from, realm.vault.id());
    assert!(done.sealed > 0);
    let next = open(world, master).await.unwrap();
    assert_eq!(done.to, next.vault.id());
    next
}

async fn assert_whole(realm: &Arc<Realm>) {
    let report = integrity::verify(realm).await.unwrap();
    assert!(report.is_whole(), "{report:?}");
}

async fn exec(db: &Db, sql: &'static str) -> u64 {
    db.write("by hand", (), move |tx, ()| Box::pin(async move { tx.exec(sql, &[]).await })).await.unwrap()
}

/// Alice asks for a link by mail.
async fn forgot(world: &World) {
    let email = Email::parse("alice@example.org").unwrap();
    credentials::forgot(&world.call(), email, None, None).await.unwrap();
}

async fn note(realm: &Arc<Realm>) {
    let call = Call::system(realm);
    audit::note(&call, Event::new(&call, "test.happened").unwrap()).await.unwrap();
}

async fn broken(realm: &Realm) -> Option<&'static str> {
    audit::verify(realm).await.unwrap().broken.map(|broken| broken.what)
}

both_engines! {
    async fn everything_that_was_issued_goes_on_working(world: World) {
        let person = alice(&world).await;
        let app = application(&world, "app", |_| {}).await;
        let secret = clients::manage::rotate_secret(&world.local(), app.id, Duration::ZERO).await.unwrap().secret;
        let secret = secret.expect("is confidential");
        let mut refresh = tokens_for(&world.call(), &app, &person.signed(&world.call()).await).await
            .refresh_token.expect("offline");
        forgot(&world).await;
        let page = PageAsk { limit: 10, ..PageAsk::default() };
        let waiting = mail::list(&world.local(), None, page).await.unwrap().items;
        let mut words = Vec::new();
        for mail in &waiting {
            words.push(mail::show(&world.local(), mail.id).await.unwrap().1.text);
        }
        assert!(!words.is_empty());
        let jwks = keys::current(&world.call()).await.unwrap().jwks();
        let mut realm = Arc::clone(&world.realm);
        for master in [[8; 32], [9; 32]] {
            let next = rekeyed(&world, &realm, master).await;
            let call = Call::system(&next);
            assert_whole(&next).await;
            assert_eq!(keys::current(&call).await.unwrap().jwks(), jwks);
            let app = clients::get_active(&call, "app").await.unwrap();
            assert!(app.owns_secret(&call, &secret));
            let ask = RefreshAsk { token: refresh.expose().to_owned(), scope: None, resources: Vec::new(), jkt: None };
            refresh = refresh::rotate(&call, &app, ask).await.unwrap().refresh_token.expect("is rotated");
            assert!(sessions::find(&call, &person.signed_in.cookie).await.unwrap().is_some(), "still signed in");
            for (mail, words) in waiting.iter().zip(&words) {
                assert_eq!(mail::show(&call, mail.id).await.unwrap().1.text, *words);
            }
            realm = next;
        }
    }

    async fn the_former_key_opens_nothing_and_is_told_so(world: World) {
        rekeyed(&world, &world.realm, [8; 32]).await;
        let Err(Error::Fault(told)) = open(&world, [7; 32]).await else { panic!("it opened") };
        let (told, next) = (told.to_string(), Vault::new(&[8; 32]).unwrap());
        assert!(told.contains("was replaced at") && told.contains(next.id()), "{told}");
        let still = Attendance::begin(&world.realm).await;
        assert_eq!(still.is_err(), world.realm.db.engine() == EngineName::Postgres, "a node that runs is told, too");
    }

    async fn the_change_is_an_event(world: World) {
        let next = rekeyed(&world, &world.realm, [8; 32]).await;
        Sealer::new(&next).unwrap().finish().await.unwrap();
        let filter = Filter { code: Some("master_key.replaced".to_owned()), ..Filter::default() };
        let found = audit::list(&next, filter, None, 10).await.unwrap();
        let [event] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((event.actor.as_str(), &event.facts["from"]), ("local", &world.realm.vault.id().into()));
        assert_eq!(event.facts["to"], next.vault.id());
        assert_whole(&next).await;
    }

    async fn a_key_that_was_in_use_here_is_refused(world: World) {
        let next = rekeyed(&world, &world.realm, [8; 32]).await;
        for master in [[8; 32], [7; 32]] {
            let refused = realm::rekey(&local(&next), &master).await.unwrap_err();
            assert_eq!(refused.code(), Some(Code::Conflict));
        }
        assert!(realm::rekey(&local(&world.realm), &[9; 32]).await.is_err(), "the database is not its own any more");
        assert_whole(&next).await;
    }

    async fn a_value_that_does_not_open_leaves_everything_as_it_was(world: World) {
        let person = alice(&world).await;
        forgot(&world).await;
        exec(&world.realm.db, "UPDATE mails SET parameters = signing_keys.sealed FROM signing_keys").await;
        assert!(realm::rekey(&local(&world.realm), &[8; 32]).await.is_err());
        assert!(open(&world, [8; 32]).await.is_err());
        exec(&world.realm.db, "DELETE FROM mails").await;
        let again = open(&world, [7; 32]).await.unwrap();
        assert_whole(&again).await;
        assert!(sessions::find(&Call::system(&again), &person.signed_in.cookie).await.unwrap().is_some());
    }

    async fn a_sealed_column_that_nobody_told_of_stops_it(world: World) {
        let user = alice(&world).await.user.id;
        let sealed = world.realm.vault.seal(&world.realm.env, "totps/x", b"x").unwrap();
        let ask = (user, sealed);
        world.realm.db.write("later", ask, |tx, (user, sealed): &(Id<id::User>, Vec<u8>)| Box::pin(async move {
            tx.exec("INSERT INTO totps (user_id, sealed, created_at) VALUES ($1, $2, 0)", args![*user, sealed]).await
        })).await.unwrap();
        let Err(Error::Fault(told)) = realm::rekey(&local(&world.realm), &[8; 32]).await else { panic!("done") };
        assert!(told.to_string().contains("totps.sealed"), "{told}");
        assert_whole(&open(&world, [7; 32]).await.unwrap()).await;
    }

    async fn the_former_key_signs_nothing_later(world: World) {
        note(&world.realm).await;
        let next = rekeyed(&world, &world.realm, [8; 32]).await;
        assert_eq!(broken(&next).await, None);
        note(&next).await;
        // Whoever has the former key links what he likes, and signs it.
        Sealer::new(&world.realm).unwrap().finish().await.unwrap();
        assert_eq!(broken(&next).await, Some("the checkpoint was signed under a master key that had been replaced"));
    }

    async fn what_was_before_the_change_cannot_be_cut_off(world: World) {
        for _ in 0..3 {
            note(&world.realm).await;
        }
        let next = rekeyed(&world, &world.realm, [8; 32]).await;
        exec(&next.db, "DELETE FROM event_checkpoints").await;
        exec(&next.db, "DELETE FROM events WHERE seq > 1").await;
        assert_eq!(broken(&next).await, Some("events from before the master key changed are missing"));
    }

    async fn a_cut_of_the_former_key_is_one_that_it_had_made_then(world: World) {
        note(&world.realm).await;
        let next = rekeyed(&world, &world.realm, [8; 32]).await;
        exec(&next.db, "UPDATE event_checkpoints SET reason = 'retention'").await;
        assert_eq!(broken(&next).await, Some("the checkpoint was signed under a master key that had been replaced"));
    }

    async fn retention_made_under_the_former_key_holds(world: World) {
        note(&world.realm).await;
        Sealer::new(&world.realm).unwrap().finish().await.unwrap();
        world.advance(Duration::from_secs(3 * 365 * 24 * 3600));
        note(&world.realm).await;
        Sealer::new(&world.realm).unwrap().finish().await.unwrap();
        assert!(audit::retain(&Call::system(&world.realm)).await.unwrap() > 0);
        let next = rekeyed(&world, &world.realm, [8; 32]).await;
        assert_eq!(broken(&next).await, None);
        note(&next).await;
        Sealer::new(&next).unwrap().finish().await.unwrap();
        assert_eq!(broken(&next).await, None);
        world.advance(Duration::from_secs(3 * 365 * 24 * 3600));
        note(&next).await;
        Sealer::new(&next).unwrap().finish().await.unwrap();
        assert!(audit::retain(&Call::system(&next)).await.unwrap() > 0);
        assert_eq!(broken(&next).await, None);
    }

    async fn it_waits_for_every_node_to_stop(world: World) {
        if world.realm.db.engine() == EngineName::Sqlite {
            return;
        }
        let (one, two) = (Attendance::begin(&world.realm).await.unwrap(), Attendance::begin(&world.realm).await.unwrap());
        two.end().await.unwrap();
        let refused = realm::rekey(&local(&world.realm), &[8; 32]).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::Conflict));
        world.advance(Duration::from_secs(50));
        one.renew().await.unwrap();
        world.advance(Duration::from_secs(50));
        assert!(realm::rekey(&local(&world.realm), &[8; 32]).await.is_err(), "it says that it is there");
        // It crashes, and is forgotten.
        world.advance(Duration::from_secs(11));
        rekeyed(&world, &world.realm, [8; 32]).await;
        assert!(one.renew().await.is_err());
    }
}
