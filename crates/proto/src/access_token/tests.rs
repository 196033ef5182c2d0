use serde_json::json;

use super::*;

fn full() -> AccessTokenClaims {
    let mut extra = Map::new();
    extra.insert("https://acme.example/plan".into(), json!({"tier": 3}));
    AccessTokenClaims {
        iss: "https://id.example".into(),
        sub: "usr_1".into(),
        aud: "https://api.example".into(),
        exp: 600,
        iat: 0,
        nbf: Some(0),
        jti: "jti_1".into(),
        client_id: "app".into(),
        scope: "openid read".parse().unwrap(),
        auth_time: Some(-5),
        acr: Some("1".into()),
        amr: vec!["pwd".into()],
        sid: Some("ses_1".into()),
        tenant_id: Some("org_1".into()),
        org_role: Some("owner".into()),
        roles: vec!["editor".into()],
        permissions: vec!["a:b".into()],
        role: Some("user".into()),
        workspace_ids: vec!["ws".into()],
        token_use: Some(TokenUse::User),
        cnf: Some(Confirmation { jkt: Some("k".into()), x5t_s256: Some("c".into()) }),
        authorization_details: Some(AuthorizationDetails::parse(r#"[{"type":"pay"}]"#).unwrap()),
        act: Some(Actor {
            sub: "agt_1".into(),
            iss: None,
            act: Some(Box::new(Actor { sub: "agt_2".into(), iss: None, act: None })),
        }),
        may_act: Some(Actor { sub: "agt_3".into(), iss: None, act: None }),
        grant_id: Some("grt_1".into()),
        is_anonymous: true,
        txn: Some("t".into()),
        extra,
    }
}

#[test]
fn every_claim_travels_under_its_name() {
    let value = serde_json::to_value(full()).unwrap();
    assert_eq!(
        value,
        json!({
            "iss": "https://id.example", "sub": "usr_1", "aud": "https://api.example", "exp": 600, "iat": 0, "nbf": 0,
            "jti": "jti_1", "client_id": "app", "scope": "openid read", "auth_time": -5, "acr": "1", "amr": ["pwd"],
            "sid": "ses_1", "tenant_id": "org_1", "org_role": "owner", "roles": ["editor"], "permissions": ["a:b"],
            "role": "user", "workspace_ids": ["ws"], "token_use": "user", "cnf": {"jkt": "k", "x5t#S256": "c"},
            "authorization_details": [{"type": "pay"}], "act": {"sub": "agt_1", "act": {"sub": "agt_2"}},
            "may_act": {"sub": "agt_3"}, "grant_id": "grt_1", "is_anonymous": true, "txn": "t", "https://acme.example/plan": {"tier": 3}
        })
    );
    assert_eq!(serde_json::from_value::<AccessTokenClaims>(value).unwrap(), full());
}

#[test]
fn what_is_absent_is_left_out() {
    let value = serde_json::to_value(AccessTokenClaims::default()).unwrap();
    let mut names: Vec<&String> = value.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["aud", "client_id", "exp", "iat", "iss", "jti", "sub"]);
}

#[test]
fn no_custom_claim_may_pose_as_ours() {
    let value = serde_json::to_value(full()).unwrap();
    for name in value.as_object().unwrap().keys().filter(|name| !name.contains(':')) {
        assert!(!is_free_claim_name(name), "{name}");
    }
    assert!(!is_free_claim_name("Scope") && !is_free_claim_name("ROLES"));
    assert!(is_free_claim_name("department") && is_free_claim_name("https://acme.example/plan"));
    assert!(!is_free_claim_name("") && !is_free_claim_name("a\nb") && !is_free_claim_name(&"x".repeat(129)));
}
