use super::*;

#[test]
fn on_https_the_prefix_and_secure_are_set_and_on_loopback_neither() {
    let https = Cookie::Browser.set(true, "dw_bc_x", Some(Duration::from_mins(1))).unwrap();
    assert_eq!(
        https.to_str().unwrap(),
        "__Host-doorward=dw_bc_x; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
    );
    let loopback = Cookie::Form.set(false, "abc", None).unwrap();
    assert_eq!(loopback.to_str().unwrap(), "doorward_form=abc; Path=/; HttpOnly; SameSite=Lax");
    assert!(https.is_sensitive());
    assert_eq!(
        Cookie::Browser.clear(false).to_str().unwrap(),
        "doorward_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    );
}

#[test]
fn a_value_cannot_add_attributes() {
    for value in ["a;Domain=evil.example", "a b", "a\r\nX: y", "a,b", "é"] {
        assert!(Cookie::Done.set(true, value, None).is_none(), "{value}");
    }
}

#[test]
fn the_exact_name_is_read_among_others() {
    let mut headers = HeaderMap::new();
    headers.append(COOKIE, HeaderValue::from_static("x=1; doorward_form=first; doorward_form=second"));
    headers.append(COOKIE, HeaderValue::from_static("doorward_session=s=1;a"));
    assert_eq!(Cookie::Form.read(&headers, false), Some("first"));
    assert_eq!(Cookie::Browser.read(&headers, false), Some("s=1"));
    assert_eq!(Cookie::Browser.read(&headers, true), None);
}
