//! What becomes of organisations and of those in them: suspended ones, owners who go, standings that were lost,
//! invitations of many organisations.

use doorward_core::{
    clients,
    orgs::{
        self, invitations, manage, members,
        permissions::{ADMIN, MEMBER},
    },
    outcome::Code,
    page::PageAsk,
    principals::Status,
    service_tokens::{NewToken, create},
    tokens, users,
};
use doorward_world::{World, both_engines};

use crate::{
    kit::{self, application},
    orgs::{adds, by, claims, code, enters, invitation, person, platform, team},
    service_tokens::kit::{all, named, told},
};

both_engines! {
    async fn whoever_owns_something_hands_it_over_before_they_go(world: World) {
        let (alice, bob) = (person(&world, "alice@example.org").await, person(&world, "bob@example.org").await);
        let org = team(&world, alice, "Acme").await;
        adds(&world, &org, bob, MEMBER).await;
        assert_eq!(code(users::end(&world.local(), alice).await), Some(Code::LastOwner));
        let scope = enters(&world, alice, &org, orgs::permissions::ALL).await.unwrap();
        users::suspend(&world.local(), bob).await.unwrap();
        let by = by(&world, alice);
        assert_eq!(code(members::transfer(&by, &scope, alice, bob).await), Some(Code::NotFound), "bob cannot sign in");
        users::resume(&world.local(), bob).await.unwrap();
        members::transfer(&by, &scope, alice, bob).await.unwrap();
        users::end(&world.local(), alice).await.unwrap();
        assert_eq!(code(users::end(&world.local(), bob).await), Some(Code::LastOwner));
    }

    /// What was entered as an admin is not done by whoever is none any more.
    async fn a_standing_that_was_lost_meanwhile_counts_no_more(world: World) {
        let (alice, bob) = (person(&world, "alice@example.org").await, person(&world, "bob@example.org").await);
        let eve = person(&world, "eve@example.org").await;
        let org = team(&world, alice, "Acme").await;
        adds(&world, &org, bob, ADMIN).await;
        adds(&world, &org, eve, MEMBER).await;
        let owner = enters(&world, alice, &org, orgs::permissions::ALL).await.unwrap();
        let admin = enters(&world, bob, &org, "org:members:write").await.unwrap();
        let call = by(&world, bob);
        let made = invitations::create(&call, &admin, invitation("second@example.org", MEMBER, false)).await.unwrap();
        members::set_role(&by(&world, alice), &owner, bob, MEMBER).await.unwrap();
        assert_eq!(code(members::set_role(&call, &admin, eve, ADMIN).await), Some(Code::Conflict));
        assert_eq!(code(invitations::create(&call, &admin, invitation("third@example.org", MEMBER, false)).await), Some(Code::Conflict));
        let open = invitations::list(&by(&world, alice), &owner, PageAsk { limit: 10, ..PageAsk::default() }).await.unwrap();
        assert!(!open.items.iter().any(|one| one.id == made.invitation.id), "what an admin opened does not outlive the admin");
        members::remove(&by(&world, alice), &owner, bob).await.unwrap();
        assert_eq!(code(members::set_role(&call, &admin, eve, ADMIN).await), Some(Code::NotFound));
    }

    async fn nothing_is_made_in_a_suspended_organisation(world: World) {
        let alice = person(&world, "alice@example.org").await;
        let org = team(&world, alice, "Acme").await;
        let every = platform(&world, &org).await;
        manage::set_active(&world.local(), &every, false).await.unwrap();
        let new = NewToken { org: Some(org.id), ..named("build") };
        assert_eq!(code(create(&world.local(), new, &all()).await), Some(Code::RequestInvalid));
    }

    /// Whoever makes many organisations does not fill anybody's mail box by that.
    async fn invitations_are_counted_over_all_organisations(world: World) {
        let alice = person(&world, "alice@example.org").await;
        let mut refused = 0;
        for n in 0..8 {
            let org = team(&world, alice, &format!("Acme-{n}")).await;
            let scope = enters(&world, alice, &org, "org:members:write").await.unwrap();
            for _ in 0..5 {
                let asked = invitations::create(&by(&world, alice), &scope, invitation("victim@example.org", MEMBER, true)).await;
                refused += usize::from(code(asked) == Some(Code::RateLimited));
            }
        }
        assert_eq!(refused, 19, "twenty were free, and one more goes before the pause");
    }

    /// Nobody has to hand out new secrets because an organisation was suspended for a day.
    async fn the_secrets_of_services_wait_with_their_organisation(world: World) {
        let alice = person(&world, "alice@example.org").await;
        let org = team(&world, alice, "Acme").await;
        let new = NewToken { org: Some(org.id), ..named("build") };
        let made = create(&world.local(), new, &all()).await.unwrap();
        assert_eq!(told(&world, &made).await, None);
        let every = platform(&world, &org).await;
        manage::set_active(&world.local(), &every, false).await.unwrap();
        assert_eq!(told(&world, &made).await, Some(Code::CredentialRevoked));
        manage::set_active(&world.local(), &every, true).await.unwrap();
        assert_eq!(told(&world, &made).await, None);
    }

    /// What belongs to it waits with it, and what was stopped by hand stays so.
    async fn a_suspended_organisation_is_nobodys(world: World) {
        let alice = kit::alice(&world).await;
        let org = team(&world, alice.user.id, "Acme").await;
        application(&world, "app", |_| {}).await;
        application(&world, "theirs", |new| new.org = Some(org.id)).await;
        let stopped = application(&world, "stopped", |new| new.org = Some(org.id)).await;
        let local = world.local();
        clients::manage::set_status(&local, stopped.id, Status::Suspended).await.unwrap();
        let (token, _) = claims(&world, &alice, Some(&org)).await;
        let all = platform(&world, &org).await;
        assert!(!manage::set_active(&local, &all, false).await.unwrap().is_active);
        assert_eq!(code(tokens::verify(&world.call(), &token).await), Some(Code::CredentialRevoked));
        assert_eq!(code(enters(&world, alice.user.id, &org, "org:settings:read").await), Some(Code::NotFound));
        let held = clients::manage::get(&local, "theirs").await.unwrap();
        assert_eq!(held.status, Status::Suspended);
        for (org, query, found) in [(None, None, 2), (Some(org.id), None, 2), (None, Some("theirs"), 1)] {
            let page = PageAsk { after: None, limit: 10, query: query.map(str::to_owned) };
            let ask = clients::manage::ListAsk { page, org, status: Some(Status::Suspended) };
            let listed = clients::manage::list(&local, ask).await.unwrap().items;
            let ids: Vec<&str> = listed.iter().map(|client| client.client_id.as_str()).collect();
            assert!(ids.len() == found && ids.contains(&"theirs"), "{ids:?}");
        }
        clients::manage::set_status(&local, held.id, Status::Active).await.unwrap();
        assert_eq!(code(clients::get_active(&world.call(), "theirs").await), Some(Code::ClientUnknown), "it is held");

        manage::set_active(&local, &all, true).await.unwrap();
        assert_eq!(code(clients::get_active(&world.call(), "theirs").await), None);
        assert_eq!(code(clients::get_active(&world.call(), "stopped").await), Some(Code::ClientUnknown));
        assert_eq!(code(enters(&world, alice.user.id, &org, "org:settings:read").await), None);
    }
}
