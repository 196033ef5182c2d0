use super::*;

fn address(uri: &str, websocket_query: bool) -> (Vec<String>, Vec<String>, String) {
    let uri: Uri = uri.parse().unwrap();
    let Address { tokens, tickets, rest } =
        Address::read(&uri, &Route { websocket_query, ..Route::default() });
    (tokens, tickets, rest.unwrap_or(uri).to_string())
}

#[test]
fn what_opens_something_is_taken_out_of_the_address() {
    for (uri, takes_tokens, tokens, tickets, rest) in [
        ("/ws?a=1&token=x.y&b=%2F..", true, vec!["x.y"], vec![], "/ws?a=1&b=%2F.."),
        ("/ws?access_token=x%3D%3D", true, vec!["x=="], vec![], "/ws"),
        ("/ws?%74oken=x&token=y", true, vec!["x", "y"], vec![], "/ws"),
        ("/ws?token=x&Token=y", true, vec!["x"], vec![], "/ws?Token=y"),
        ("http://a.example/ws?token=x", true, vec!["x"], vec![], "http://a.example/ws"),
        ("/ws?token=x", false, vec![], vec![], "/ws?token=x"),
        ("/ws?ticket=dw_ws_abc&x", false, vec![], vec!["dw_ws_abc"], "/ws?x"),
        ("/ws?ticket=seat-4", true, vec![], vec![], "/ws?ticket=seat-4"),
        ("/ws", true, vec![], vec![], "/ws"),
    ] {
        let texts = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(address(uri, takes_tokens), (texts(tokens), texts(tickets), rest.to_owned()), "{uri}");
    }
}

#[test]
fn a_credential_among_the_protocols_is_never_offered_on() {
    for (offered, tokens, rest, selected) in [
        (vec!["orcheo-auth, bearer.a.b"], vec!["Bearer a.b"], Some("orcheo-auth"), Some("orcheo-auth")),
        (vec!["bearer.a", "chat, v2"], vec!["Bearer a"], Some("chat, v2"), Some("chat")),
        (vec!["bearer.a"], vec!["Bearer a"], None, None),
        (vec!["bearer.a,bearer.b"], vec!["Bearer a", "Bearer b"], None, None),
        (vec!["chat , v2"], vec![], Some("chat , v2"), None),
        (vec!["Bearer.a"], vec![], Some("Bearer.a"), None),
        (vec![], vec![], None, None),
    ] {
        let mut headers = HeaderMap::new();
        for value in &offered {
            headers.append(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(value));
        }
        let (mut credentials, mut found) = (Vec::new(), Found::default());
        take_from_protocols(&mut headers, &mut credentials, &mut found).unwrap();
        let credentials: Vec<_> = credentials.iter().map(|(_, value)| value.to_str().unwrap()).collect();
        assert_eq!(credentials, tokens, "{offered:?}");
        let left = headers.get(header::SEC_WEBSOCKET_PROTOCOL).map(|value| value.to_str().unwrap());
        assert_eq!(left, rest, "{offered:?}");
        assert_eq!(found.protocol.as_ref().map(|value| value.to_str().unwrap()), selected, "{offered:?}");
    }
}

#[test]
fn a_page_is_our_own_when_it_comes_from_the_host_that_is_asked() {
    for (page, is_https, expect) in [
        (Some("http://app.example:8080"), false, true),
        (Some("https://app.example:8080"), false, true),
        (Some("https://APP.example:8080"), true, true),
        (Some("http://app.example:8080"), true, false),
        (Some("http://app.example"), false, false),
        (Some("http://evil.example"), false, false),
        (Some("http://app.example:8080.evil.example"), false, false),
        (Some("null"), false, false),
        (Some("file://app.example:8080"), false, false),
        (None, false, false),
    ] {
        let mut headers =
            HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("app.example:8080"))]);
        if let Some(page) = page {
            headers.insert(header::ORIGIN, HeaderValue::from_static(page));
        }
        let origin = Origin {
            address: [127, 0, 0, 1].into(),
            is_trusted: false,
            is_https,
            certificate: None,
            request_id: String::new(),
            hold: None,
            decided: crate::Decided::default(),
        };
        assert_eq!(is_own_page(&headers, &origin), expect, "{page:?}");
    }
}
