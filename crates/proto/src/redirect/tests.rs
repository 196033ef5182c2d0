use super::*;

fn uri(text: &str) -> RedirectUri {
    text.parse().unwrap()
}

#[test]
fn what_may_be_registered() {
    use RedirectKind::{Https, Loopback, PrivateUse};
    let cases = [
        ("https://app.example/cb", Https),
        ("https://app.example", Https),
        ("https://app.example:8443/cb?tenant=a&b=%2A", Https),
        ("https://[2001:db8::1]/cb", Https),
        ("https://app.example/@me", Https),
        ("http://127.0.0.1/cb", Loopback),
        ("http://127.0.0.1:3000/", Loopback),
        ("http://localhost:8085/callback", Loopback),
        ("http://localhost", Loopback),
        ("http://app.localhost:8080/cb", Loopback),
        ("http://[::1]:1/cb", Loopback),
        ("com.example.app:/oauth2redirect", PrivateUse),
        ("com.example.app://cb/path", PrivateUse),
    ];
    for (text, kind) in cases {
        let uri = uri(text);
        assert_eq!((uri.kind(), uri.as_str()), (kind, text));
        assert!(uri.matches(text));
        let json = serde_json::to_string(&uri).unwrap();
        assert_eq!(serde_json::from_str::<RedirectUri>(&json).unwrap(), uri);
    }
}

#[test]
fn what_may_not() {
    use BadRedirectUri::{Fragment, Malformed, PlainHttp, Scheme, UserInfo, Wildcard};
    let long = format!("https://app.example/{}", "x".repeat(MAX_BYTES));
    let cases = [
        ("", Malformed),
        ("/cb", Malformed),
        ("//app.example/cb", Malformed),
        ("app.example/cb", Malformed),
        ("https://", Malformed),
        ("https:///cb", Malformed),
        ("https:/app.example/cb", Malformed),
        ("https:app.example/cb", Malformed),
        ("https:\\\\app.example/cb", Malformed),
        ("https://app.example\\@evil.example/", Malformed),
        (" https://app.example/cb", Malformed),
        ("https://app.example/c b", Malformed),
        ("https://app.example/\ncb", Malformed),
        ("https://äpp.example/cb", Malformed),
        ("https://:443/", Malformed),
        (&long, Malformed),
        ("https://app.example/cb#", Fragment),
        ("https://app.example/cb#x", Fragment),
        ("https://user@app.example/cb", UserInfo),
        ("https://user:pass@app.example/cb", UserInfo),
        ("https://@app.example/cb", UserInfo),
        ("http://127.0.0.1:1@evil.example/", UserInfo),
        ("com.example.app://user@cb", UserInfo),
        ("https://*.app.example/cb", Wildcard),
        ("https://app.example/*", Wildcard),
        ("http://app.example/cb", PlainHttp),
        ("http://127.0.0.1.evil.example/cb", PlainHttp),
        ("http://localhost.evil.example/cb", PlainHttp),
        ("http://127.0.0.2/cb", PlainHttp),
        ("http://127.1/cb", PlainHttp),
        ("http://0x7f000001/cb", PlainHttp),
        ("http://0.0.0.0/cb", PlainHttp),
        ("http://[::]/cb", PlainHttp),
        ("http://LOCALHOST/cb", PlainHttp),
        ("javascript:alert(1)", Scheme),
        ("JavaScript:alert(1)", Scheme),
        ("data:text/html,x", Scheme),
        ("vbscript:x", Scheme),
        ("file:///etc/passwd", Scheme),
        ("blob:https://app.example/x", Scheme),
        ("about:blank", Scheme),
        ("myapp://cb", Scheme),
        ("urn:ietf:wg:oauth:2.0:oob", Scheme),
        ("ftp://app.example/", Scheme),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<RedirectUri>(), Err(error), "{text}");
    }
}

#[test]
fn only_the_port_of_loopback_is_free() {
    let same = [
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:3000/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:3000/cb", "http://127.0.0.1/cb"),
        ("http://localhost/callback", "http://localhost:8085/callback"),
        ("http://[::1]/cb?a=1", "http://[::1]:65535/cb?a=1"),
        ("http://localhost", "http://localhost:1"),
    ];
    for (registered, requested) in same {
        assert!(uri(registered).matches(requested), "{registered} {requested}");
    }
    let other = [
        ("https://app.example/cb", "https://app.example/cb/"),
        ("https://app.example/cb", "https://app.example/CB"),
        ("https://app.example/cb", "https://APP.example/cb"),
        ("https://app.example/cb", "https://app.example:443/cb"),
        ("https://app.example/cb", "https://app.example/cb?x=1"),
        ("https://app.example/cb", "https://app.example/cb/../evil"),
        ("https://app.example/cb", "https://app.example/%63b"),
        ("https://app.example/cb", "https://app.example.evil/cb"),
        ("https://app.example/cb", "https://app.example/cb#"),
        ("https://app.example/cb", "http://app.example/cb"),
        ("https://app.example/cb", " https://app.example/cb"),
        ("https://app.example/cb", ""),
        ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1:2/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:+1/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
        ("http://127.0.0.1/cb", "http://evil.example:80/cb"),
        ("http://127.0.0.1/cb", "http://localhost:80/cb"),
        ("http://127.0.0.1/cb", "https://127.0.0.1:80/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80/other"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80/cb#x"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80\\@evil.example/cb"),
        ("http://localhost", "http://localhost.evil.example"),
        ("http://localhost/cb", "http://app.localhost/cb"),
        ("http://app.localhost:1/cb", "http://app.localhost:2/cb"),
        ("http://app.localhost/cb", "http://other.localhost/cb"),
        ("https://a/cb?x=1?", "https://a/cb?x=1?&code=a+b%26c&iss=https%3A%2F%2Fid.example"),
        ("https://a/cb?x&", "https://a/cb?x&code=a+b%26c&iss=https%3A%2F%2Fid.example"),
        ("com.example.app:/cb", "com.example.app:/cb2"),
        ("com.example.app:/cb", "COM.example.app:/cb"),
    ];
    for (registered, requested) in other {
        assert!(!uri(registered).matches(requested), "{registered} {requested}");
    }
}

#[test]
fn answers_are_added_to_what_is_there() {
    let answer = [("code", "a b&c"), ("iss", "https://id.example")];
    let cases = [
        ("https://a/cb", "https://a/cb?code=a+b%26c&iss=https%3A%2F%2Fid.example"),
        ("https://a/cb?x=%2F", "https://a/cb?x=%2F&code=a+b%26c&iss=https%3A%2F%2Fid.example"),
        ("https://a/cb?", "https://a/cb?code=a+b%26c&iss=https%3A%2F%2Fid.example"),
        ("https://a/cb?x=1?", "https://a/cb?x=1?&code=a+b%26c&iss=https%3A%2F%2Fid.example"),
        ("https://a/cb?x&", "https://a/cb?x&code=a+b%26c&iss=https%3A%2F%2Fid.example"),
        ("com.example.app:/cb", "com.example.app:/cb?code=a+b%26c&iss=https%3A%2F%2Fid.example"),
    ];
    for (uri, expect) in cases {
        assert_eq!(with_query(uri, answer), expect);
    }
    assert_eq!(with_query("https://a/cb", []), "https://a/cb");
    assert_eq!(with_fragment("https://a/cb?x", [("code", "c")]), "https://a/cb?x#code=c");
}
