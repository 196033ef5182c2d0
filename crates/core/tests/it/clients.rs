//! Applications: registered, changed under their version, suspended and ended; secrets with an overlap.

use std::time::Duration;

use doorward_core::{
    clients::{
        Metadata, check_secret, find,
        manage::{
            ListAsk, NewClient, Registration, WithSecret, get, list, register, rotate_secret, set_status,
            update,
        },
    },
    outcome::Code,
    page::PageAsk,
    principals::Status,
};
use doorward_world::{World, both_engines};

fn web(name: &str) -> Registration {
    let metadata = Metadata {
        redirect_uris: vec!["https://app.example/callback".to_owned()],
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        scopes: vec!["openid".to_owned(), "profile".to_owned()],
        require_pkce: true,
        id_token_on_refresh: true,
        ..Metadata::default()
    };
    Registration { name: name.to_owned(), is_confidential: true, is_first_party: false, metadata }
}

async fn made(world: &World, registration: Registration) -> WithSecret {
    register(&world.local(), NewClient { client_id: None, org: None, registration }).await.unwrap()
}

both_engines! {
    async fn a_secret_works_until_its_overlap_is_over(world: World) {
        let made = made(&world, web("App")).await;
        let (id, old) = (made.client.id, made.secret.unwrap());
        let call = world.local();
        check_secret(&call, &made.client, old.expose()).unwrap();
        let new = rotate_secret(&call, id, Duration::from_secs(300)).await.unwrap();
        let (client, new) = (new.client, new.secret.unwrap());
        check_secret(&call, &client, old.expose()).unwrap();
        check_secret(&call, &client, new.expose()).unwrap();
        world.advance(Duration::from_secs(300));
        let later = world.local();
        assert!(check_secret(&later, &client, old.expose()).is_err());
        check_secret(&later, &client, new.expose()).unwrap();
        let newest = rotate_secret(&later, id, Duration::ZERO).await.unwrap();
        assert!(check_secret(&later, &newest.client, new.expose()).is_err(), "no overlap: over at once");
    }

    async fn a_change_is_for_the_version_seen(world: World) {
        let call = world.local();
        let client = made(&world, web("App")).await.client;
        let renamed = Registration { name: "Other".to_owned(), ..web("App") };
        let changed = update(&call, client.id, client.version, renamed.clone()).await.unwrap();
        assert_eq!((changed.name.as_str(), changed.version, changed.epoch), ("Other", 2, client.epoch));
        let stale = update(&call, client.id, client.version, renamed).await.unwrap_err();
        assert_eq!(stale.code(), Some(Code::VersionMismatch));
        assert_eq!(find(&call, &client.client_id).await.unwrap().unwrap().name, "Other", "caches follow");
    }

    async fn losing_a_right_ends_what_was_issued(world: World) {
        let call = world.local();
        let client = made(&world, web("App")).await.client;
        let mut less = web("App");
        less.metadata.scopes.pop();
        let changed = update(&call, client.id, client.version, less).await.unwrap();
        assert_eq!(changed.epoch, client.epoch + 1);
    }

    async fn an_ended_client_is_gone_and_its_name_stays_taken(world: World) {
        let call = world.local();
        let ask = NewClient { client_id: Some("my-app".to_owned()), org: None, registration: web("App") };
        let client = register(&call, ask.clone()).await.unwrap().client;
        assert_eq!(client.client_id, "my-app");
        assert_eq!(register(&call, ask.clone()).await.unwrap_err().code(), Some(Code::Conflict));
        set_status(&call, client.id, Status::Suspended).await.unwrap();
        assert!(!find(&call, "my-app").await.unwrap().unwrap().is_active());
        set_status(&call, client.id, Status::Active).await.unwrap();
        set_status(&call, client.id, Status::Ended).await.unwrap();
        assert_eq!(get(&call, "my-app").await.unwrap_err().code(), Some(Code::NotFound));
        assert!(!find(&call, "my-app").await.unwrap().unwrap().is_active());
        assert_eq!(register(&call, ask).await.unwrap_err().code(), Some(Code::Conflict));
        assert!(list(&call, ListAsk::default()).await.unwrap().items.is_empty());
    }

    async fn clients_are_paged_and_searched(world: World) {
        let call = world.local();
        for name in ["Alpha", "Beta", "alphabet", "Gamma"] {
            made(&world, web(name)).await;
        }
        let names = async |after: Option<String>, query: Option<&str>| {
            let page = PageAsk { after, limit: 3, query: query.map(str::to_owned) };
            let found = list(&call, ListAsk { page, org: None, status: None }).await.unwrap();
            (found.items.into_iter().map(|client| client.name).collect::<Vec<_>>(), found.next)
        };
        let (mut all, next) = names(None, None).await;
        let (rest, end) = names(next, None).await;
        assert_eq!(end, None);
        all.extend(rest);
        all.sort();
        assert_eq!(all, ["Alpha", "Beta", "Gamma", "alphabet"]);
        let (mut found, _) = names(None, Some("ALPHA")).await;
        found.sort();
        assert_eq!(found, ["Alpha", "alphabet"]);
    }
}
