//! Keys of people and of organisations, on both engines: made, changed, ended, and never more than their
//! person is now.

use std::{collections::BTreeMap, time::Duration};

use doorward_core::{
    api_keys::{
        Checked, ListAsk, NewKey, Permissions, State, Terms, Whose, WithSecret, admit, check, create,
        create_own, find, flush, list, revoke, update, update_own, verify,
    },
    call::{Actor, Call},
    credentials,
    outcome::{Code, Result},
    page::PageAsk,
    rights::Rights,
    users::{self, Change, Email, NewUser, PlatformRole},
};
use doorward_proto::{
    id::{Id, User},
    scope::ScopeSet,
};
use doorward_world::{World, both_engines};

const PASSWORD: &str = "correct horse battery 7 staple";

fn all() -> Rights {
    Rights { scopes: vec!["admin:*".to_owned()], workspaces: None }
}

fn holding(scopes: &[&str]) -> Rights {
    Rights { scopes: scopes.iter().map(ToString::to_string).collect(), workspaces: None }
}

fn permissions(all: &[(&str, &[&str])]) -> Permissions {
    let all: BTreeMap<String, Vec<String>> = all
        .iter()
        .map(|(resource, actions)| {
            ((*resource).to_owned(), actions.iter().map(ToString::to_string).collect())
        })
        .collect();
    Permissions::read(all).unwrap()
}

fn terms(scopes: &[&str], allowed: &[(&str, &[&str])]) -> Terms {
    Terms {
        name: "laptop".to_owned(),
        scopes: ScopeSet::from_names(scopes.iter().copied()).unwrap(),
        permissions: permissions(allowed),
        is_enabled: true,
        ..Terms::default()
    }
}

fn for_org(terms: Terms) -> NewKey {
    NewKey { whose: Whose::Org(None), terms, expires_in: None }
}

fn for_person(user: Id<User>, terms: Terms) -> NewKey {
    NewKey { whose: Whose::Person(user, None), terms, expires_in: None }
}

async fn person(world: &World, email: &str, role: PlatformRole) -> Id<User> {
    let new = NewUser { platform_role: role, ..NewUser::new(Email::parse(email).unwrap()) };
    let id = users::create(&world.local(), new).await.unwrap().id;
    credentials::set(&world.local(), id, &PASSWORD.into()).await.unwrap();
    id
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().and_then(|error| error.code())
}

async fn told(world: &World, made: &WithSecret) -> Option<Code> {
    code(verify(&world.call(), made.secret.expose()).await)
}

/// By the person, in a session.
fn by(world: &World, user: Id<User>) -> Call {
    let call = world.call();
    let session = call.id().unwrap();
    call.by(Actor::User { id: user, session })
}

both_engines! {
    async fn a_key_lives_and_dies(world: World) {
        let call = world.local();
        let made = create(&call, for_org(terms(&["reports:read"], &[("code", &["execute"])])), all()).await.unwrap();
        assert!(made.secret.expose().starts_with("dw_ak_"));
        assert_eq!(made.key.shown, made.secret.expose()[..14]);
        assert_eq!(made.key.expires_at, call.now + Duration::from_hours(365 * 24));

        let live = admit(&world.call(), made.secret.expose()).await.unwrap();
        assert_eq!((live.scopes.as_slice(), live.permissions.names()), (["reports:read".to_owned()].as_slice(), vec!["code:execute".to_owned()]));
        admit(&world.call(), made.secret.expose()).await.unwrap();
        flush(&world.call()).await.unwrap();
        let shown = find(&call, made.key.id, None).await.unwrap();
        assert_eq!((shown.use_count, shown.last_used_address.as_deref()), (2, Some("203.0.113.7")));

        let off = Terms { is_enabled: false, ..shown.terms.clone() };
        let changed = update(&call, (shown.id, shown.revision), off.clone(), all()).await.unwrap();
        assert_eq!(told(&world, &made).await, Some(Code::CredentialRevoked));
        assert_eq!(changed.state(call.now), State::Disabled);
        assert_eq!(code(update(&call, (shown.id, shown.revision), off, all()).await), Some(Code::VersionMismatch));
        update(&call, (shown.id, changed.revision), shown.terms.clone(), all()).await.unwrap();
        assert_eq!(told(&world, &made).await, None);

        let ended = revoke(&call, shown.id, "leaked".to_owned(), all()).await.unwrap();
        assert_eq!(ended.revocation.map(|it| it.reason).as_deref(), Some("leaked"));
        assert_eq!(told(&world, &made).await, Some(Code::CredentialRevoked));
        assert_eq!(code(revoke(&call, shown.id, "again".to_owned(), all()).await), Some(Code::Conflict));
        let mut last = made.secret.expose().to_owned();
        last.pop();
        assert_eq!(code(verify(&world.call(), &last).await), Some(Code::CredentialInvalid));
    }

    async fn every_key_ends_by_itself(world: World) {
        let call = world.local();
        for seconds in [0, 59, 365 * 24 * 60 * 60 + 1] {
            let new = NewKey { expires_in: Some(seconds), ..for_org(terms(&[], &[])) };
            assert_eq!(code(create(&call, new, all()).await), Some(Code::TokenLifetime), "{seconds}");
        }
        let new = NewKey { expires_in: Some(60), ..for_org(terms(&[], &[])) };
        let made = create(&call, new, all()).await.unwrap();
        assert_eq!(told(&world, &made).await, None);
        world.advance(Duration::from_secs(60));
        assert_eq!(told(&world, &made).await, Some(Code::CredentialExpired));
        let wanted = Permissions::default();
        let checked = check(&world.call(), world.realm.instance_org, made.secret.expose(), &wanted).await.unwrap();
        assert!(matches!(checked, Checked::Expired));
    }

    async fn nobody_hands_on_more_than_they_hold(world: World) {
        let call = world.local();
        let writer = holding(&["admin:api-keys:write", "reports:read"]);
        for wrong in [terms(&["reports:write"], &[]), terms(&["admin:*"], &[]), terms(&[], &[("reports", &["write"])]), terms(&[], &[("admin", &["*"])])] {
            assert_eq!(code(create(&call, for_org(wrong.clone()), writer.clone()).await), Some(Code::ScopeMissing), "{wrong:?}");
        }
        let made = create(&call, for_org(terms(&["reports:read"], &[("reports", &["read"])])), writer.clone()).await.unwrap();
        let more = Terms { scopes: ScopeSet::from_names(["reports:read", "reports:write"]).unwrap(), ..made.key.terms.clone() };
        assert_eq!(code(update(&call, (made.key.id, 1), more.clone(), writer.clone()).await), Some(Code::ScopeMissing));
        let wider = update(&call, (made.key.id, 1), more, all()).await.unwrap();
        let renamed = Terms { name: "other".to_owned(), ..wider.terms.clone() };
        update(&call, (made.key.id, 2), renamed, writer.clone()).await.expect("what is kept is not handed on");
        let strong = create(&call, for_org(terms(&["admin:*"], &[])), all()).await.unwrap();
        assert_eq!(code(revoke(&call, strong.key.id, "x".to_owned(), writer.clone()).await), Some(Code::ScopeMissing));

        let ada = person(&world, "ada@example.org", PlatformRole::User).await;
        assert_eq!(code(create(&call, for_person(ada, terms(&[], &[])), writer).await), Some(Code::ScopeMissing), "it would act as her");
        let root = person(&world, "root@example.org", PlatformRole::Administrator).await;
        let people = holding(&["admin:api-keys:write", "admin:users:write"]);
        assert_eq!(code(create(&call, for_person(root, terms(&[], &[])), people.clone()).await), Some(Code::ScopeMissing));
        create(&call, for_person(ada, terms(&[], &[])), people).await.unwrap();
    }

    async fn a_personal_key_is_what_its_person_is_now(world: World) {
        let (ada, root) = (person(&world, "ada@example.org", PlatformRole::User).await, person(&world, "root@example.org", PlatformRole::Administrator).await);
        let own = |user: Id<User>, scopes: &[&str]| NewKey { whose: Whose::Org(None), ..for_person(user, terms(scopes, &[])) };
        let password = &PASSWORD.into();
        for beyond in ["reports:read", "admin:*", "admin:users:read"] {
            assert_eq!(code(create_own(&by(&world, ada), (ada, password), own(ada, &[beyond])).await), Some(Code::ScopeMissing), "{beyond}");
        }
        let wrong = create_own(&by(&world, ada), (ada, &"wrong".into()), own(ada, &["me:read"])).await;
        assert_eq!(code(wrong), Some(Code::PasswordWrong));
        let mine = create_own(&by(&world, ada), (ada, password), own(ada, &["me:read"])).await.unwrap();
        assert!(mine.secret.expose().starts_with("dw_pk_") && mine.key.user == Some(ada));
        let more = Terms { scopes: ScopeSet::from_names(["me:read", "vault:read"]).unwrap(), ..mine.key.terms.clone() };
        assert_eq!(code(update_own(&by(&world, ada), ada, (mine.key.id, 1), more).await), Some(Code::ScopeMissing));
        assert_eq!(code(find(&world.call(), mine.key.id, Some(root)).await), Some(Code::NotFound), "somebody else's");

        let second = person(&world, "second@example.org", PlatformRole::Administrator).await;
        let strong = create_own(&by(&world, second), (second, password), own(second, &["admin:*", "reports:read"])).await.unwrap();
        assert_eq!(verify(&world.call(), strong.secret.expose()).await.unwrap().scopes.len(), 2);
        let demoted = Change { platform_role: Some(PlatformRole::User), ..Change::default() };
        users::update(&world.local(), second, None, demoted).await.unwrap();
        assert_eq!(told(&world, &strong).await, Some(Code::CredentialRevoked));
        assert_eq!(find(&world.call(), strong.key.id, None).await.unwrap().state(world.call().now), State::Ended);
        let ended = list(&world.call(), ListAsk { state: Some(State::Ended), page: PageAsk { limit: 50, ..PageAsk::default() }, ..ListAsk::default() }).await.unwrap();
        assert_eq!(ended.items.len(), 1);

        users::suspend(&world.local(), ada).await.unwrap();
        assert_eq!(told(&world, &mine).await, Some(Code::CredentialRevoked));
        users::resume(&world.local(), ada).await.unwrap();
        assert_eq!(told(&world, &mine).await, Some(Code::CredentialRevoked), "what was issued before stays over");
        let again = create_own(&by(&world, ada), (ada, password), own(ada, &["me:read"])).await.unwrap();
        users::end(&world.local(), ada).await.unwrap();
        assert_eq!(told(&world, &again).await, Some(Code::CredentialInvalid));
        assert_eq!(code(find(&world.call(), again.key.id, None).await), Some(Code::NotFound));
    }

    async fn only_whom_it_concerns_learns_of_a_key(world: World) {
        let call = world.local();
        let bob = person(&world, "bob@example.org", PlatformRole::User).await;
        let team = users::get(&call, bob).await.unwrap().org;
        let ours = create(&call, for_org(terms(&[], &[("code", &["execute"])])), all()).await.unwrap();
        let theirs = create(&call, NewKey { whose: Whose::Org(Some(team)), ..for_org(terms(&[], &[])) }, all()).await.unwrap();
        let ada = person(&world, "ada@example.org", PlatformRole::User).await;
        let hers = create(&call, for_person(ada, terms(&[], &[])), all()).await.unwrap();
        let (none, wanted) = (Permissions::default(), permissions(&[("code", &["execute"])]));
        let instance = world.realm.instance_org;
        let asked = async |org, made: &WithSecret, wanted: &Permissions| check(&call, org, made.secret.expose(), wanted).await.unwrap();
        assert!(matches!(asked(instance, &ours, &wanted).await, Checked::Valid(_)));
        assert!(matches!(asked(instance, &hers, &wanted).await, Checked::Insufficient));
        assert!(matches!(asked(instance, &hers, &none).await, Checked::Valid(_)));
        assert!(matches!(asked(instance, &theirs, &none).await, Checked::Invalid));
        assert!(matches!(asked(team, &theirs, &none).await, Checked::Valid(_)));
        assert!(matches!(asked(team, &ours, &none).await, Checked::Invalid));
        assert!(matches!(asked(team, &hers, &none).await, Checked::Invalid));
        revoke(&call, ours.key.id, "x".to_owned(), all()).await.unwrap();
        assert!(matches!(asked(instance, &ours, &none).await, Checked::Invalid));
    }
}
