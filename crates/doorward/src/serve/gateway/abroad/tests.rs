use super::*;

#[test]
fn an_id_token_is_for_this_client_and_this_try() {
    let cases = [
        (r#"{"aud":"us","nonce":"n"}"#, true),
        (r#"{"aud":["us"],"nonce":"n"}"#, true),
        (r#"{"aud":["us","them"],"azp":"us","nonce":"n"}"#, true),
        (r#"{"aud":["us","them"],"nonce":"n"}"#, false),
        (r#"{"aud":["us","them"],"azp":"them","nonce":"n"}"#, false),
        (r#"{"aud":"us","azp":"them","nonce":"n"}"#, false),
        (r#"{"aud":"them","nonce":"n"}"#, false),
        (r#"{"aud":"us","nonce":"other"}"#, false),
        (r#"{"aud":"us"}"#, false),
    ];
    for (claims, expect) in cases {
        let read: Claims = serde_json::from_str(claims).unwrap();
        assert_eq!(is_for_us(&read, "us", Some("n")).is_ok(), expect, "{claims}");
    }
    let renewed: Claims = serde_json::from_str(r#"{"aud":"us"}"#).unwrap();
    assert!(is_for_us(&renewed, "us", None).is_ok());
}
