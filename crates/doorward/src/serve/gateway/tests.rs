use doorward_web::surface::wire_of;

use super::{providers::is_ours, *};

/// One registry of codes: what the gateway says has its page, its status and its explanation there.
#[test]
fn every_refusal_of_the_gateway_is_a_code_of_the_server() {
    for why in Why::ALL {
        let code = Code::ALL.iter().find(|code| code.name() == why.code());
        let code = *code.unwrap_or_else(|| panic!("{} is no code", why.code()));
        assert_eq!(wire_of(code).status.as_u16(), why.class().status(), "{}", why.code());
    }
}

#[test]
fn only_what_we_have_made_is_ours_to_refuse() {
    let jwt = |claims: &str| {
        let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}.{}", part(r#"{"alg":"ES256"}"#), part(claims), part("signature"))
    };
    let issuer = "https://id.example";
    for (token, expect) in [
        (jwt(r#"{"iss":"https://id.example"}"#), true),
        (jwt(r#"{"iss":"https://id.example/"}"#), false),
        (jwt(r#"{"iss":"https://other.example"}"#), false),
        (jwt(r#"{"sub":"x"}"#), false),
        (jwt("no claims"), false),
        ("dw_at_x".to_owned(), false),
        ("some-key".to_owned(), false),
        (String::new(), false),
    ] {
        assert_eq!(is_ours(&token, issuer), expect, "{token}");
    }
}
