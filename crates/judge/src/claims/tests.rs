use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    claims: Map<String, Value>,
    expect: Expect,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Expect {
    subject: String,
    identity_type: String,
    scopes: Vec<String>,
    workspace_ids: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    agent_id: Option<String>,
}

/// The table that every SDK runs.
#[test]
fn claims_are_told_in_one_way() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../../../vectors/claims.json")).unwrap();
    assert!(vectors.len() > 30);
    for Vector { name, claims, expect } in vectors {
        let found = Identity::of(&claims);
        let texts = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>();
        let found = Expect {
            subject: found.subject,
            identity_type: found.kind.name().to_owned(),
            workspace_ids: found.workspaces.iter().map(str::to_owned).collect(),
            scopes: texts(found.scopes),
            permissions: texts(found.permissions),
            roles: texts(found.roles),
            agent_id: found.agent_id,
        };
        assert_eq!(found, expect, "{name}");
    }
}

#[test]
fn an_empty_list_of_workspaces_opens_none() {
    let of = |claims: Value| workspaces(claims.as_object().unwrap());
    assert!(!of(json!({})).contains("ws-a"));
    assert!(!of(json!({ "workspace_ids": [] })).contains("ws-a"));
    assert!(of(json!({ "workspace_ids": ["*"] })).contains("ws-a"));
    let named = of(json!({ "workspace_ids": ["WS-A "] }));
    assert!(named.contains("ws-a") && named.contains(" Ws-A") && !named.contains("ws-b"));
}

#[test]
fn what_is_nested_too_deeply_or_too_long_counts_for_nothing() {
    let mut deep = json!("files:read");
    for _ in 0..20 {
        deep = json!([deep]);
    }
    let many: Vec<String> = (0..5_000).map(|n| format!("scope:{n}")).collect();
    for (value, most) in [(deep, 0), (json!("x".repeat(300)), 0), (json!(many), MOST)] {
        let claims = json!({ "scope": value });
        assert_eq!(Identity::of(claims.as_object().unwrap()).scopes.len(), most);
    }
}

#[test]
fn no_claims_break_the_reader() {
    let corpus: &[&[u8]] = &[
        br#"{"sub":"a","scope":"a b","orcheo":{"scopes":["c",{"d":true}],"workspace_ids":"[\"x\"]"}}"#,
        br#"{"scp":[[["a"]],1,null,true],"typ":"Client","act":{"sub":"agt_1","act":{"sub":"agt_2"}}}"#,
    ];
    doorward_fuzz::fuzz("claims", corpus, |input| {
        let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(input) else { return false };
        let found = Identity::of(&claims);
        assert!(found.scopes.iter().all(|scope| is_scope_name(scope)));
        assert!(found.workspaces.iter().all(is_plain));
        !found.scopes.is_empty()
    });
}
