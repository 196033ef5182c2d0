use serde_json::json;

use super::*;

const SITE: Site<'static> = Site { host: "app.example", is_https: true };
const NOW: Time = Time::from_seconds(1_800_000_000);

/// A method, headers, and whether.
type Case<'c> = (&'c str, &'c [(&'static str, &'c str)], bool);

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn sealer() -> Sealer {
    Sealer::new(&[7; 32]).unwrap()
}

fn cookie(site: Site<'_>, since: i64, until: i64) -> String {
    let session = json!({ "t": "token", "i": since, "e": until, "s": since });
    sealer().seal(&cookie::gate(site), &session).unwrap()
}

#[test]
fn a_session_is_for_one_host_until_its_end() {
    let now = NOW.as_seconds();
    let good = cookie(SITE, now - 60, now + 60);
    let kept = |name: &str, value: &str| headers(&[("cookie", &format!("a=b; {name}={value}"))]);
    let seen = |headers: &HeaderMap, site| sealer().session(headers, site, NOW);
    let held = seen(&kept("__Host-doorward_gate", &good), SITE).unwrap();
    assert_eq!(held.token.expose(), "token");
    assert!(!held.is_new);
    assert_eq!(held.scheme, Scheme::Session);
    let of_id_token = json!({ "t": "token", "d": true, "i": now, "e": now + 60, "s": now });
    let of_id_token = sealer().seal(&cookie::gate(SITE), &of_id_token).unwrap();
    assert_eq!(seen(&kept("__Host-doorward_gate", &of_id_token), SITE).unwrap().scheme, Scheme::IdToken);

    let other = Site { host: "other.example", is_https: true };
    assert!(seen(&kept("__Host-doorward_gate", &good), other).is_none());
    assert!(seen(&kept("__Host-doorward_gate", &cookie(SITE, now - 60, now)), SITE).is_none());
    // Anybody on the way could have set one without the prefix.
    assert!(seen(&kept("doorward_gate", &good), SITE).is_none());
    let twice = format!("{good}; __Host-doorward_gate={good}");
    assert!(seen(&kept("__Host-doorward_gate", &twice), SITE).is_none());
    for changed in
        [good.replace(&good[20..22], "AA"), good[..40].to_owned(), String::new(), "x".repeat(5_000)]
    {
        assert!(seen(&kept("__Host-doorward_gate", &changed), SITE).is_none());
    }
    assert!(
        Sealer::new(&[8; 32]).unwrap().session(&kept("__Host-doorward_gate", &good), SITE, NOW).is_none()
    );
}

#[test]
fn browsers_are_told_from_machines() {
    let page = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let cases: [Case<'_>; 8] = [
        ("GET", &[page], true),
        ("HEAD", &[page], true),
        ("GET", &[page, ("sec-fetch-mode", "navigate")], true),
        ("GET", &[page, ("sec-fetch-mode", "cors")], false),
        ("GET", &[page, ("x-requested-with", "XMLHttpRequest")], false),
        ("POST", &[page], false),
        ("GET", &[("accept", "*/*")], false),
        ("GET", &[("accept", "application/json, text/htmlx")], false),
    ];
    for (method, pairs, expected) in cases {
        assert_eq!(is_browser(method, &headers(pairs)), expected, "{method} {pairs:?}");
    }
}

#[test]
fn pages_of_other_sites_do_nothing_in_somebodys_name() {
    let cases: [Case<'_>; 12] = [
        ("POST", &[("origin", "https://app.example")], true),
        ("POST", &[("origin", "https://evil.example")], false),
        ("POST", &[("origin", "https://sibling.app.example")], false),
        ("POST", &[("origin", "http://app.example")], false),
        ("POST", &[("origin", "null")], false),
        ("POST", &[], true),
        ("DELETE", &[("sec-fetch-site", "same-site")], false),
        ("DELETE", &[("sec-fetch-site", "same-origin")], true),
        ("GET", &[("origin", "https://evil.example")], true),
        ("GET", &[("origin", "https://app.example"), ("sec-websocket-key", "x")], true),
        ("GET", &[("origin", "https://sibling.app.example"), ("sec-websocket-key", "x")], false),
        ("GET", &[("sec-fetch-site", "same-site"), ("upgrade", "websocket")], false),
    ];
    for (method, pairs, expected) in cases {
        assert_eq!(check_page(method, &headers(pairs), SITE).is_ok(), expected, "{method} {pairs:?}");
    }
}
