use http::{HeaderName, HeaderValue, header::COOKIE};

use super::*;

fn source_of(headers: &[(&str, &str)], token: &str) -> Source {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap()))
        .collect();
    let ours = url::Url::parse("https://id.example.com").unwrap().origin();
    source(&headers, &ours, true, token)
}

fn check(headers: &[(&str, &str)], token: &str) -> bool {
    source_of(headers, token) == Source::Ours
}

#[test]
fn a_post_of_our_own_form_passes() {
    let cookie = (COOKIE.as_str(), "__Host-doorward_form=v1");
    for site in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://id.example.com")],
        &[],
    ] {
        assert!(check(&[&[cookie], site].concat(), &token("v1")), "{site:?}");
    }
}

#[test]
fn another_site_is_refused_even_with_the_right_token() {
    let cookie = (COOKIE.as_str(), "__Host-doorward_form=v1");
    for site in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://id.example.com")],
        &[("origin", "https://evil.example.com")],
        &[("origin", "http://id.example.com")],
        &[("origin", "null")],
    ] {
        assert!(!check(&[&[cookie], site].concat(), &token("v1")), "{site:?}");
    }
}

#[test]
fn the_token_must_belong_to_one_of_the_cookies() {
    let both = (COOKIE.as_str(), "__Host-doorward=new; __Host-doorward_form=old");
    assert!(check(&[both], &token("new")));
    assert!(check(&[both], &token("old")));
    for wrong in [token("other"), token(""), String::new(), "!".into(), token("new").to_lowercase()] {
        assert!(!check(&[both], &wrong), "{wrong}");
        assert!(!check(&[], &wrong), "{wrong}");
    }
    assert!(!check(&[(COOKIE.as_str(), "__Host-doorward_form=")], &token("")));
    assert!(!check(&[(COOKIE.as_str(), "doorward_form=v1")], &token("v1")), "no prefix on https");
}

#[test]
fn what_is_wrong_with_a_post_is_told_apart() {
    let cookie = (COOKIE.as_str(), "__Host-doorward_form=v1");
    let (here, there) = (("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site"));
    assert_eq!(source_of(&[cookie, here], &token("v1")), Source::Ours);
    assert_eq!(source_of(&[cookie, here], &token("v0")), Source::Stale);
    assert_eq!(source_of(&[cookie, here], ""), Source::Foreign, "no page of ours is without a token");
    assert_eq!(source_of(&[here], &token("v1")), Source::NoCookie);
    assert_eq!(source_of(&[cookie, there], &token("v1")), Source::Foreign);
    assert_eq!(source_of(&[there], ""), Source::Foreign);
}
