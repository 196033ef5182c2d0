use super::*;

#[test]
fn the_return_address_is_shown_as_a_person_can_judge_it() {
    let text = Text::fallback();
    for (uri, shown) in [
        ("https://orders.example.com:8443/cb?x=1", "orders.example.com"),
        ("http://127.0.0.1:49152/cb", "127.0.0.1 (this device)"),
        ("http://[::1]:49152/cb", "[::1] (this device)"),
        ("http://localhost/cb", "localhost (this device)"),
        ("com.example.app:/cb", "an installed application (com.example.app)"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "an installed application (cursor)"),
    ] {
        assert_eq!(returns_to(text, uri), shown);
    }
}

#[test]
fn a_scope_is_said_in_words_where_somebody_wrote_them() {
    let wish = |scope, words| {
        let Wish { title, detail, is_whole } = Wish::of_scope(Text::fallback(), scope, words);
        assert_eq!(is_whole, scope == "admin:*");
        (title, detail)
    };
    let said = |title: &str, detail: &str| (title.to_owned(), detail.to_owned());
    assert_eq!(wish("email", ""), said("See your email address", ""));
    let whole = "Manage this whole server: every person, organisation, application and setting";
    assert_eq!(wish("admin:*", "Everything"), said(whole, "admin:*"));
    assert_eq!(wish("orders:read", "Read orders"), said("Read orders", "orders:read"));
    assert_eq!(wish("orders:read", ""), said("orders:read", ""));
}
