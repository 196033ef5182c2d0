//! Organisations on both engines: who belongs to them, what roles hold, who may act on whom, and that no
//! token says of one what holds in another.

use std::time::Duration;

use doorward_core::{
    audit::{self, Filter},
    call::{Actor, Call},
    orgs::{
        self, Holder, Org, OrgScope, enter,
        invitations::{self, By, NewInvitation, Newcomer},
        manage::{self, Change, NewOrg},
        members,
        permissions::{ADMIN, MEMBER, OWNER},
        roles::{self, Terms},
    },
    outcome::{Code, Result},
    sessions, tokens,
    users::{self, Email},
};
use doorward_proto::{
    id::{Id, User},
    secret::{Kind, Opaque},
};
use doorward_world::{World, both_engines};

use crate::kit::{self, Alice, application, code_for, redeem};

pub(crate) fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().and_then(|error| error.code())
}

pub(crate) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub(crate) async fn team(world: &World, owner: Id<User>, name: &str) -> Org {
    let new = NewOrg { name: name.to_owned(), slug: Some(name.to_lowercase()), owner: None };
    manage::create_own(&world.call(), owner, new).await.unwrap()
}

/// By the person, at a browser.
pub(crate) fn by(world: &World, user: Id<User>) -> Call {
    let call = world.call();
    let session = call.id().unwrap();
    call.by(Actor::User { id: user, session })
}

pub(crate) async fn enters(
    world: &World,
    user: Id<User>,
    org: &Org,
    permission: &'static str,
) -> Result<OrgScope> {
    let holder = Holder { person: Some(user), ..Holder::default() };
    enter(&world.call(), holder, &org.id.to_string(), permission).await
}

pub(crate) async fn platform(world: &World, org: &Org) -> OrgScope {
    let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
    enter(&world.call(), holder, &org.id.to_string(), "org:members:write").await.unwrap()
}

pub(crate) async fn adds(world: &World, org: &Org, user: Id<User>, role: &str) {
    members::add(&world.local(), &platform(world, org).await, user, role).await.unwrap();
}

pub(crate) async fn person(world: &World, address: &str) -> Id<User> {
    let mut new = users::NewUser::new(email(address));
    new.email_verified = true;
    users::create(&world.local(), new).await.unwrap().id
}

pub(crate) fn invitation(address: &str, role: &str, is_mailed: bool) -> NewInvitation {
    NewInvitation { email: email(address), role: role.to_owned(), is_mailed, locale: None }
}

fn secret_of(link: &str) -> Opaque {
    Opaque::parse(Kind::Link, link.rsplit_once("token=").unwrap().1).unwrap()
}

/// The claims of the access token that the person gets at an application now.
pub(crate) async fn claims(
    world: &World,
    alice: &Alice,
    org: Option<&Org>,
) -> (String, doorward_proto::access_token::AccessTokenClaims) {
    let call = world.call();
    let client = doorward_core::clients::get_active(&call, "app").await.unwrap();
    let named = org.map(|org| org.id.to_string()).unwrap_or_default();
    let code = code_for(&call, &client, &alice.signed(&call).await, &[("organization", &named)]).await;
    let token = redeem(&call, &client, &code).await.unwrap().access_token;
    let live = tokens::verify(&call, &token).await.unwrap();
    (token, live.claims.clone())
}

both_engines! {
    async fn a_team_is_made_renamed_and_ended(world: World) {
        let alice = person(&world, "alice@example.org").await;
        let org = team(&world, alice, "Acme").await;
        assert_eq!(orgs::find(&world.call(), "acme").await.unwrap().map(|found| found.id), Some(org.id));
        let scope = enters(&world, alice, &org, "org:settings:write").await.unwrap();
        assert_eq!(scope.role(), Some(OWNER));

        let slug = Some(Some("acme-co".to_owned()));
        let change = Change { name: Some("Acme & Co".to_owned()), slug, ..Change::default() };
        let after = manage::update(&by(&world, alice), &scope, org.version, change.clone()).await.unwrap();
        assert_eq!((after.name.as_str(), after.slug.as_deref(), after.version), ("Acme & Co", Some("acme-co"), 2));
        assert_eq!(code(manage::update(&by(&world, alice), &scope, org.version, change).await), Some(Code::VersionMismatch));
        let taken = NewOrg { name: "Other".to_owned(), slug: Some("acme-co".to_owned()), owner: None };
        assert_eq!(code(manage::create_own(&world.call(), alice, taken).await), Some(Code::Conflict));
        for slug in ["", "a", "-a", "a-", "A", "a b", "ä", "new", &"x".repeat(49)] {
            let new = NewOrg { name: "Other".to_owned(), slug: Some(slug.to_owned()), owner: None };
            assert_eq!(code(manage::create_own(&world.call(), alice, new).await), Some(Code::RequestInvalid), "{slug}");
        }

        for name in ["https://evil.example", "me@evil", "Ac\u{2060}me", "Ac\u{ad}me", "\u{202e}emcA"] {
            let change = Change { name: Some(name.to_owned()), ..Change::default() };
            let refused = manage::update(&by(&world, alice), &scope, after.version, change).await;
            assert_eq!(code(refused), Some(Code::RequestInvalid), "{name:?}");
        }

        manage::end(&by(&world, alice), &scope).await.unwrap();
        assert_eq!(orgs::find(&world.call(), &org.id.to_string()).await.unwrap(), None);
        assert_eq!(orgs::find(&world.call(), "acme-co").await.unwrap(), None, "the short name is free again");
        assert_eq!(code(enters(&world, alice, &org, "org:settings:read").await), Some(Code::NotFound));
        assert_eq!(code(manage::end(&by(&world, alice), &scope).await), Some(Code::NotFound));
        let facts = users::facts(&world.call(), alice).await.unwrap().unwrap();
        assert!(facts.orgs.iter().all(|membership| membership.org != org.id));
    }

    /// What an organisation owns stops with it.
    async fn what_an_organisation_owns_ends_with_it(world: World) {
        let alice = person(&world, "alice@example.org").await;
        let org = team(&world, alice, "Acme").await;
        application(&world, "theirs", |new| new.org = Some(org.id)).await;
        let scope = enters(&world, alice, &org, orgs::permissions::END).await.unwrap();
        manage::end(&by(&world, alice), &scope).await.unwrap();
        assert_eq!(code(doorward_core::clients::get_active(&world.call(), "theirs").await), Some(Code::ClientUnknown));
    }

    async fn to_strangers_there_is_no_organisation(world: World) {
        let (alice, mallory) = (person(&world, "alice@example.org").await, person(&world, "mallory@example.org").await);
        let (org, theirs) = (team(&world, alice, "Acme").await, team(&world, mallory, "Evil").await);
        for permission in ["org:settings:read", "org:members:write", orgs::permissions::ALL] {
            assert_eq!(code(enters(&world, mallory, &org, permission).await), Some(Code::NotFound), "{permission}");
        }
        // A token of another organisation, whatever it may there.
        let all = vec!["org:*".to_owned(), "org:settings:read".to_owned()];
        let token = |person| Holder { scopes: all.clone(), tenant: Some(theirs.id), person };
        for person in [None, Some(mallory), Some(alice)] {
            let entered = enter(&world.call(), token(person), &org.id.to_string(), "org:settings:read").await;
            assert_eq!(code(entered), Some(Code::NotFound), "{person:?}");
        }
        // One without an organisation enters none.
        let nobody = Holder { scopes: all, ..Holder::default() };
        assert_eq!(code(enter(&world.call(), nobody, &org.id.to_string(), "org:settings:read").await), Some(Code::NotFound));
    }

    /// A token acts with what it was allowed and its person may, never with more.
    async fn a_token_holds_no_more_than_its_person_and_its_scopes(world: World) {
        let (alice, bob) = (person(&world, "alice@example.org").await, person(&world, "bob@example.org").await);
        let org = team(&world, alice, "Acme").await;
        adds(&world, &org, bob, MEMBER).await;
        let with = |scopes: &[&str], person| Holder {
            scopes: scopes.iter().map(ToString::to_string).collect(),
            tenant: Some(org.id),
            person,
        };
        let id = org.id.to_string();
        for (scopes, person, expected) in [
            (&["org:members:read"][..], Some(alice), None),
            (&["org:*"], Some(alice), None),
            (&["org:settings:read"], Some(alice), Some(Code::ScopeMissing)),
            (&[], Some(alice), Some(Code::ScopeMissing)),
            (&["org:*"], Some(bob), Some(Code::ScopeMissing)),
            (&["org:members:read"], None, None),
            (&["org:members:write"], None, Some(Code::ScopeMissing)),
            (&["admin:orgs:read"], None, None),
            (&["admin:orgs:write"], None, Some(Code::ScopeMissing)),
        ] {
            let entered = enter(&world.call(), with(scopes, person), &id, "org:members:read").await;
            assert_eq!(code(entered), expected, "{scopes:?} {person:?}");
        }
    }

    async fn nobody_acts_on_who_stands_above(world: World) {
        let [alice, bob, carol] = [
            person(&world, "alice@example.org").await,
            person(&world, "bob@example.org").await,
            person(&world, "carol@example.org").await,
        ];
        let org = team(&world, alice, "Acme").await;
        adds(&world, &org, bob, ADMIN).await;
        adds(&world, &org, carol, MEMBER).await;
        let (owner, admin) = (
            enters(&world, alice, &org, "org:members:write").await.unwrap(),
            enters(&world, bob, &org, "org:members:write").await.unwrap(),
        );
        let as_bob = by(&world, bob);
        for role in [OWNER] {
            assert_eq!(code(members::set_role(&as_bob, &admin, carol, role).await), Some(Code::ScopeMissing), "{role}");
            assert_eq!(code(members::set_role(&as_bob, &admin, bob, role).await), Some(Code::ScopeMissing), "{role}");
        }
        assert_eq!(code(members::set_role(&as_bob, &admin, alice, MEMBER).await), Some(Code::ScopeMissing));
        assert_eq!(code(members::remove(&as_bob, &admin, alice).await), Some(Code::ScopeMissing));
        assert_eq!(code(invitations::create(&as_bob, &admin, invitation("d@example.org", OWNER, true)).await), Some(Code::ScopeMissing));
        assert_eq!(code(members::transfer(&as_bob, &admin, bob, carol).await), Some(Code::ScopeMissing));
        assert_eq!(code(manage::end(&as_bob, &admin).await), Some(Code::ScopeMissing));
        assert_eq!(code(members::add(&as_bob, &admin, carol, MEMBER).await), Some(Code::Forbidden), "people are invited");
        members::set_role(&as_bob, &admin, carol, ADMIN).await.unwrap();
        members::set_role(&by(&world, alice), &owner, carol, OWNER).await.unwrap();
        assert_eq!(code(enters(&world, carol, &org, "org:roles:write").await), None);
    }

    async fn the_last_owner_stays(world: World) {
        let (alice, bob) = (person(&world, "alice@example.org").await, person(&world, "bob@example.org").await);
        let org = team(&world, alice, "Acme").await;
        adds(&world, &org, bob, MEMBER).await;
        let scope = enters(&world, alice, &org, "org:members:write").await.unwrap();
        let call = by(&world, alice);
        assert_eq!(code(members::leave(&call, org.id, alice).await), Some(Code::LastOwner));
        assert_eq!(code(members::set_role(&call, &scope, alice, MEMBER).await), Some(Code::LastOwner));
        assert_eq!(code(members::remove(&call, &scope, alice).await), Some(Code::LastOwner));
        assert_eq!(members::transfer(&call, &scope, alice, bob).await.unwrap().role, OWNER);
        assert_eq!(members::get(&call, &scope, alice).await.unwrap().role, ADMIN);
        members::leave(&call, org.id, alice).await.unwrap();
        assert_eq!(code(members::leave(&call, org.id, alice).await), Some(Code::NotFound));
        let personal = users::get(&call, alice).await.unwrap().org;
        assert_eq!(code(members::leave(&call, personal, alice).await), Some(Code::Conflict));
    }

    /// Two owners who leave at once: one of them stays.
    async fn of_two_owners_who_leave_at_once_one_stays(world: World) {
        for round in 0..5 {
            let owners = [
                person(&world, &format!("a{round}@example.org")).await,
                person(&world, &format!("b{round}@example.org")).await,
            ];
            let org = team(&world, owners[0], &format!("race{round}")).await;
            adds(&world, &org, owners[1], OWNER).await;
            let leave = |user| {
                let call = by(&world, user);
                tokio::spawn(async move { code(members::leave(&call, org.id, user).await) })
            };
            let (one, other) = (leave(owners[0]), leave(owners[1]));
            let mut outcomes = [one.await.unwrap(), other.await.unwrap()];
            outcomes.sort();
            assert_eq!(outcomes, [None, Some(Code::LastOwner)]);
        }
    }

    async fn a_role_gives_what_its_organisation_may_give(world: World) {
        let (alice, bob) = (person(&world, "alice@example.org").await, person(&world, "bob@example.org").await);
        let org = team(&world, alice, "Acme").await;
        let scope = enters(&world, alice, &org, "org:roles:write").await.unwrap();
        let call = by(&world, alice);
        let terms = |names: &[&str]| Terms {
            description: "Helps".to_owned(),
            permissions: names.iter().map(ToString::to_string).collect(),
        };
        for foreign in ["billing:refund", "admin:users:read", "me:read", "org:everything", "two words"] {
            assert_eq!(code(roles::create(&call, &scope, "helper", terms(&[foreign])).await), Some(Code::RequestInvalid), "{foreign}");
        }
        let made = roles::create(&call, &scope, "helper", terms(&["org:members:read"])).await.unwrap();
        assert_eq!(code(roles::create(&call, &scope, "helper", terms(&[])).await), Some(Code::Conflict));
        assert_eq!(code(roles::create(&call, &scope, OWNER, terms(&[])).await), Some(Code::Conflict));
        // Who administers the instance gives what applications read; the organisation then hands it on.
        let all = platform(&world, &org).await;
        let with_app = terms(&["org:members:read", "billing:refund"]);
        assert_eq!(code(roles::update(&call, &scope, "helper", made.version, with_app.clone()).await), Some(Code::RequestInvalid));
        let after = roles::update(&world.local(), &all, "helper", made.version, with_app).await.unwrap();
        let told = Terms { description: "Helps more".to_owned(), permissions: after.permissions.clone() };
        roles::update(&call, &scope, "helper", after.version, told).await.unwrap();

        adds(&world, &org, bob, "helper").await;
        assert_eq!(code(members::set_role(&call, &scope, bob, "nobody").await), Some(Code::RequestInvalid));
        assert_eq!(code(roles::remove(&call, &scope, "helper").await), Some(Code::Conflict));
        let helper = enters(&world, bob, &org, "org:members:read").await.unwrap();
        assert!(helper.may("billing:refund") && !helper.may("org:members:write"));
        members::set_role(&call, &scope, bob, MEMBER).await.unwrap();
        roles::remove(&call, &scope, "helper").await.unwrap();
        assert_eq!(roles::list(&call, &scope).await.unwrap().len(), 3);
    }

    /// Who may make roles makes none that holds more than its maker.
    async fn nobody_makes_a_role_above_their_own(world: World) {
        let (alice, bob) = (person(&world, "alice@example.org").await, person(&world, "bob@example.org").await);
        let org = team(&world, alice, "Acme").await;
        let scope = enters(&world, alice, &org, "org:roles:write").await.unwrap();
        let terms = |names: &[&str]| Terms {
            description: String::new(),
            permissions: names.iter().map(ToString::to_string).collect(),
        };
        let call = by(&world, alice);
        roles::create(&call, &scope, "smith", terms(&["org:roles:write", "org:roles:read"])).await.unwrap();
        roles::create(&call, &scope, "strong", terms(&["org:members:write"])).await.unwrap();
        adds(&world, &org, bob, "smith").await;
        let smith = enters(&world, bob, &org, "org:roles:write").await.unwrap();
        let as_bob = by(&world, bob);
        for above in ["org:members:write", "org:*", "org:settings:end"] {
            assert_eq!(code(roles::create(&as_bob, &smith, "more", terms(&[above])).await), Some(Code::ScopeMissing), "{above}");
            assert_eq!(code(roles::update(&as_bob, &smith, "smith", 1, terms(&[above])).await), Some(Code::ScopeMissing), "{above}");
        }
        assert_eq!(code(roles::update(&as_bob, &smith, "strong", 1, terms(&[])).await), Some(Code::ScopeMissing));
        assert_eq!(code(roles::remove(&as_bob, &smith, "strong").await), Some(Code::ScopeMissing));
    }

    async fn an_invitation_is_accepted_once_by_its_address(world: World) {
        let (alice, bob, eve) = (
            person(&world, "alice@example.org").await,
            person(&world, "bob@example.org").await,
            person(&world, "eve@example.org").await,
        );
        let org = team(&world, alice, "Acme").await;
        let scope = enters(&world, alice, &org, "org:members:write").await.unwrap();
        let call = by(&world, alice);
        let told = invitations::create(&call, &scope, invitation("Bob@Example.org", ADMIN, false)).await.unwrap();
        let link = secret_of(told.link.as_deref().unwrap());
        assert_eq!(invitations::look(&world.call(), &link).await.unwrap().org.name, "Acme");
        assert_eq!(code(invitations::accept(&world.call(), By::Link(link.clone()), eve).await), Some(Code::InvitationAddress));
        let newcomer = Newcomer { password: kit::PASSWORD.into(), name: None, locale: None };
        assert_eq!(code(invitations::accept_new(&world.call(), &link, newcomer, None).await), Some(Code::InvitationAddress));

        let again = invitations::create(&call, &scope, invitation("bob@example.org", MEMBER, false)).await.unwrap();
        assert_eq!(code(invitations::look(&world.call(), &link).await), Some(Code::LinkInvalid), "it was replaced");
        let link = secret_of(again.link.as_deref().unwrap());
        let accept = || {
            let (call, link) = (world.call(), link.clone());
            tokio::spawn(async move { code(invitations::accept(&call, By::Link(link), bob).await) })
        };
        let (one, other) = (accept(), accept());
        let mut outcomes = [one.await.unwrap(), other.await.unwrap()];
        outcomes.sort();
        assert_eq!(outcomes, [None, Some(Code::LinkInvalid)]);
        assert_eq!(members::get(&call, &scope, bob).await.unwrap().role, MEMBER);
        assert_eq!(code(invitations::create(&call, &scope, invitation("bob@example.org", MEMBER, true)).await), Some(Code::Conflict));

        let late = invitations::create(&call, &scope, invitation("eve@example.org", MEMBER, true)).await.unwrap();
        assert_eq!(invitations::of_person(&world.call(), eve).await.unwrap().len(), 1);
        assert_eq!(late.link, None, "a mailed link is told to nobody else");
        world.advance(Duration::from_hours(7 * 24));
        assert_eq!(code(invitations::accept(&world.call(), By::Account(late.invitation.id), eve).await), Some(Code::LinkInvalid));
        let open = invitations::create(&by(&world, alice), &scope, invitation("eve@example.org", MEMBER, true)).await.unwrap();
        invitations::revoke(&call, &scope, open.invitation.id).await.unwrap();
        assert_eq!(code(invitations::accept(&world.call(), By::Account(open.invitation.id), eve).await), Some(Code::LinkInvalid));
        assert_eq!(code(invitations::revoke(&call, &scope, open.invitation.id).await), Some(Code::NotFound));
    }

    /// Of two hundred who present one link at once, one joins.
    async fn an_invitation_is_accepted_once_however_many_try(world: World) {
        let (alice, bob) = (person(&world, "alice@example.org").await, person(&world, "bob@example.org").await);
        let org = team(&world, alice, "Acme").await;
        let scope = enters(&world, alice, &org, "org:members:write").await.unwrap();
        let told = invitations::create(&by(&world, alice), &scope, invitation("bob@example.org", MEMBER, false)).await.unwrap();
        let link = secret_of(told.link.as_deref().unwrap());
        let tries = (0..200).map(|_| {
            let (call, link) = (world.call(), link.clone());
            tokio::spawn(async move { code(invitations::accept(&call, By::Link(link), bob).await) })
        });
        let mut outcomes = Vec::new();
        for one in tries.collect::<Vec<_>>() {
            outcomes.push(one.await.unwrap());
        }
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_none()).count(), 1);
        assert!(outcomes.iter().flatten().all(|refused| *refused == Code::LinkInvalid), "{outcomes:?}");
        let filter = Filter { code: Some("org.joined".to_owned()), org: Some(org.id.to_string()), ..Filter::default() };
        assert_eq!(audit::list(&world.realm, filter, None, 10).await.unwrap().len(), 1);
    }

    /// Role and permissions are those of the organisation that the token is for; a change ends what says
    /// otherwise.
    async fn a_token_tells_of_its_own_organisation_only(world: World) {
        let alice = kit::alice(&world).await;
        let user = alice.user.id;
        application(&world, "app", |_| {}).await;
        let org = team(&world, user, "Acme").await;
        let other = manage::create(&world.local(), NewOrg { name: "Other".to_owned(), ..NewOrg::default() }).await.unwrap();
        adds(&world, &other, user, MEMBER).await;

        let (_, at_home) = claims(&world, &alice, None).await;
        assert_eq!(at_home.tenant_id, Some(alice.user.org.to_string()));
        let (as_owner, said) = claims(&world, &alice, Some(&org)).await;
        assert_eq!((said.tenant_id, said.org_role.as_deref()), (Some(org.id.to_string()), Some(OWNER)));
        assert_eq!(said.permissions, ["org:*"]);
        let (as_member, said) = claims(&world, &alice, Some(&other)).await;
        assert_eq!((said.tenant_id, said.org_role.as_deref()), (Some(other.id.to_string()), Some(MEMBER)));
        assert_eq!(said.permissions, ["org:settings:read"]);

        // Another role: what says the old one is refused, what is made anew says the new one.
        let all = platform(&world, &other).await;
        members::set_role(&world.local(), &all, user, ADMIN).await.unwrap();
        assert_eq!(code(tokens::verify(&world.call(), &as_member).await), Some(Code::CredentialRevoked));
        assert_eq!(code(tokens::verify(&world.call(), &as_owner).await), None);
        let (as_admin, said) = claims(&world, &alice, Some(&other)).await;
        assert_eq!(said.org_role.as_deref(), Some(ADMIN));

        // The active organisation of the session is what nothing else says.
        let signed = alice.signed(&world.call()).await;
        let session = signed.active().unwrap().session.id;
        sessions::act_for(&world.call(), (session, user), other.id).await.unwrap();
        let (_, said) = claims(&world, &alice, None).await;
        assert_eq!(said.tenant_id, Some(other.id.to_string()));

        members::remove(&world.local(), &all, user).await.unwrap();
        assert_eq!(code(tokens::verify(&world.call(), &as_admin).await), Some(Code::CredentialRevoked));
        let (_, said) = claims(&world, &alice, None).await;
        assert_eq!(said.tenant_id, Some(alice.user.org.to_string()), "the session went back home");
        assert_eq!(code(sessions::act_for(&world.call(), (session, user), other.id).await), Some(Code::NotFound));
    }
}
