//! A filled database is one that the product has filled: it starts, lists, and believes its trail.

use std::sync::Arc;

use doorward_core::{
    audit,
    call::Call,
    credentials::{PasswordAsk, sign_in},
    db::Db,
    orgs::{self, Holder},
    page::PageAsk,
    users,
};
use doorward_proto::time::Time;
use doorward_world::{
    Fresh, both_engines,
    run::BEGINNING,
    seed::{PASSWORD, Seeded, Sizes, fill, realm},
};

const MASTER: [u8; 32] = [7; 32];

async fn filled(place: &Fresh) -> Seeded {
    fill(place.place(), MASTER, Sizes::small(), BEGINNING).await.expect("is filled")
}

/// As a server that starts on it.
async fn opened(place: &Fresh) -> Call {
    let db = Db::open(place.place()).await.expect("opens");
    Call::system(&realm(db, MASTER, (BEGINNING, 3)).await.expect("is the realm's"))
}

async fn everybody(call: &Call) -> Vec<(String, Option<String>, Time)> {
    let (mut all, mut page) = (Vec::new(), PageAsk { limit: 500, ..PageAsk::default() });
    loop {
        let found = users::list(call, page.clone()).await.expect("lists");
        all.extend(found.items.into_iter().map(|user| (user.id.to_string(), user.name, user.created_at)));
        page.after = found.next;
        if page.after.is_none() {
            return all;
        }
    }
}

both_engines! {
    async fn a_server_starts_on_it_and_believes_its_trail(place: Fresh) {
        let seeded = filled(&place).await;
        let call = opened(&place).await;
        let report = audit::verify(&call.realm).await.expect("is verified");
        assert_eq!(report.broken, None);
        assert!(report.events > Sizes::small().events && report.unsealed == 0, "{report:?}");
        assert_eq!(report.signed_through, report.last);
        assert_eq!(everybody(&call).await.len() as u64, Sizes::small().users + 3);

        let ask = PasswordAsk { identifier: seeded.owner, password: PASSWORD.into(), cookie: None };
        let owner = sign_in(&call, ask).await.expect("signs in").session.user;
        let holder = Holder { scopes: Vec::new(), tenant: None, person: Some(owner) };
        let scope = orgs::enter(&call, holder, &seeded.largest, "org:members:read").await.expect("is let in");
        let page = PageAsk { limit: 500, ..PageAsk::default() };
        let ask = orgs::members::ListAsk { page, role: None };
        let members = orgs::members::list(&call, &scope, ask).await.expect("lists").items;
        assert_eq!(members.len() as u64, Sizes::small().largest + 1);
    }

    async fn what_is_not_empty_is_left_alone(place: Fresh) {
        filled(&place).await;
        let again = fill(place.place(), MASTER, Sizes::small(), BEGINNING).await;
        assert!(again.unwrap_err().to_string().contains("not empty"));
    }
}

#[tokio::test]
async fn the_same_sizes_make_the_same_rows() {
    let mut trails = Vec::new();
    for _ in 0..2 {
        let place = Fresh::sqlite().unwrap();
        filled(&place).await;
        let call = opened(&place).await;
        let events = audit::list(&call.realm, audit::Filter::default(), None, 200).await.unwrap();
        trails.push((everybody(&call).await, events));
        assert_eq!(Arc::strong_count(&call.realm), 1);
    }
    assert_eq!(trails[0], trails[1]);
    assert!(trails[0].0.iter().any(|(_, name, _)| name.as_ref().is_some_and(|name| !name.is_ascii())));
}
