//! Stored routes, on both engines: written once, changed at the version seen, told to every node.

use doorward_core::{
    outcome::{Code, Result},
    routes::{all, create, delete, find, update},
};
use doorward_world::{World, both_engines};
use serde_json::{Map, Value as Json, json};

fn spec(value: Json) -> Map<String, Json> {
    value.as_object().unwrap().clone()
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().and_then(|error| error.code())
}

both_engines! {
    async fn a_route_comes_changes_and_goes(world: World) {
        let call = world.local();
        let before = world.realm.db.changes();
        let made = create(&call, spec(json!({"name": "reports", "paths": ["/reports/**"]}))).await.unwrap();
        assert!(world.realm.db.changes() > before, "other nodes learn of it");
        assert_eq!(code(create(&call, spec(json!({"name": "reports"}))).await), Some(Code::Conflict));
        for wrong in [json!({}), json!({"name": ""}), json!({"name": "a/b"}), json!({"name": 1}), json!({"name": made.id.to_string()}), json!({"name": "x".repeat(65)}), json!({"name": "x", "paths": ["/".repeat(17_000)]})] {
            assert_eq!(code(create(&call, spec(wrong.clone())).await), Some(Code::RequestInvalid), "{wrong}");
        }
        let other = create(&call, spec(json!({"name": "other"}))).await.unwrap();
        let taken = spec(json!({"name": "reports"}));
        assert_eq!(code(update(&call, (other.id, 1), taken).await), Some(Code::Conflict));
        let changed = update(&call, (made.id, 1), spec(json!({"name": "papers", "scopes": ["papers:read"]}))).await.unwrap();
        assert_eq!((changed.version, find(&call, "papers").await.unwrap().id), (2, made.id));
        assert_eq!(find(&call, &made.id.to_string()).await.unwrap(), changed);
        assert_eq!(code(find(&call, "reports").await), Some(Code::RouteUnknown));
        assert_eq!(code(update(&call, (made.id, 1), made.spec.clone()).await), Some(Code::VersionMismatch));
        assert_eq!(code(delete(&call, made.id, 1).await), Some(Code::VersionMismatch));
        let mut both = [changed, other];
        both.sort_by_key(|route| route.id);
        assert_eq!(all(&call).await.unwrap(), both);
        let before = world.realm.db.changes();
        delete(&call, made.id, 2).await.unwrap();
        assert!(world.realm.db.changes() > before);
        assert_eq!(code(delete(&call, made.id, 2).await), Some(Code::RouteUnknown));
    }
}
