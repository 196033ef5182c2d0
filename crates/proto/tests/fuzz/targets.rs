//! The list: a name, which is the corpus folder's, and what is done with an input. A target answers
//! whether the input was well formed, and asserts what must hold for every well-formed input.

use std::{sync::LazyLock, time::Duration};

use doorward_proto::{
    access_token::AccessTokenClaims,
    assertion,
    authorization_details::AuthorizationDetails,
    authorize::{self, AuthorizationRequest},
    claims::ClaimsRequest,
    client_auth, client_id, dpop,
    form::Params,
    id::{Id, User},
    id_token::IdTokenClaims,
    introspect::{IntrospectionRequest, IntrospectionResponse},
    jose::{
        Alg, Jwk, Jwks, KeySet, SigningKey, Typ, Unverified, VerifyingKey, encode_base64url, sign_encoded,
    },
    json::{self, Limits},
    logout_token::LogoutTokenClaims,
    metadata::Metadata,
    par,
    pkce::{Challenge, Verifier},
    redirect::{RedirectKind, RedirectUri, with_query},
    resource::Resource,
    revoke::RevocationRequest,
    scope::ScopeSet,
    secret::{Kind, Opaque},
    time::Time,
    token::{TokenRequest, TokenResponse},
    trace::TraceParent,
};

pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]) -> bool,
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        pub(crate) const TARGETS: &[Target] = &[$(Target { name: stringify!($name), run: $name }),*];
    };
}

targets![
    access_token,
    assertion_claims,
    assertion_token,
    authorization_details,
    authorize_request,
    basic_header,
    chosen_client_id,
    claims_parameter,
    dpop_claims,
    dpop_proof,
    form,
    id,
    id_token,
    introspection_answer,
    introspection_request,
    json_value,
    jwk,
    jwks,
    jws,
    jws_header,
    logout_token,
    metadata,
    opaque,
    pkce_challenge,
    pkce_verifier,
    redirect_uri,
    request_uri,
    resource,
    revocation_request,
    scope,
    time,
    token_answer,
    token_request,
    trace_parent,
];

const NOW: i64 = 1_800_000_000;
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Alg::EdDSA).unwrap());
static KEYS: LazyLock<KeySet> = LazyLock::new(|| KeySet::new(vec![KEY.verifying_key().unwrap()]));

fn text(input: &[u8]) -> &str {
    std::str::from_utf8(input).unwrap_or_default()
}

fn params(input: &[u8]) -> Params {
    Params::parse(input, authorize::MAX_BYTES).unwrap_or_default()
}

fn form(input: &[u8]) -> bool {
    let Ok(params) = Params::parse(input, authorize::MAX_BYTES) else { return false };
    for (name, value) in params.iter() {
        assert!(!name.contains('\0') && !value.contains('\0'));
    }
    !format!("{params:?}").is_empty()
}

fn id(input: &[u8]) -> bool {
    text(input).parse::<Id<User>>().is_ok_and(|id| id.to_string() == text(input))
}

fn trace_parent(input: &[u8]) -> bool {
    let Ok(read) = text(input).parse::<TraceParent>() else { return false };
    let step = read.step([1; 8]).to_string();
    assert!(step.contains(&read.trace_id()) && step.parse::<TraceParent>().is_ok());
    true
}

fn opaque(input: &[u8]) -> bool {
    Kind::ALL.into_iter().any(|kind| {
        Opaque::parse(kind, text(input))
            .is_some_and(|secret| secret.expose() == text(input) && secret.kind() == kind)
    })
}

fn time(input: &[u8]) -> bool {
    let Ok(time) = text(input).parse::<Time>() else { return false };
    let again: Time = time.to_string().parse().unwrap();
    assert_eq!(again, time);
    !time.to_http().is_empty() && !time.to_human().is_empty()
}

fn json_value(input: &[u8]) -> bool {
    json::parse_value(input, Limits { bytes: 16 * 1024, depth: 8 }).is_ok()
}

fn jwk(input: &[u8]) -> bool {
    let Ok(jwk) = Jwk::parse(input) else { return false };
    assert_eq!(jwk.thumbprint().len(), 43);
    let text = serde_json::to_vec(&jwk).unwrap();
    assert_eq!(Jwk::parse(&text).unwrap(), jwk);
    VerifyingKey::from_jwk(&jwk).is_ok()
}

fn jwks(input: &[u8]) -> bool {
    let Ok(jwks) = Jwks::parse(input) else { return false };
    let text = serde_json::to_vec(&jwks).unwrap();
    assert_eq!(Jwks::parse(&text).unwrap(), jwks);
    !KeySet::from_jwks(&jwks).is_empty()
}

fn jws(input: &[u8]) -> bool {
    let Ok(token) = Unverified::decode(text(input)) else { return false };
    assert!(KEYS.verify(&token).is_err(), "nobody but the key signs");
    drop(token.unverified_claims::<serde_json::Value>());
    true
}

/// The input is a header and a payload, a line each; the signature over them is good.
fn signed(input: &[u8]) -> String {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let header = encode_base64url(lines.next().unwrap_or_default());
    sign_encoded(&KEY, &header, lines.next().unwrap_or_default()).unwrap()
}

fn jws_header(input: &[u8]) -> bool {
    let token = signed(input);
    let Ok(token) = Unverified::decode(&token) else { return false };
    if token.header().alg != Alg::EdDSA {
        assert!(token.verify(&KEY.verifying_key().unwrap()).is_err());
        return false;
    }
    token.verify(&KEY.verifying_key().unwrap()).unwrap();
    KEYS.into_verified(token, Typ::AccessToken).is_ok_and(|token| {
        drop(token.claims::<AccessTokenClaims>());
        true
    })
}

fn scope(input: &[u8]) -> bool {
    let Ok(set) = text(input).parse::<ScopeSet>() else { return false };
    let again: ScopeSet = set.to_string().parse().unwrap();
    assert_eq!(again.as_str(), set.as_str());
    assert!(set.is_subset(&again) && set.iter().all(|name| set.contains(name)));
    true
}

fn resource(input: &[u8]) -> bool {
    text(input).parse::<Resource>().is_ok_and(|resource| resource.covers(&resource))
}

fn pkce_challenge(input: &[u8]) -> bool {
    text(input).parse::<Challenge>().is_ok_and(|challenge| challenge.to_string() == text(input))
}

fn pkce_verifier(input: &[u8]) -> bool {
    text(input).parse::<Verifier>().is_ok_and(|verifier| Challenge::of(&verifier).accepts(&verifier))
}

fn redirect_uri(input: &[u8]) -> bool {
    let Ok(uri) = text(input).parse::<RedirectUri>() else { return false };
    assert!(uri.matches(text(input)) && !uri.matches(&format!("{uri}x")));
    let answer = with_query(uri.as_str(), [("code", "c"), ("iss", "https://id.example")]);
    let (before, after) = (url::Url::parse(uri.as_str()).unwrap(), url::Url::parse(&answer).unwrap());
    assert_eq!((before.scheme(), before.host(), before.port()), (after.scheme(), after.host(), after.port()));
    assert!(after.query_pairs().any(|(name, value)| name == "code" && value == "c"));
    if uri.kind() == RedirectKind::Loopback {
        assert!(matches!(after.host_str(), Some("127.0.0.1" | "[::1]" | "localhost")), "{answer}");
    }
    true
}

fn chosen_client_id(input: &[u8]) -> bool {
    client_id::check_chosen(text(input)).is_ok()
}

fn claims_parameter(input: &[u8]) -> bool {
    let Ok(claims) = ClaimsRequest::parse(text(input)) else { return false };
    serde_json::from_str::<ClaimsRequest>(&serde_json::to_string(&claims).unwrap()).unwrap();
    true
}

fn authorization_details(input: &[u8]) -> bool {
    AuthorizationDetails::parse(text(input)).is_ok_and(|details| details.types().count() == details.0.len())
}

fn authorize_request(input: &[u8]) -> bool {
    let parsed = authorize::parse(&params(input));
    let stored = serde_json::to_string(&parsed.request).unwrap();
    let again: AuthorizationRequest = serde_json::from_str(&stored).unwrap();
    assert_eq!(again.redirect_uri, parsed.request.redirect_uri);
    assert_eq!(again.state, parsed.request.state);
    assert_eq!(again.scope, parsed.request.scope);
    drop(par::parse(&params(input)));
    parsed.ok().is_ok()
}

fn request_uri(input: &[u8]) -> bool {
    par::parse_request_uri(text(input)).is_some_and(|name| par::request_uri(&name) == text(input))
}

fn token_request(input: &[u8]) -> bool {
    TokenRequest::parse(&params(input)).is_ok()
}

fn token_answer(input: &[u8]) -> bool {
    serde_json::from_slice::<TokenResponse>(input).is_ok_and(|answer| serde_json::to_vec(&answer).is_ok())
}

fn introspection_request(input: &[u8]) -> bool {
    IntrospectionRequest::parse(&params(input)).is_ok()
}

fn introspection_answer(input: &[u8]) -> bool {
    serde_json::from_slice::<IntrospectionResponse>(input)
        .is_ok_and(|answer| serde_json::to_vec(&answer).is_ok())
}

fn revocation_request(input: &[u8]) -> bool {
    RevocationRequest::parse(&params(input)).is_ok()
}

/// The input is the header's value and the body, a line each.
fn basic_header(input: &[u8]) -> bool {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let header = lines.next();
    client_auth::presented(header, &params(lines.next().unwrap_or_default())).is_ok()
}

fn check_proof(proof: &str, target: &str, now: i64) -> Result<dpop::Proof, dpop::DpopError> {
    let targets = [dpop::Target::parse(target).unwrap()];
    dpop::check(
        proof,
        &dpop::Expect {
            method: "POST",
            targets: &targets,
            now: Time::from_seconds(now),
            max_age: Duration::from_mins(5),
            access_token: None,
            nonces: None,
        },
    )
}

/// The input's own signature counts: the corpus has the proof of RFC 9449.
fn dpop_proof(input: &[u8]) -> bool {
    check_proof(text(input), "https://server.example.com/token", 1_562_262_620).is_ok()
}

/// The input is the claims; header, key and signature are good.
fn dpop_claims(input: &[u8]) -> bool {
    let header = serde_json::json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": KEY.jwk()}).to_string();
    let proof = signed(&[header.as_bytes(), b"\n", input].concat());
    match check_proof(&proof, "https://id.example/oauth2/token", NOW) {
        Ok(proof) => proof.jkt == KEY.jwk().thumbprint() && !proof.jti.is_empty(),
        Err(error) => {
            assert_ne!(error, dpop::DpopError::Signature);
            false
        }
    }
}

fn check_assertion(token: &str) -> Result<assertion::Assertion, assertion::AssertionError> {
    let token = assertion::decode(token)?;
    drop(assertion::claimed_client(&token));
    let expect = assertion::Expect {
        client_id: "app",
        audiences: &["https://id.example"],
        now: Time::from_seconds(NOW),
    };
    assertion::check(&token, &KEYS, &expect)
}

/// The input is the header and the claims, a line each; the signature is good.
fn assertion_claims(input: &[u8]) -> bool {
    let Ok(read) = check_assertion(&signed(input)) else { return false };
    let ahead = read.exp.since(Time::from_seconds(NOW));
    assert!(ahead <= assertion::MAX_LIFE + assertion::SKEW && !read.jti.is_empty());
    true
}

fn assertion_token(input: &[u8]) -> bool {
    let refused = check_assertion(text(input)).unwrap_err();
    refused != assertion::AssertionError::Malformed
}

fn access_token(input: &[u8]) -> bool {
    serde_json::from_slice::<AccessTokenClaims>(input).is_ok_and(|claims| serde_json::to_vec(&claims).is_ok())
}

fn id_token(input: &[u8]) -> bool {
    serde_json::from_slice::<IdTokenClaims>(input).is_ok_and(|claims| serde_json::to_vec(&claims).is_ok())
}

fn logout_token(input: &[u8]) -> bool {
    serde_json::from_slice::<LogoutTokenClaims>(input).is_ok_and(|claims| serde_json::to_vec(&claims).is_ok())
}

fn metadata(input: &[u8]) -> bool {
    serde_json::from_slice::<Metadata>(input).is_ok_and(|document| serde_json::to_vec(&document).is_ok())
}
