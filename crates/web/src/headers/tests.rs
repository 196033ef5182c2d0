use super::*;

fn form_action(uri: &str) -> String {
    let policy = Policy::new().form_may_end_at(&Url::parse(uri).unwrap()).value();
    policy.to_str().unwrap().split("form-action ").nth(1).unwrap().to_owned()
}

#[test]
fn a_form_may_end_at_the_origin_or_scheme_of_the_redirect_uri() {
    for (uri, expect) in [
        ("https://orders.example.com/cb?x=1", "'self' https://orders.example.com"),
        ("https://orders.example.com:8443/cb", "'self' https://orders.example.com:8443"),
        ("http://127.0.0.1:49152/cb", "'self' http://127.0.0.1:49152"),
        ("http://[::1]:49152/cb", "'self' http:"),
        ("com.example.app:/cb", "'self' com.example.app:"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "'self' cursor:"),
    ] {
        assert_eq!(form_action(uri), expect, "{uri}");
    }
}

#[test]
fn the_policy_never_allows_inline_code_or_framing() {
    let policy = Policy::new().frame(&Url::parse("https://a.example/out").unwrap()).value();
    let policy = policy.to_str().unwrap();
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.ends_with("frame-src https://a.example"), "{policy}");
}

#[test]
fn pages_are_neither_stored_nor_framed() {
    let mut headers = HeaderMap::new();
    secure(&mut headers);
    assert_eq!(headers[CACHE_CONTROL], "no-store");
    assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
    assert!(headers.contains_key(CONTENT_SECURITY_POLICY));
}

#[test]
fn what_a_handler_has_set_stays() {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    secure(&mut headers);
    assert_eq!(headers[CACHE_CONTROL], "public, max-age=31536000, immutable");
}
