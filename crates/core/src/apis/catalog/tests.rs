use std::collections::BTreeSet;

use doorward_proto::scope::ScopeSet;

use super::*;

/// Every set can be handed out as it is: known names, each once, each in words.
#[test]
fn every_set_is_whole() {
    let names: Vec<&str> = SETS.iter().map(|known| known.name).collect();
    assert_eq!(names, ["orcheo", "mcp", "chroma", "prims"]);
    let counts = SETS.iter().map(|known| known.scopes.len()).collect::<Vec<_>>();
    assert_eq!(counts, [7, 4, 21, 2]);
    for known in SETS {
        let distinct: BTreeSet<_> = known.scopes.iter().map(|(name, _)| *name).collect();
        assert_eq!(distinct.len(), known.scopes.len(), "{}", known.name);
        assert!(ScopeSet::from_names(distinct).is_ok(), "{}", known.name);
        for (name, words) in known.scopes {
            assert!(words.starts_with(char::is_uppercase) && !words.ends_with('.'), "{name}: {words}");
        }
    }
    assert_eq!(describe("collection:query"), Some("Search records"));
    assert_eq!(describe("admin:tokens:read"), Some("See service tokens"), "our own meaning comes first");
    assert_eq!((set("nothing").is_none(), describe("nothing")), (true, None));
}
