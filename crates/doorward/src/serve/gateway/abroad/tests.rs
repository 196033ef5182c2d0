use super::*;

/// Claims about Ada, with these in their place.
fn claims(text: &str) -> Claims {
    let mut all = json!({ "iss": "https://id.example", "sub": "ada" });
    let other: serde_json::Map<_, _> = serde_json::from_str(text).unwrap();
    all.as_object_mut().unwrap().extend(other);
    serde_json::from_value(all).unwrap()
}

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
    for (text, expect) in cases {
        assert_eq!(is_for_us(&claims(text), "us", Some("n")).is_ok(), expect, "{text}");
    }
    assert!(is_for_us(&claims(r#"{"aud":"us"}"#), "us", None).is_ok());
    assert!(serde_json::from_str::<Claims>(r#"{"iss":"https://id.example","aud":"us"}"#).is_err());
}

#[test]
fn a_renewed_id_token_is_of_the_same_person_by_the_same_issuer_to_the_same_client() {
    let first = whose(&claims(r#"{"aud":["us","them"]}"#));
    for (text, is_same) in [
        (r#"{"aud":["them","us"],"nonce":"n","azp":"us"}"#, true),
        (r#"{"aud":["us","them"],"sub":"eve"}"#, false),
        (r#"{"aud":["us","them"],"iss":"https://other.example"}"#, false),
        (r#"{"aud":"us"}"#, false),
        (r#"{"aud":["us","them","her"]}"#, false),
    ] {
        assert_eq!(whose(&claims(text)) == first, is_same, "{text}");
    }
    assert_eq!(whose(&claims(r#"{"aud":"us"}"#)), whose(&claims(r#"{"aud":["us"]}"#)));
}
