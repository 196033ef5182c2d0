//! As many organisations as there are: no cap, and lists that are read a page at a time.

use std::collections::BTreeSet;

use doorward_core::{
    orgs::manage::{self, ListAsk, NewOrg},
    page::PageAsk,
};
use doorward_world::{World, both_engines};
use futures_util::future::try_join_all;

const MANY: usize = 10_000;

both_engines! {
    async fn ten_thousand_organisations_are_listed_a_page_at_a_time(world: World) {
        let local = world.local();
        let numbers: Vec<usize> = (0..MANY).collect();
        for some in numbers.chunks(250) {
            let made = some.iter().map(|number| {
                let (name, slug) = (format!("Org {number}"), Some(format!("org-{number}")));
                manage::create(&local, NewOrg { name, slug, owner: None })
            });
            try_join_all(made).await.unwrap();
        }
        let (mut seen, mut after, mut pages) = (BTreeSet::new(), None, 0);
        loop {
            let page = PageAsk { limit: 500, after, ..PageAsk::default() };
            let found = manage::list(&local, ListAsk { page, is_active: None }).await.unwrap();
            assert!(found.items.len() <= 500);
            pages += 1;
            seen.extend(found.items.into_iter().filter_map(|org| org.slug));
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((seen.len(), pages), (MANY, 21), "with the instance's own");
        for (query, found) in [("org-7777", 1), ("ORG 7777", 1), ("org 777", 11), ("nobody", 0)] {
            let page = PageAsk { limit: 50, query: Some(query.to_owned()), ..PageAsk::default() };
            let all = manage::list(&local, ListAsk { page, is_active: None }).await.unwrap();
            assert_eq!((all.items.len(), all.next), (found, None), "{query}");
        }
    }
}
