//! Lists of the trail: whatever is asked for, in whichever way it is found, is what all events say of it.

use std::time::Duration;

use doorward_core::audit::{self, Entry, Event, Filter, Outcome, Sealer};
use doorward_core::call::Call;
use doorward_proto::id::{self, Id};
use doorward_world::{World, both_engines};

const CODES: [&str; 4] = ["user.signed_in", "user.updated", "userland.entered", "token.issued"];

/// Some of everything, sealed but for the last.
async fn trail(world: &World) -> (Vec<Id<id::Org>>, Vec<Id<id::User>>) {
    let call = world.call();
    let orgs: Vec<Id<id::Org>> = (0..2).map(|_| call.id().unwrap()).collect();
    let people: Vec<Id<id::User>> = (0..3).map(|_| call.id().unwrap()).collect();
    for number in 0..60_usize {
        let call = world.call();
        let code = CODES[number % CODES.len()];
        let event = match number % 5 {
            0 => Event::refused(&call, code, doorward_core::outcome::Code::Forbidden),
            _ => Event::new(&call, code),
        };
        let event = event.unwrap().org(orgs[number % 7 % 2]).subject(people[number % 3]);
        audit::note(&call, event).await.unwrap();
        world.advance(Duration::from_millis(10));
        if number == 55 {
            Sealer::new(&world.realm).unwrap().finish().await.unwrap();
        }
    }
    (orgs, people)
}

fn matches(filter: &Filter, entry: &Entry) -> bool {
    let is = |asked: &Option<String>, said: &str| asked.as_ref().is_none_or(|asked| asked == said);
    let code = filter.code.as_deref().is_none_or(|code| match code.strip_suffix('.') {
        Some(_) => entry.code.starts_with(code),
        None => entry.code == code,
    });
    code && is(&filter.org, &entry.org)
        && is(&filter.subject, &entry.subject)
        && is(&filter.actor, &entry.actor)
        && filter.outcome.is_none_or(|outcome| outcome == entry.outcome)
}

async fn whole(call: &Call, filter: &Filter, page: usize) -> Vec<String> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let found = audit::list(&call.realm, filter.clone(), before, page).await.unwrap();
        let is_last = found.len() < page;
        all.extend(found.into_iter().map(|entry| entry.id));
        if is_last {
            return all;
        }
        before = all.last().cloned();
    }
}

both_engines! {
    async fn every_filter_finds_what_all_events_say(world: World) {
        let (orgs, people) = trail(&world).await;
        let call = world.call();
        let everything = audit::list(&world.realm, Filter::default(), None, 1_000).await.unwrap();
        let codes = [None, Some("user."), Some("user.updated"), Some("none."), Some("none.such"), Some("token.")];
        let texts = |all: Vec<String>| std::iter::once(None).chain(all.into_iter().map(Some)).collect::<Vec<_>>();
        let orgs = texts(orgs.iter().map(ToString::to_string).collect());
        let subjects = texts(people.iter().take(2).map(ToString::to_string).chain(["usr_x".to_owned()]).collect());
        let mut asked = 0;
        for code in codes {
            for org in &orgs {
                for subject in &subjects {
                    for actor in [None, Some("anonymous".to_owned())] {
                        for outcome in [None, Some(Outcome::Refused)] {
                            let filter = Filter {
                                code: code.map(str::to_owned),
                                org: org.clone(),
                                subject: subject.clone(),
                                actor: actor.clone(),
                                outcome,
                                ..Filter::default()
                            };
                            let right: Vec<&Entry> = everything.iter().filter(|it| matches(&filter, it)).collect();
                            let ids: Vec<String> = right.iter().map(|entry| entry.id.clone()).collect();
                            assert_eq!(whole(&call, &filter, 4).await, ids, "{filter:?}");
                            let sealed: Vec<i64> = right.iter().rev().filter_map(|entry| entry.seq).collect();
                            let on = audit::follow(&world.realm, filter.clone(), 0, 1_000).await.unwrap();
                            let on: Vec<Option<i64>> = on.iter().map(|entry| entry.seq).collect();
                            let sealed: Vec<Option<i64>> = sealed.into_iter().map(Some).collect();
                            assert_eq!(on, sealed, "{filter:?}");
                            asked += usize::from(!ids.is_empty());
                        }
                    }
                }
            }
        }
        assert!(asked > 50);
    }
}
