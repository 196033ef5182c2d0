//! The organisation that everybody new belongs to, where the operator has named one.

use doorward_core::{
    env::no_fetch,
    mail,
    orgs::{
        Holder, MEMBER, enter,
        invitations::{self, NewInvitation, Newcomer},
        manage::{self, NewOrg},
        permissions::ADMIN,
    },
    outcome::Code,
    page::PageAsk,
    settings::Settings,
    users::{self, Email, NewUser},
};
use doorward_proto::{
    id::{Id, User},
    secret::{Kind, Opaque},
};
use doorward_world::{Fresh, World, both_engines};

use crate::kit;

async fn person(world: &World, address: &str) -> Id<User> {
    users::create(&world.local(), NewUser::new(Email::parse(address).unwrap())).await.unwrap().id
}

/// What the person is in Acme.
async fn role(world: &World, user: Id<User>) -> Option<String> {
    let facts = users::facts(&world.call(), user).await.unwrap().unwrap();
    facts.orgs.into_iter().find(|own| own.name == "Acme").map(|own| own.role)
}

async fn acme(world: &World) -> doorward_core::orgs::Org {
    let new = NewOrg { name: "Acme".to_owned(), slug: Some("acme".to_owned()), owner: None };
    manage::create(&world.local(), new).await.unwrap()
}

/// The secret of the link in the newest mail.
async fn newest_link(world: &World) -> Opaque {
    let newest = PageAsk { limit: 1, ..PageAsk::default() };
    let mail = mail::list(&world.local(), None, newest).await.unwrap().items.remove(0);
    let (_, words) = mail::show(&world.local(), mail.id).await.unwrap();
    let secret = words.text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap();
    Opaque::parse(Kind::Link, secret).unwrap()
}

both_engines! {
    /// Whoever is new is a member, acts for their own organisation all the same, and sees nobody in this one.
    async fn somebody_new_is_a_member_of_what_the_operator_has_named(place: Fresh) {
        let mut settings = Settings::default();
        settings.sign_up.default_org = Some("acme".to_owned());
        let world = World::new(&place, settings, no_fetch()).await;
        let early = person(&world, "early@example.org").await;
        let org = acme(&world).await;
        assert_eq!(role(&world, early).await, None, "who was here before is not made a member");

        let new = kit::person(&world, "new@example.org", None).await;
        assert_eq!(role(&world, new.user.id).await.as_deref(), Some(MEMBER));
        let session_of = new.signed(&world.call()).await;
        assert_eq!(session_of.active().unwrap().session.org, new.user.org, "the personal one is active");
        let own = Holder { person: Some(new.user.id), ..Holder::default() };
        let id = org.id.to_string();
        assert!(enter(&world.call(), own.clone(), &id, "org:settings:read").await.is_ok());
        for permission in ["org:members:read", "org:members:write", "org:roles:read"] {
            let refused = enter(&world.call(), own.clone(), &id, permission).await;
            assert_eq!(refused.err().and_then(|error| error.code()), Some(Code::ScopeMissing), "{permission}");
        }

        let all = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
        let scope = enter(&world.call(), all, &id, "org:settings:write").await.unwrap();
        manage::set_active(&world.local(), &scope, false).await.unwrap();
        let meanwhile = person(&world, "meanwhile@example.org").await;
        manage::set_active(&world.local(), &scope, true).await.unwrap();
        assert_eq!(role(&world, meanwhile).await, None, "a suspended one lets nobody in");
        manage::end(&world.local(), &scope).await.unwrap();
        person(&world, "later@example.org").await;
    }

    async fn where_none_is_named_nobody_joins_unasked(world: World) {
        acme(&world).await;
        let new = person(&world, "new@example.org").await;
        assert_eq!(role(&world, new).await, None);
    }

    /// The organisation has made them a member already when the invitation says more.
    async fn an_invitation_says_as_what_somebody_new_belongs_to_it(place: Fresh) {
        let mut settings = Settings::default();
        settings.sign_up.default_org = Some("acme".to_owned());
        settings.sign_up.allowed_domains = vec!["example.org".to_owned()];
        let world = World::new(&place, settings, no_fetch()).await;
        let org = acme(&world).await;
        let every = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
        let scope = enter(&world.call(), every, &org.id.to_string(), "org:members:write").await.unwrap();
        let invited = async |address: &str, password: &str| {
            let new = NewInvitation { email: Email::parse(address).unwrap(), role: ADMIN.to_owned(), is_mailed: true, locale: None };
            invitations::create(&world.local(), &scope, new).await.unwrap();
            let newcomer = Newcomer { password: password.into(), name: None, locale: None };
            invitations::accept_new(&world.call(), &newest_link(&world).await, newcomer, None).await
        };
        let (signed, joined) = invited("new@example.org", kit::PASSWORD).await.unwrap();
        assert_eq!((joined.id, role(&world, signed.session.user).await.as_deref()), (org.id, Some(ADMIN)));
        let outsider = invited("new@elsewhere.example", kit::PASSWORD).await;
        assert_eq!(outsider.err().and_then(|error| error.code()), Some(Code::SignUpDomain));
    }
}
