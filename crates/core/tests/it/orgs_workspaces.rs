//! Workspaces on both engines: who is in them, what tokens say of them, and that neither reaches beyond the
//! organisation.

use doorward_core::{
    api_keys, audit,
    orgs::{
        Org, OrgScope, manage, members,
        permissions::{ADMIN, MEMBER, OWNER},
        workspaces::{self, Change, MOST_OF_PERSON, NewWorkspace, Role},
    },
    outcome::Code,
    rights::Rights,
    service_tokens::{self, NewToken},
    tokens,
};
use doorward_proto::id::{Id, User};
use doorward_world::{World, both_engines};

use crate::{
    kit::{Alice, alice, application},
    orgs::{adds, by, claims, code, enters, person, platform, team},
};

const WRITE: &str = "org:workspaces:write";

fn named(name: &str) -> NewWorkspace {
    NewWorkspace { name: name.to_owned(), ..NewWorkspace::default() }
}

fn change(name: &str, everybody: Option<Role>) -> Change {
    Change { name: name.to_owned(), slug: None, everybody }
}

/// Alice, who owns Acme, and what she acts with there.
async fn acme(world: &World) -> (Alice, Org, OrgScope) {
    let alice = alice(world).await;
    let org = team(world, alice.user.id, "Acme").await;
    let scope = enters(world, alice.user.id, &org, WRITE).await.unwrap();
    (alice, org, scope)
}

async fn makes(world: &World, scope: &OrgScope, user: Id<User>, new: NewWorkspace) -> String {
    workspaces::create(&by(world, user), scope, new).await.unwrap().id
}

both_engines! {
    async fn a_workspace_is_made_renamed_and_removed(world: World) {
        let (alice, org, scope) = acme(&world).await;
        let call = by(&world, alice.user.id);
        let new = NewWorkspace { slug: Some("design".to_owned()), ..named(" Design ") };
        let made = workspaces::create(&call, &scope, new.clone()).await.unwrap();
        assert!(made.id.starts_with("ws_") && made.name == "Design" && made.everybody.is_none(), "{made:?}");
        assert_eq!(workspaces::get(&call, &scope, "design").await.unwrap(), made);
        assert_eq!(code(workspaces::create(&call, &scope, new).await), Some(Code::Conflict), "the short name");
        for bad in [named(""), named("a\nb"), NewWorkspace { slug: Some("A b".to_owned()), ..named("Name") }] {
            assert_eq!(code(workspaces::create(&call, &scope, bad.clone()).await), Some(Code::RequestInvalid), "{bad:?}");
        }
        let after = workspaces::update(&call, &scope, "design", 1, change("Studio", Some(Role::Viewer))).await.unwrap();
        assert_eq!((after.name.as_str(), after.slug, after.version), ("Studio", None, 2));
        let late = workspaces::update(&call, &scope, &made.id, 1, change("Late", None)).await;
        assert_eq!(code(late), Some(Code::VersionMismatch));
        workspaces::remove(&call, &scope, &made.id).await.unwrap();
        assert_eq!(code(workspaces::remove(&call, &scope, &made.id).await), Some(Code::NotFound));
        assert!(workspaces::list(&call, &scope).await.unwrap().is_empty());
        let all = audit::list(&world.realm, audit::Filter::default(), None, 100).await.unwrap();
        for wanted in ["org.workspace_created", "org.workspace_changed", "org.workspace_removed"] {
            assert_eq!(all.iter().filter(|entry| entry.code == wanted).count(), 1, "{wanted}");
        }

        let bob = person(&world, "bob@example.org").await;
        adds(&world, &org, bob, MEMBER).await;
        assert_eq!(code(enters(&world, bob, &org, WRITE).await), Some(Code::ScopeMissing));
        let home = enters(&world, alice.user.id, &manage_org(&world, &alice).await, WRITE).await.unwrap();
        assert_eq!(code(workspaces::create(&call, &home, named("Mine")).await), Some(Code::Conflict), "of one person");
    }

    /// What tokens say stands in routes of everybody: an organisation cannot make a workspace of such a name.
    async fn only_the_operator_chooses_ids(world: World) {
        let (alice, org, scope) = acme(&world).await;
        let chosen = |id: &str| NewWorkspace { id: Some(id.to_owned()), ..named("Name") };
        let call = by(&world, alice.user.id);
        assert_eq!(code(workspaces::create(&call, &scope, chosen("ws-production")).await), Some(Code::RequestInvalid));
        let all = platform(&world, &org).await;
        for bad in ["", "a", "Ws", "*", "a b", "-a", "ws_production", "usr_1", &"a".repeat(65)] {
            let outcome = workspaces::create(&world.local(), &all, chosen(bad)).await;
            assert_eq!(code(outcome), Some(Code::RequestInvalid), "{bad}");
        }
        workspaces::create(&world.local(), &all, chosen("ws-production")).await.unwrap();
        let other = team(&world, person(&world, "eva@example.org").await, "Other").await;
        let again = workspaces::create(&world.local(), &platform(&world, &other).await, chosen("ws-production")).await;
        assert_eq!(code(again), Some(Code::Conflict), "one in the whole realm");
        let slug = NewWorkspace { slug: Some("ws-production".to_owned()), ..named("Name") };
        assert_eq!(code(workspaces::create(&call, &scope, slug.clone()).await), Some(Code::Conflict), "two in one address");
        let elsewhere = workspaces::create(&world.local(), &platform(&world, &other).await, slug).await.unwrap();
        assert!(elsewhere.id.starts_with("ws_"), "a short name is in no token");
    }

    /// An id that was removed may be somebody else's workspace by now: what was made for it reaches that one not.
    async fn a_credential_keeps_no_workspace_that_its_organisation_has_not(world: World) {
        let (_, org, _) = acme(&world).await;
        let other = team(&world, person(&world, "eva@example.org").await, "Other").await;
        let (local, all) = (world.local(), Rights { scopes: vec!["admin:*".to_owned()], workspaces: None });
        let (here, there) = (platform(&world, &org).await, platform(&world, &other).await);
        let chosen = |id: &str| NewWorkspace { id: Some(id.to_owned()), ..named("Name") };
        for id in ["plant", "office"] {
            workspaces::create(&local, &here, chosen(id)).await.unwrap();
        }
        let ids = vec!["plant".to_owned(), "office".to_owned()];
        let new = NewToken { org: Some(org.id), workspace_ids: ids.clone(), ..NewToken::default() };
        let token = service_tokens::create(&local, new, &all).await.unwrap().secret;
        let terms = api_keys::Terms { name: "ci".to_owned(), is_enabled: true, workspace_ids: ids.clone(), ..api_keys::Terms::default() };
        let new = api_keys::NewKey { whose: api_keys::Whose::Org(Some(org.id)), terms: terms.clone(), expires_in: None };
        let made = api_keys::create(&local, new, all.clone()).await.unwrap();
        let call = world.call();
        assert_eq!(service_tokens::verify(&call, token.expose()).await.unwrap().token.workspace_ids, ids);
        assert_eq!(api_keys::verify(&call, made.secret.expose()).await.unwrap().key.terms.workspace_ids, ids);

        workspaces::remove(&local, &here, "plant").await.unwrap();
        workspaces::create(&local, &there, chosen("plant")).await.unwrap();
        workspaces::create(&local, &there, chosen("store")).await.unwrap();
        assert_eq!(service_tokens::verify(&call, token.expose()).await.unwrap().token.workspace_ids, ["office"]);
        assert_eq!(api_keys::verify(&call, made.secret.expose()).await.unwrap().key.terms.workspace_ids, ["office"]);
        let more = api_keys::Terms { workspace_ids: [ids, vec!["store".to_owned()]].concat(), ..terms };
        let refused = api_keys::update(&local, (made.key.id, made.key.revision), more, all).await;
        assert_eq!(code(refused), Some(Code::RequestInvalid), "what no key is made with, none is changed to");
    }

    async fn tokens_say_the_workspaces_of_the_active_organisation(world: World) {
        let (alice, org, scope) = acme(&world).await;
        application(&world, "app", |_| {}).await;
        let (call, user) = (by(&world, alice.user.id), alice.user.id);
        let closed = makes(&world, &scope, user, named("Closed")).await;
        let open = makes(&world, &scope, user, NewWorkspace { everybody: Some(Role::Viewer), ..named("Open") }).await;
        let (first, said) = claims(&world, &alice, Some(&org)).await;
        assert_eq!(said.workspace_ids, std::slice::from_ref(&open));

        workspaces::add(&call, &scope, &closed, user, Role::Editor).await.unwrap();
        workspaces::add(&call, &scope, &open, user, Role::Admin).await.unwrap();
        assert!(tokens::verify(&world.call(), &first).await.is_ok(), "one more takes nothing from it");
        let (second, said) = claims(&world, &alice, Some(&org)).await;
        let mut both = vec![closed.clone(), open.clone()];
        both.sort();
        assert_eq!(said.workspace_ids, both);
        let own = workspaces::of_person(&world.call(), user).await.unwrap();
        let own: Vec<_> = own.iter().map(|own| (own.id.as_str(), own.role, own.org)).collect();
        assert!(own.contains(&(closed.as_str(), Role::Editor, org.id)) && own.contains(&(open.as_str(), Role::Admin, org.id)));
        assert_eq!(own.len(), 2, "each once");
        assert!(claims(&world, &alice, None).await.1.workspace_ids.is_empty(), "not for the personal organisation");

        workspaces::take_out(&call, &scope, &closed, user).await.unwrap();
        assert_eq!(code(tokens::verify(&world.call(), &second).await.map(drop)), Some(Code::CredentialRevoked));
        let (third, said) = claims(&world, &alice, Some(&org)).await;
        assert_eq!(said.workspace_ids, std::slice::from_ref(&open));
        workspaces::update(&call, &scope, &open, 1, change("Open", None)).await.unwrap();
        assert!(tokens::verify(&world.call(), &third).await.is_ok(), "still one of its members");
        workspaces::remove(&call, &scope, &open).await.unwrap();
        assert_eq!(code(tokens::verify(&world.call(), &third).await.map(drop)), Some(Code::CredentialRevoked));
        assert!(claims(&world, &alice, Some(&org)).await.1.workspace_ids.is_empty());
    }

    async fn who_leaves_the_organisation_leaves_its_workspaces(world: World) {
        let (alice, org, scope) = acme(&world).await;
        let (call, bob) = (by(&world, alice.user.id), person(&world, "bob@example.org").await);
        let room = makes(&world, &scope, alice.user.id, named("Room")).await;
        makes(&world, &scope, alice.user.id, NewWorkspace { everybody: Some(Role::Editor), ..named("Hall") }).await;
        assert_eq!(code(workspaces::add(&call, &scope, &room, bob, Role::Viewer).await), Some(Code::RequestInvalid), "a stranger");
        adds(&world, &org, bob, ADMIN).await;
        let added = workspaces::add(&call, &scope, &room, bob, Role::Viewer).await.unwrap();
        assert_eq!((added.user, added.role), (bob, Role::Viewer));
        assert_eq!(code(workspaces::add(&call, &scope, &room, bob, Role::Viewer).await), Some(Code::Conflict));
        let changed = workspaces::set_role(&call, &scope, &room, bob, Role::Admin).await.unwrap();
        assert_eq!(workspaces::member(&call, &scope, &room, bob).await.unwrap(), changed);
        assert_eq!(workspaces::of_person(&world.call(), bob).await.unwrap().len(), 2);

        members::remove(&call, &scope, bob).await.unwrap();
        assert!(workspaces::of_person(&world.call(), bob).await.unwrap().is_empty());
        adds(&world, &org, bob, MEMBER).await;
        let own = workspaces::of_person(&world.call(), bob).await.unwrap();
        assert_eq!(own.iter().map(|own| own.name.as_str()).collect::<Vec<_>>(), ["Hall"], "who comes back begins anew");
        let page = workspaces::members(&call, &scope, &room, doorward_core::page::PageAsk { limit: 10, ..Default::default() }).await.unwrap();
        assert!(page.items.is_empty());
        manage::end(&call, &enters(&world, alice.user.id, &org, "org:settings:end").await.unwrap()).await.unwrap();
        assert!(workspaces::of_person(&world.call(), bob).await.unwrap().is_empty());
    }

    async fn nobody_is_in_more_than_tokens_can_carry(world: World) {
        let (alice, org, scope) = acme(&world).await;
        let (call, user) = (by(&world, alice.user.id), alice.user.id);
        let mut last = String::new();
        for number in 0..=MOST_OF_PERSON {
            last = makes(&world, &scope, user, named(&format!("Room {number}"))).await;
            if number < MOST_OF_PERSON {
                workspaces::add(&call, &scope, &last, user, Role::Viewer).await.unwrap();
            }
        }
        assert_eq!(code(workspaces::add(&call, &scope, &last, user, Role::Viewer).await), Some(Code::Conflict));
        let hall = NewWorkspace { everybody: Some(Role::Viewer), ..named("Hall") };
        assert_eq!(code(workspaces::create(&call, &scope, hall.clone()).await), Some(Code::Conflict), "for everybody");
        assert_eq!(code(workspaces::update(&call, &scope, &last, 1, change("Hall", Some(Role::Viewer))).await), Some(Code::Conflict));
        let one = workspaces::list(&call, &scope).await.unwrap().remove(0);
        workspaces::take_out(&call, &scope, &one.id, user).await.unwrap();
        workspaces::create(&call, &scope, hall).await.unwrap();
        assert_eq!(code(workspaces::add(&call, &scope, &last, user, Role::Viewer).await), Some(Code::Conflict), "it counts too");
        assert_eq!(workspaces::of_person(&world.call(), user).await.unwrap().len(), MOST_OF_PERSON);
        application(&world, "app", |_| {}).await;
        assert_eq!(claims(&world, &alice, Some(&org)).await.1.workspace_ids.len(), MOST_OF_PERSON);
    }

    /// Credentials of an organisation name its own workspaces; the operator's name what they like.
    async fn credentials_of_an_organisation_open_its_own_workspaces(world: World) {
        let (alice, org, scope) = acme(&world).await;
        let room = makes(&world, &scope, alice.user.id, named("Room")).await;
        let other = team(&world, person(&world, "eva@example.org").await, "Other").await;
        let all = || Rights { scopes: vec!["admin:*".to_owned()], workspaces: None };
        for (of, id, is_taken) in [(Some(org.id), room.as_str(), true), (Some(other.id), &room, false),
            (Some(org.id), "ws-analytics", false), (Some(org.id), "*", false), (None, "ws-analytics", true), (None, "*", true)] {
            let new = NewToken { org: of, workspace_ids: vec![id.to_owned()], ..NewToken::default() };
            let made = service_tokens::create(&world.local(), new, &all()).await;
            assert_eq!(code(made), (!is_taken).then_some(Code::RequestInvalid), "{of:?} {id}");
            let mut terms = api_keys::Terms { name: format!("key for {id}"), ..Default::default() };
            terms.workspace_ids = vec![id.to_owned()];
            let new = api_keys::NewKey { whose: api_keys::Whose::Org(of), terms, expires_in: None };
            let made = api_keys::create(&world.local(), new, all()).await;
            assert_eq!(code(made), (!is_taken).then_some(Code::RequestInvalid), "{of:?} {id}");
        }
        assert_eq!(scope.role(), Some(OWNER));
    }
}

async fn manage_org(world: &World, alice: &Alice) -> Org {
    doorward_core::orgs::get(&world.call(), alice.user.org).await.unwrap()
}
