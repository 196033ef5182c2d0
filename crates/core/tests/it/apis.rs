//! APIs: made, changed, found and ended.

use doorward_proto::jose::Alg;
use doorward_world::{World, both_engines};

use doorward_core::apis::{
    ListAsk, NewApi, Scope, Settings, TokenFormat, create, end, find, get, list, update,
};
use doorward_core::{outcome::Code, page::PageAsk};

fn settings(name: &str) -> Settings {
    let scope = |name: &str| Scope { name: name.to_owned(), description: String::new() };
    Settings {
        name: name.to_owned(),
        signing_alg: Alg::ES256,
        token_format: TokenFormat::Jwt,
        access_ttl: None,
        scopes: vec![scope("read"), scope("write")],
    }
}

fn new(identifier: &str, name: &str) -> NewApi {
    NewApi { identifier: identifier.to_owned(), org: None, settings: settings(name) }
}

both_engines! {
    async fn an_api_is_made_changed_and_ended(world: World) {
        let call = world.local();
        let api = create(&call, new("https://api.example/", "Files")).await.unwrap();
        assert_eq!(find(&call, "https://api.example/").await.unwrap().as_deref(), Some(&api));
        assert!(api.has_scope("write") && !api.has_scope("admin"));
        let taken = create(&call, new("https://api.example/", "Other")).await.unwrap_err();
        assert_eq!(taken.code(), Some(Code::Conflict));
        let changed = Settings { signing_alg: Alg::RS256, scopes: Vec::new(), ..settings("Files 2") };
        let api = update(&call, api.id, api.version, changed.clone()).await.unwrap();
        assert_eq!((api.signing_alg, api.version, api.scopes.len()), (Alg::RS256, 2, 0));
        let stale = update(&call, api.id, 1, changed).await.unwrap_err();
        assert_eq!(stale.code(), Some(Code::VersionMismatch));
        end(&call, api.id).await.unwrap();
        assert_eq!(get(&call, &api.id.to_string()).await.unwrap_err().code(), Some(Code::NotFound));
    }

    async fn apis_are_found_by_name_identifier_and_id(world: World) {
        let call = world.local();
        for (identifier, name) in [("orcheo-api", "Orcheo"), ("https://files.example", "Files"), ("fi-2", "Zoo")] {
            create(&call, new(identifier, name)).await.unwrap();
        }
        let files = get(&call, "https://files.example").await.unwrap();
        let by = async |query: &str| -> Vec<String> {
            let page = PageAsk { after: None, limit: 10, query: Some(query.to_owned()) };
            let found = list(&call, ListAsk { page, org: None }).await.unwrap();
            found.items.into_iter().map(|api| api.identifier).collect()
        };
        assert_eq!(by("orc").await, ["orcheo-api"]);
        assert_eq!(by("FI").await, ["https://files.example"], "names fold, identifiers do not");
        assert_eq!(by("fi").await, ["https://files.example", "fi-2"]);
        assert_eq!(by(&files.id.to_string()).await, ["https://files.example"]);
        let page = PageAsk { after: None, limit: 2, query: None };
        let first = list(&call, ListAsk { page, org: Some(files.org) }).await.unwrap();
        assert_eq!(first.items.len(), 2);
        let page = PageAsk { after: first.next, limit: 2, query: None };
        let rest = list(&call, ListAsk { page, org: Some(files.org) }).await.unwrap();
        assert_eq!((rest.items.len(), rest.next), (1, None));
    }

    async fn identifiers_are_uris_or_plain_names(world: World) {
        let call = world.local();
        for wrong in ["", "ab", "a b c", "https://x.example/#f", "https://id.example", "/relative/path"] {
            let refused = create(&call, new(wrong, "X")).await.unwrap_err();
            assert_eq!(refused.code(), Some(Code::RequestInvalid), "{wrong}");
        }
    }
}
