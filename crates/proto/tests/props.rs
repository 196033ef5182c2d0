//! What must hold for all inputs of a kind, tried on some hundred.

#![expect(clippy::unwrap_used, reason = "a test: clippy only excuses functions that are marked as one")]

use std::sync::LazyLock;

use doorward_proto::{
    client_auth::{Credentials, Presented, presented},
    form::Params,
    id::{Grant, Id},
    jose::{Alg, SigningKey, Typ, Unverified, VerifyingKey},
    json::{Limits, parse_value},
    pkce::{Challenge, Verifier},
    redirect::{RedirectUri, with_query},
    scope::ScopeSet,
    secret::{Kind, Opaque},
    time::Time,
};
use proptest::prelude::*;
use url::form_urlencoded;

static KEYS: LazyLock<Vec<(SigningKey, VerifyingKey)>> = LazyLock::new(|| {
    let pair = |alg| {
        let key = SigningKey::generate(alg).unwrap();
        let public = key.verifying_key().unwrap();
        (key, public)
    };
    vec![pair(Alg::EdDSA), pair(Alg::ES256)]
});

/// Text without the one character that is refused everywhere.
fn words() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn scopes() -> impl Strategy<Value = ScopeSet> {
    proptest::collection::vec("[!#-\\[\\]-~]{1,8}", 0..8)
        .prop_map(|names| ScopeSet::from_names(names.iter().map(String::as_str)).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does(payload in any::<Vec<u8>>(), at in any::<usize>(), bit in 0..6_u8) {
        for (key, public) in KEYS.iter() {
            let token = key.sign_jwt(Typ::AccessToken, &payload).unwrap();
            let read = Unverified::decode(&token).unwrap();
            let verified = read.into_verified(public, Typ::AccessToken).unwrap();
            prop_assert_eq!(verified.payload(), &payload[..]);
            let mut bytes = token.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            let verified = Unverified::decode(&changed).and_then(|read| read.into_verified(public, Typ::AccessToken));
            prop_assert!(verified.is_err(), "{} passes for {}", changed, token);
        }
    }

    #[test]
    fn forms_round_trip(pairs in proptest::collection::vec((words(), words()), 0..20)) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let params = Params::parse(body.as_bytes(), usize::MAX).unwrap();
        let read: Vec<(String, String)> = params.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn sets_of_scopes_obey_their_algebra(a in scopes(), b in scopes()) {
        let (both, either, only) = (a.intersect(&b), a.union(&b), a.without(&b));
        prop_assert!(both.is_subset(&a) && both.is_subset(&b));
        prop_assert!(a.is_subset(&either) && b.is_subset(&either));
        prop_assert_eq!(only.union(&both), a.clone());
        prop_assert!(only.intersect(&b).is_empty());
        prop_assert_eq!(either.len(), a.len() + b.len() - both.len());
        prop_assert_eq!(a.as_str().parse::<ScopeSet>().unwrap(), a);
    }

    #[test]
    fn basic_credentials_are_among_the_readings(id in "[^:\0]{1,20}", secret in "[^\0]{0,30}", encoded in any::<bool>()) {
        let encode = |text: &str| {
            if encoded { form_urlencoded::byte_serialize(text.as_bytes()).collect() } else { text.to_owned() }
        };
        let pair = format!("{}:{}", encode(&id), encode(&secret));
        let header = format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes()));
        let Ok(Presented::Basic { candidates }) = presented([header.as_bytes()], &Params::default()) else {
            return Err(TestCaseError::fail("not read as Basic"));
        };
        let wanted = Credentials { client_id: id, client_secret: secret.as_str().into() };
        prop_assert!(candidates.contains(&wanted));
    }

    #[test]
    fn a_verifier_opens_its_own_challenge_only(a in "[A-Za-z0-9._~-]{43,128}", b in "[A-Za-z0-9._~-]{43,128}") {
        let (first, second): (Verifier, Verifier) = (a.parse().unwrap(), b.parse().unwrap());
        let challenge = Challenge::of(&first);
        prop_assert!(challenge.accepts(&first));
        prop_assert_eq!(challenge.accepts(&second), a == b);
        prop_assert_eq!(challenge.to_string().parse::<Challenge>().unwrap(), challenge);
    }

    #[test]
    fn an_answer_stays_on_the_registered_host(path in "[a-z/]{0,10}", query in "(\\?[a-z=&]{0,10})?", value in words()) {
        let text = format!("https://app.example/{path}{query}");
        let uri: RedirectUri = text.parse().unwrap();
        let answer = url::Url::parse(&with_query(uri.as_str(), [("state", value.as_str())])).unwrap();
        prop_assert_eq!(answer.host_str(), Some("app.example"));
        prop_assert_eq!(answer.fragment(), None);
        prop_assert!(answer.query_pairs().any(|(name, read)| name == "state" && read == value));
    }

    #[test]
    fn only_a_port_makes_another_loopback_uri_match(port in any::<u16>(), tail in "[ -~]{0,12}") {
        let registered: RedirectUri = "http://127.0.0.1/cb".parse().unwrap();
        prop_assert_eq!(registered.matches(&format!("http://127.0.0.1:{port}/cb")), port != 0);
        let other = format!("http://127.0.0.1{tail}/cb");
        let is_port = tail.is_empty()
            || tail.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u16>().is_ok_and(|p| p > 0));
        prop_assert_eq!(registered.matches(&other), is_port);
    }

    #[test]
    fn ids_secrets_and_times_round_trip(millis in 0..1_i64 << 47, random in any::<[u8; 10]>(), secret in any::<[u8; 32]>()) {
        let time = Time::from_millis(millis);
        let id = Id::<Grant>::new(time, random);
        prop_assert_eq!(id.to_string().parse::<Id<Grant>>().unwrap(), id);
        prop_assert_eq!(id.created_at(), time);
        let opaque = Opaque::new(Kind::Refresh, &secret);
        prop_assert_eq!(Opaque::parse(Kind::Refresh, opaque.expose()), Some(opaque));
    }

    #[test]
    fn depth_is_limited_before_anything_is_built(depth in 1..60_usize, limit in 0..60_usize) {
        let text = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let read = parse_value(text.as_bytes(), Limits { bytes: 1000, depth: limit });
        prop_assert_eq!(read.is_ok(), depth <= limit);
    }
}
