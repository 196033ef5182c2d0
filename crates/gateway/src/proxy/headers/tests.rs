use std::{net::IpAddr, sync::Arc};

use doorward_judge::{Rule, path::NormalPath, rule::RuleSpec};
use http::{Method, header::COOKIE};

use super::*;
use crate::proxy::pool::Pool;

fn onward_of(sent: &[(&str, &str)], change: impl FnOnce(&mut Route)) -> HeaderMap {
    onward_from(sent, (false, &[]), change)
}

fn onward_from(
    sent: &[(&str, &str)],
    (is_trusted, fronts): (bool, &[HeaderName]),
    change: impl FnOnce(&mut Route),
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in sent {
        headers
            .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let mut route = Route::default();
    change(&mut route);
    let rule = Rule::compile(RuleSpec::default()).unwrap();
    let place = "http://127.0.0.1:9000".parse().unwrap();
    let passage = Passage {
        rule: &rule,
        route: Arc::new(route),
        pool: Arc::new(Pool::new(vec![place], Protocol::Auto, None).unwrap()),
        method: Method::GET,
        path: NormalPath::read("/").unwrap(),
        host: HeaderValue::from_static("app.example"),
    };
    let address = IpAddr::from([192, 0, 2, 7]);
    let origin = Origin {
        address,
        is_trusted,
        is_https: true,
        certificate: None,
        request_id: "ref-1".to_owned(),
        hold: None,
        decided: crate::Decided::default(),
    };
    let mut identity = HeaderMap::new();
    set(&mut identity, "x-user-id", "usr_ada");
    set(&mut identity, "x-permissions", "a");
    onward(&mut headers, (&origin, fronts), &passage, &identity);
    headers
}

fn all<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

/// Every spelling that some server reads as one of our headers.
#[test]
fn nobody_says_of_himself_who_he_is() {
    let spellings = |name: &str| {
        vec![
            name.to_owned(),
            name.to_ascii_uppercase(),
            name.replace('-', "_"),
            name.replace('-', "_").to_ascii_uppercase(),
            name.replacen('-', "_", 1),
            name.replace('-', "."),
        ]
    };
    let prefixed = RESERVED_PREFIXES.map(|prefix| format!("{prefix}user"));
    let names = identity_headers::NAMES.iter().chain(&RESERVED).copied();
    for name in names.chain(prefixed.iter().map(String::as_str)) {
        for spelling in spellings(name) {
            let sent = [(spelling.as_str(), "forged"), (spelling.as_str(), "forged again")];
            let headers = onward_of(&sent, |_| {});
            let forged = headers.values().filter(|value| value.to_str().unwrap().contains("forged"));
            assert_eq!(forged.count(), 0, "{spelling}");
        }
    }
    let headers = onward_of(&[("X-User-Id", "admin"), ("x_user_id", "admin")], |_| {});
    assert_eq!(all(&headers, "x-user-id"), ["usr_ada"]);
    assert!(all(&headers, "x-permissions").is_empty(), "an application is told once");
}

#[test]
fn credentials_stay_here_unless_the_route_hands_them_on() {
    let sent = [
        ("authorization", "Bearer x"),
        ("x-api-key", "x"),
        ("X_API_KEY", "x"),
        ("x-chroma-token", "x"),
        ("cookie", "a=1; __Host-doorward=secret; b=2"),
        ("cookie", "DOORWARD_session=secret;c=3; __host-doorward_gate=secret"),
    ];
    let headers = onward_of(&sent, |_| {});
    for name in ["authorization", "x-api-key", "x_api_key", "x-chroma-token"] {
        assert!(all(&headers, name).is_empty(), "{name}");
    }
    assert_eq!(all(&headers, "cookie"), ["a=1; b=2; c=3"]);
    assert!(!onward_of(&[("cookie", "__Host-doorward=x")], |_| {}).contains_key(COOKIE));
    let kept = onward_of(&sent, |route| route.keep_authorization = true);
    assert_eq!(all(&kept, "authorization"), ["Bearer x"]);
    assert_eq!(all(&kept, "cookie"), ["a=1; b=2; c=3"]);
}

#[test]
fn what_proxies_in_front_sign_stays_here() {
    let fronts = [HeaderName::from_static("x-amzn-oidc-data"), HeaderName::from_static("x-front")];
    let names = ["X-Amzn-Oidc-Data", "x_amzn_oidc_data", "X-Front", "X_Front", "Cf-Access-Jwt-Assertion"];
    for name in names.into_iter().chain(["X-Goog-Iap-Jwt-Assertion", "X-Pomerium-Jwt-Assertion"]) {
        let sent = [(name, "signed")];
        for (is_trusted, keeps, goes_on) in
            [(true, false, false), (false, true, false), (false, false, false), (true, true, true)]
        {
            let change = |route: &mut Route| route.keep_authorization = keeps;
            let headers = onward_from(&sent, (is_trusted, &fronts), change);
            let has = headers.values().any(|value| value == "signed");
            assert_eq!(has, goes_on, "{name} {is_trusted} {keeps}");
        }
    }
    // What is said beside it, without a signature, nobody hands on.
    let headers = onward_from(&[("x-amzn-oidc-identity", "ada")], (true, &fronts), |route| {
        route.keep_authorization = true;
    });
    assert!(all(&headers, "x-amzn-oidc-identity").is_empty());
}

#[test]
fn what_is_for_one_connection_ends_with_it() {
    let sent = [
        ("connection", "keep-alive, X-Hop, x-user-id, host, content-length"),
        ("connection", "upgrade"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("transfer_encoding", "chunked"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "Basic x"),
        ("content-length", "3"),
        ("accept", "text/html"),
    ];
    let headers = onward_of(&sent, |route| route.upstream_protocol = Protocol::Http1);
    let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    let ours = [
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "x-request-id",
        "x-user-id",
    ];
    let expect: Vec<&str> = ["accept", "content-length", "host"].into_iter().chain(ours).collect();
    assert_eq!(left, expect);
    // gRPC is not spoken without it.
    let headers = onward_of(&sent, |route| route.upstream_protocol = Protocol::H2c);
    assert_eq!(all(&headers, "te"), ["trailers"]);
}

#[test]
fn where_a_request_came_from_is_said_by_us() {
    let sent = [
        ("host", "app.example"),
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "forged"),
    ];
    let headers = onward_of(&sent, |_| {});
    for (name, value) in [
        // The application's own name is put there with the place that is asked.
        ("host", "app.example"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-real-ip", "192.0.2.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "app.example"),
        ("x-request-id", "ref-1"),
    ] {
        assert_eq!(all(&headers, name), [value], "{name}");
    }
    assert!(!headers.contains_key("forwarded"));
    assert_eq!(all(&onward_of(&sent, |route| route.keep_host = true), "host"), ["app.example"]);
}

#[test]
fn a_trace_goes_on_as_it_came_or_not_at_all() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-holds";
    let state = "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE";
    for (sent, parents, states) in [
        (&[("traceparent", parent), ("tracestate", state)][..], &[parent][..], &[state][..]),
        (&[("traceparent", later), ("tracestate", state)], &[later], &[state]),
        (
            &[("traceparent", parent), ("tracestate", "a=1"), ("tracestate", "b=2")],
            &[parent],
            &["a=1", "b=2"],
        ),
        (&[("traceparent", parent)], &[parent], &[]),
        (&[("traceparent", parent), ("tracestate", "no state")], &[parent], &[]),
        (&[("tracestate", state)], &[], &[]),
        (&[("traceparent", parent), ("traceparent", parent), ("tracestate", state)], &[], &[]),
        (&[("traceparent", "00-0-0-01"), ("tracestate", state)], &[], &[]),
        (&[("traceparent", "\u{e9}"), ("tracestate", state)], &[], &[]),
    ] {
        let headers = onward_of(sent, |_| {});
        assert_eq!(all(&headers, "traceparent"), parents, "{sent:?}");
        assert_eq!(all(&headers, "tracestate"), states, "{sent:?}");
    }
}
