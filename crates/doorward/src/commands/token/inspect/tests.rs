use data_encoding::BASE64URL_NOPAD;
use doorward_proto::jose::{Alg, SigningKey, Typ};

use super::*;

const NOW: Time = Time::from_seconds(1_893_456_000);

fn claims(issuer: &str) -> Json {
    json!({ "iss": issuer, "sub": "usr_1", "exp": 1_893_456_600, "iat": 1_893_456_000 - 7_200, "note": "a\u{1b}[31mb" })
}

fn signed(claims: &Json) -> (String, KeySet) {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let jwt = key.sign_jwt(Typ::AccessToken, claims.to_string().as_bytes()).unwrap();
    (jwt, KeySet::new(vec![key.verifying_key().unwrap()]))
}

#[test]
fn times_are_in_words_and_the_signature_is_not_shown() {
    let (jwt, keys) = signed(&claims("https://id.example"));
    let (header, read) = parts(&jwt).unwrap();
    let signature = judged(&jwt, &read, "https://id.example".to_owned(), &keys);
    let told = words(&header, &read, &signature, NOW);
    assert!(told.contains("  alg: ES256\n") && told.contains("  sub: usr_1\n"), "{told}");
    assert!(told.contains("  exp: 2030-01-01 00:10:00 UTC, in 10 minutes\n"), "{told}");
    assert!(told.contains("  iat: 2029-12-31 22:00:00 UTC, 2 hours ago\n"), "{told}");
    assert!(told.ends_with("Signature\n  good, by a key of https://id.example\n"), "{told}");
    assert!(!told.contains('\u{1b}') && !told.contains(jwt.rsplit('.').next().unwrap()), "{told}");
}

#[test]
fn what_is_not_vouched_for_says_so() {
    let (jwt, keys) = signed(&claims("https://id.example"));
    let (_, others) = signed(&claims("https://id.example"));
    let read = parts(&jwt).unwrap().1;
    let ours = || "https://id.example".to_owned();
    assert_eq!(judged(&jwt, &read, ours(), &others), Signature::Bad(ours()));
    let (head, rest) = jwt.split_once('.').unwrap();
    let more =
        BASE64URL_NOPAD.encode(claims("https://id.example").to_string().replace("usr_1", "usr_2").as_bytes());
    let forged = format!("{head}.{more}.{}", rest.rsplit('.').next().unwrap());
    assert_eq!(judged(&forged, &parts(&forged).unwrap().1, ours(), &keys), Signature::Bad(ours()));
    let elsewhere = judged(&jwt, &read, "https://other.example".to_owned(), &keys);
    assert!(elsewhere.is_good().is_none() && elsewhere.words().contains("NOT VERIFIED"), "{elsewhere:?}");
    let none =
        format!("{}.{}.", BASE64URL_NOPAD.encode(b"{\"alg\":\"none\"}"), BASE64URL_NOPAD.encode(b"{}"));
    let (header, read) = parts(&none).unwrap();
    assert_eq!(header["alg"], "none");
    assert!(judged(&none, &read, ours(), &keys).is_good().is_none());
}

#[test]
fn what_is_no_jwt_is_refused() {
    for wrong in ["", "a.b", "a.b.c", "a.b.c.d", "dw_st_x", "e30.e30", "W10.W10.x", "e30.IiI.x"] {
        assert!(parts(wrong).is_err(), "{wrong}");
    }
    assert!(parts("e30.e30.").is_ok());
}
