use doorward_web::api::document;
use serde_json::json;

use super::*;
use crate::config::{Environment, Sources};

fn config(settings: &[(&str, &str)]) -> Config {
    let flags = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Loaded::read(&Sources { file: None, flags }, &Environment::default()).unwrap().config
}

fn spec(value: Json) -> Spec {
    let Json::Object(spec) = value else { panic!("{value}") };
    spec
}

fn route(value: Json) -> Route {
    let spec = spec(value);
    let by = String::new;
    Route {
        id: "rte_01jd8zzzzzzzzzzzzzzzzzzzzz".parse().unwrap(),
        name: spec["name"].as_str().unwrap().to_owned(),
        spec,
        version: 1,
        created_at: doorward_proto::time::Time::default(),
        created_by: by(),
        updated_at: doorward_proto::time::Time::default(),
        updated_by: by(),
    }
}

const PUBLIC: [(&str, &str); 1] = [("public_url", "https://id.example")];

#[test]
fn what_makes_no_sense_is_told_as_the_configuration_tells_it() {
    for (settings, written, field, says) in [
        (&PUBLIC[..], json!({"name": "x", "hosts": ["a b"]}), "hosts", "a b"),
        (&PUBLIC, json!({"name": "x", "paths": ["reports"]}), "paths", "reports"),
        (&PUBLIC, json!({"name": "x", "mode": "open"}), "mode", "unknown variant `open`"),
        (&PUBLIC, json!({"name": "x", "scopes": "reports:read"}), "scopes", "invalid type"),
        (&PUBLIC, json!({"name": "x", "upstream": "127.0.0.1:9000"}), "upstream", "is no application"),
        (
            &PUBLIC,
            json!({"name": "x", "mode": "disabled", "scopes": ["a"], "paths": ["/a"]}),
            "mode",
            "nothing can be demanded",
        ),
        (
            &PUBLIC,
            json!({"name": "x", "hosts": ["id.example"], "upstream": "http://127.0.0.1:1"}),
            "hosts",
            "own host",
        ),
        (&PUBLIC, json!({"name": "x", "timeout": -1}), "timeout", "invalid value"),
        (&PUBLIC, json!({"name": "x", "timeout": 0}), "timeout", "1 to 86400 seconds to begin, not 0"),
        (&PUBLIC, json!({"name": "x", "timeout": 86_401}), "timeout", "1 to 86400 seconds to begin"),
        (&PUBLIC, json!({"name": "x", "mode": "optional"}), "mode", "allow.open_gateway"),
        (&PUBLIC, json!({"name": "default", "mode": "disabled"}), "mode", "allow.open_gateway"),
        (&PUBLIC, json!({"name": "default", "paths": ["/a"]}), "paths", "every request"),
    ] {
        let refused = check(&config(settings), &spec(written.clone())).unwrap_err();
        assert_eq!(
            (refused.code, refused.field.as_deref()),
            (Code::RequestInvalid, Some(field)),
            "{written}"
        );
        assert!(refused.hint.contains(says), "{written}: {}", refused.hint);
    }
    for (settings, written) in [
        (&PUBLIC[..], json!({"name": "open", "paths": ["/public/**"], "mode": "disabled"})),
        (
            &PUBLIC,
            json!({"name": "app", "hosts": ["app.example"], "upstream": "http://127.0.0.1:1", "scopes": ["a"]}),
        ),
        (&[], json!({"name": "all", "mode": "optional"})),
        (&[], json!({"name": "slow", "timeout": 86_400})),
    ] {
        check(&config(settings), &spec(written.clone()))
            .unwrap_or_else(|it| panic!("{written}: {}", it.hint));
    }
}

/// `docs/attacks.md` shows it.
#[test]
fn upstreams_of_the_corpus_are_taken_or_refused_as_it_says() {
    let corpus = include_str!("../../../../../../vectors/attacks/ssrf.json");
    let corpus: Json = serde_json::from_str(corpus).unwrap();
    for case in corpus["upstreams"].as_array().unwrap() {
        let upstream = &case["upstream"];
        for written in [
            json!({"name": "x", "hosts": ["app.example"], "upstream": upstream}),
            json!({"name": "x", "hosts": ["app.example"], "upstreams": ["http://10.0.0.1:1", upstream]}),
        ] {
            let answer = match check(&config(&PUBLIC), &spec(written)) {
                Ok(_) => "taken".to_owned(),
                Err(refusal) => {
                    assert_eq!(refusal.code, Code::RequestInvalid);
                    let hint = refusal.hint.replace(upstream.as_str().unwrap(), "…");
                    format!("refused: {}", hint.split(';').next().unwrap_or_default())
                }
            };
            assert_eq!(Json::from(answer), case["api"], "{upstream}");
        }
        // The operator's file may name whatever can be reached.
        let file = json!([{"name": "x", "hosts": ["app.example"], "upstream": upstream}]).to_string();
        let of_file = match rules(&config(&[PUBLIC[0], ("gateway.routes", &file)])) {
            Ok(()) => "taken",
            Err(_) => "refused",
        };
        assert_eq!(of_file, case["file"], "{upstream}");
    }
}

#[test]
fn a_stored_route_that_is_not_safe_any_more_is_closed() {
    let stored = [
        route(json!({"name": "fixed", "paths": ["/stored"], "mode": "disabled"})),
        route(json!({"name": "own", "hosts": ["id.example"], "upstream": "http://127.0.0.1:1"})),
        route(json!({"name": "open", "mode": "disabled"})),
        route(json!({"name": "later", "paths": ["/later"], "mode": "disabled", "not_known": 1})),
        route(json!({"name": "good", "paths": ["/good"], "mode": "disabled"})),
    ];
    let fixed = r#"[{"name": "fixed", "paths": ["/fixed"]}]"#;
    let config = config(&[PUBLIC[0], ("gateway.routes", fixed)]);
    assert_eq!(config.gateway.routes.1, [spec(json!({"name": "fixed", "paths": ["/fixed"]}))]);
    let (merged, in_force) = merged(&config, &stored);
    assert_eq!(in_force, BTreeSet::from(["good".to_owned()]));
    let modes: Vec<_> = merged
        .gateway
        .routes
        .0
        .iter()
        .map(|it| (&*it.rule.name, it.rule.mode, it.rule.scopes.len(), it.route.upstream.is_some()))
        .collect();
    assert_eq!(
        modes,
        [
            ("fixed", Mode::Required, 0, false),
            ("own", Mode::Required, 1, false),
            ("open", Mode::Required, 1, false),
            ("later", Mode::Required, 1, false),
            ("good", Mode::Disabled, 0, false),
        ]
    );
    rules(&merged).unwrap();
}

#[test]
fn a_stored_route_that_never_counts_is_told_as_that() {
    let stored = [
        route(json!({"name": "same", "hosts": ["app.example"], "paths": ["/a/{id}"], "scopes": ["a"]})),
        route(json!({"name": "first", "hosts": ["app.example"], "paths": ["/b"]})),
        route(json!({"name": "second", "hosts": ["app.example"], "paths": ["/b"], "scopes": ["b"]})),
    ];
    let fixed = r#"[{"name": "fixed", "hosts": ["app.example"], "paths": ["/a/*"]}]"#;
    let config = config(&[PUBLIC[0], ("gateway.routes", fixed)]);
    let (merged, in_force) = merged(&config, &stored);
    assert_eq!(in_force, BTreeSet::from(["first".to_owned()]));
    rules(&merged).unwrap();
    let told = concerns(&merged).into_iter().filter(|it| it.key == "gateway.routes" && !it.refuses);
    let told: Vec<_> = told.map(|it| it.what).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("route second is for nothing: route first "), "{told:?}");
}

/// A new member of routes is one of the API, too.
#[test]
fn the_api_knows_every_member_of_a_route() {
    let document = document().unwrap();
    let described = document.pointer("/components/schemas/NewRoute/properties").unwrap().as_object().unwrap();
    let refused = serde_json::from_value::<RouteSpec>(json!({"?": 1})).unwrap_err().to_string();
    let known = refused.split_once("expected one of").unwrap().1;
    let mut known: BTreeSet<&str> = known.split('`').skip(1).step_by(2).collect();
    known.extend(doorward_gateway::route::OWN);
    let described: BTreeSet<&str> = described.keys().map(String::as_str).collect();
    assert_eq!(described, known);
}
