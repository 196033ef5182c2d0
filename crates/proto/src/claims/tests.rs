use serde_json::json;

use super::*;

#[test]
fn the_example_of_the_specification() {
    let text = r#"{"userinfo":{"given_name":{"essential":true},"nickname":null,"email":{"essential":true},
        "email_verified":{"essential":true},"picture":null,"http://example.info/claims/groups":null},
        "id_token":{"auth_time":{"essential":true},"acr":{"values":["urn:mace:incommon:iap:silver"]}}}"#;
    let claims = ClaimsRequest::parse(text).unwrap();
    assert_eq!(claims.userinfo.len(), 6);
    assert!(claims.userinfo["email"].essential && !claims.userinfo["picture"].essential);
    let acr = &claims.id_token["acr"];
    assert!(acr.accepts(&json!("urn:mace:incommon:iap:silver")) && !acr.accepts(&json!("0")));
    assert!(claims.id_token["auth_time"].accepts(&json!(7)));
    let stored = serde_json::to_string(&claims).unwrap();
    assert_eq!(serde_json::from_str::<ClaimsRequest>(&stored).unwrap(), claims);
}

#[test]
fn a_named_value_is_the_only_one() {
    let claims = ClaimsRequest::parse(r#"{"id_token":{"sub":{"value":"usr_1"}},"future":[1]}"#).unwrap();
    assert!(claims.id_token["sub"].accepts(&json!("usr_1")));
    assert!(!claims.id_token["sub"].accepts(&json!("usr_2")));
    assert_eq!(ClaimsRequest::parse("{}"), Ok(ClaimsRequest::default()));
    assert_eq!(ClaimsRequest::parse(r#"{"userinfo":null}"#), Ok(ClaimsRequest::default()));
}

#[test]
fn what_is_refused() {
    let many: Map<String, Value> = (0..=MAX_CLAIMS).map(|n| (n.to_string(), Value::Null)).collect();
    let long = format!(r#"{{"userinfo":{{"a":{{"value":"{}"}}}}}}"#, "x".repeat(8192));
    let cases = [
        "",
        "[]",
        "null",
        "x",
        r#"{"userinfo":[]}"#,
        r#"{"userinfo":"email"}"#,
        r#"{"userinfo":{"email":true}}"#,
        r#"{"userinfo":{"email":{"essential":"yes"}}}"#,
        r#"{"userinfo":{"email":{"values":"x"}}}"#,
        r#"{"userinfo":{"email":null,"email":null}}"#,
        r#"{"userinfo":{"a":{"value":[[[[1]]]]}}}"#,
        &json!({ "id_token": many }).to_string(),
        &long,
    ];
    for case in cases {
        assert!(ClaimsRequest::parse(case).is_err(), "{case}");
    }
}
