//! Lists of people: by whatever they are narrowed down and found, they are those that are so, in order.

use std::time::Duration;

use doorward_core::{
    call::Call,
    db::{BulkInto, Value},
    page::PageAsk,
    principals::Status,
    users::{self, Email, ListAsk, NewUser, PlatformRole, User},
};
use doorward_proto::id::{self, Id};
use doorward_world::{World, both_engines};

/// More than are looked at one by one.
const MANY: usize = 20_100;

/// An address, a name, a user name, the role, and the texts that find whoever is all that.
type Row = (&'static str, &'static str, Option<&'static str>, PlatformRole, &'static [&'static str]);

async fn person(
    world: &World,
    (address, name, username): (&str, &str, Option<&str>),
    role: PlatformRole,
) -> User {
    let new = NewUser {
        name: Some(name.to_owned()),
        username: username.map(str::to_owned),
        platform_role: role,
        ..NewUser::new(Email::parse(address).unwrap())
    };
    // Ids are in the order of their times.
    world.advance(Duration::from_millis(1));
    users::create(&world.local(), new).await.unwrap()
}

async fn whole(call: &Call, ask: ListAsk) -> Vec<String> {
    let (mut all, mut ask) = (Vec::new(), ListAsk { page: PageAsk { limit: 2, ..ask.page }, ..ask });
    loop {
        let found = users::list(call, ask.clone()).await.unwrap();
        all.extend(found.items.into_iter().map(|user| user.id.to_string()));
        ask.page.after = found.next;
        if ask.page.after.is_none() {
            return all;
        }
    }
}

/// Everybody of these by every filter, as a look at each of them says.
async fn agree(world: &World, people: &[(User, &[&str])]) {
    let call = world.local();
    let folded = ["zoë", "zo", "zz", "l", "nobody"];
    for status in [None, Some(Status::Active), Some(Status::Suspended)] {
        for platform_role in [None, Some(PlatformRole::User), Some(PlatformRole::Administrator)] {
            for query in std::iter::once(None).chain(folded.map(Some)) {
                let right: Vec<String> = people
                    .iter()
                    .filter(|(user, _)| status.is_none_or(|status| user.status == status))
                    .filter(|(user, _)| platform_role.is_none_or(|role| user.platform_role == role))
                    .filter(|(_, texts)| {
                        query.is_none_or(|query| texts.iter().any(|it| it.starts_with(query)))
                    })
                    .map(|(user, _)| user.id.to_string())
                    .collect();
                let page = PageAsk { query: query.map(str::to_owned), ..PageAsk::default() };
                let ask = ListAsk { page, status, platform_role, email: None };
                assert_eq!(whole(&call, ask).await, right, "{status:?} {platform_role:?} {query:?}");
            }
        }
    }
}

both_engines! {
    async fn filters_agree_with_what_people_are(world: World) {
        let (user, admin) = (PlatformRole::User, PlatformRole::Administrator);
        let rows: [Row; 6] = [
            ("lea@example.org", "Zoë Lang", None, user, &["lea@", "zoë lang"]),
            ("zoe@example.org", "Léa", None, user, &["zoe@", "léa"]),
            ("w@example.org", "Wei", Some("ZO-7"), admin, &["w@", "wei", "zo-7"]),
            ("lars@example.org", "Lars", None, admin, &["lars"]),
            ("li@example.org", "Zoë", Some("li"), user, &["li", "zoë"]),
            ("zz@example.org", "Li", None, user, &["zz@", "li"]),
        ];
        let mut people: Vec<(User, &[&str])> = Vec::new();
        for (number, (address, name, username, role, texts)) in rows.into_iter().enumerate() {
            let mut made = person(&world, (address, name, username), role).await;
            if number % 2 == 1 {
                made = users::suspend(&world.local(), made.id).await.unwrap();
            }
            people.push((made, texts));
        }
        agree(&world, &people).await;
        // Very many who were deleted since: they are found by their names first, and nobody is shown them.
        let (now, org) = (world.call().now, world.realm.instance_org);
        let ids: Vec<Id<id::User>> = (0..MANY).map(|_| world.call().id().unwrap()).collect();
        let principals = ids.iter().map(|id| vec![(*id).into(), 0_i64.into(), org.into(), 2_i64.into(), now.into()]);
        let users = ids.iter().enumerate().map(|(number, id)| {
            let name = format!("zz-{number}");
            vec![(*id).into(), name.clone().into(), name.into(), now.into(), now.into()]
        });
        for (table, columns, rows) in [
            ("principals", ["id", "kind", "org_id", "status", "created_at"], principals.collect::<Vec<Vec<Value<'static>>>>()),
            ("users", ["id", "name", "name_folded", "created_at", "updated_at"], users.collect()),
        ] {
            world.realm.db.bulk("very many", BulkInto::new(table, &columns), rows).await.unwrap();
        }
        agree(&world, &people).await;
    }
}
