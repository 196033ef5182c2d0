use super::*;

#[test]
fn only_paths_on_this_server_are_returned_to() {
    for path in ["/account", "/account/sessions?x=1#y", "/oauth2/authorize/resume?draft=drf_1"] {
        assert_eq!(Carry::back_to(path).onward(), path);
    }
    for path in [
        "",
        "account",
        "//evil.example",
        "/\\evil.example",
        "/a\\b",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/ok\r\nSet-Cookie: a=b",
        "/é",
    ] {
        assert_eq!(Carry::back_to(path).onward(), "/account", "{path:?}");
        let query = Serializer::new(String::new()).append_pair("return_to", path).finish();
        assert_eq!(Carry::read(&query).1.onward(), "/account", "{path:?}");
    }
}

#[test]
fn a_draft_comes_before_a_page_and_both_are_carried() {
    let draft = "drf_00000000000000000000000001";
    let query = format!("draft={draft}&return_to=%2Faccount%3Fa%3D1&ui_locales=de%20en");
    let (ui_locales, carry) = Carry::read(&query);
    assert_eq!(ui_locales.as_deref(), Some("de en"));
    assert_eq!(carry.onward(), format!("/oauth2/authorize/resume?draft={draft}"));
    assert_eq!(carry.on("/sign-in"), format!("/sign-in?draft={draft}&return_to=%2Faccount%3Fa%3D1"));
    assert_eq!(Carry::of(carry.asked().as_deref()).draft(), carry.draft());
    assert_eq!(Carry::of(Some("/account/data")).onward(), "/account/data");
    assert_eq!(Carry::of(Some("https://evil.example")).asked(), None);
    assert_eq!(Carry::read("draft=nonsense").1, Carry::default());
    assert_eq!(Carry::default().on("/sign-in"), "/sign-in");
}
