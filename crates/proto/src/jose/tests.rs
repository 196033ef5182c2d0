use serde_json::{Value, json};

use super::*;

mod foreign;

fn key(alg: Alg) -> SigningKey {
    SigningKey::generate(alg).unwrap()
}

fn jwk(value: &Value) -> Result<Jwk, JoseError> {
    Jwk::parse(value.to_string().as_bytes())
}

#[test]
fn tokens_of_the_specifications_verify() {
    let cases = [
        (
            // RFC 7515 A.3
            json!({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv\
             bS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxf\
             KTUJqPP3-Kg6NU1Q",
        ),
        (
            // RFC 8037 A.2, A.4
            json!({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg\
             3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ];
    for (public, token) in cases {
        let key = VerifyingKey::from_jwk(&jwk(&public).unwrap()).unwrap();
        Unverified::decode(token).unwrap().verify(&key).unwrap();
    }
}

#[test]
fn thumbprints_of_the_specifications() {
    let cases = [
        (
            // RFC 7638 3.1
            json!({"kty":"RSA","e":"AQAB","alg":"RS256","kid":"2011-04-29","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQ\
                mbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W\
                -5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZH\
                zu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1\
                jF44-csFCur-kEgU8awapJzKnqDKgw"}),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        ),
        (
            // RFC 8037 A.3
            json!({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        ),
    ];
    for (public, thumbprint) in cases {
        assert_eq!(jwk(&public).unwrap().thumbprint(), thumbprint);
    }
}

#[test]
fn every_algorithm_signs_verifies_and_survives_storage() {
    for alg in Alg::ALL {
        let key = key(alg);
        assert_eq!((key.alg(), key.kid()), (alg, key.jwk().thumbprint().as_str()));
        let stored = SigningKey::from_pkcs8(alg, &key.to_pkcs8().unwrap()).unwrap().with_kid("first");
        assert_eq!(stored.jwk().thumbprint(), key.jwk().thumbprint());
        assert_eq!(stored.jwk().kid.as_deref(), Some("first"));
        for other in Alg::ALL.into_iter().filter(|other| *other != alg) {
            assert!(SigningKey::from_pkcs8(other, &key.to_pkcs8().unwrap()).is_err());
        }
        for typ in Typ::ALL {
            let token = stored.sign_jwt(typ, br#"{"sub":"a"}"#).unwrap();
            let read = Unverified::decode(&token).unwrap();
            assert_eq!(read.header().kid.as_deref(), Some("first"));
            assert_eq!(read.header().typ.as_deref(), Some(typ.as_str()));
            let verified = read.into_verified(&key.verifying_key().unwrap(), typ).unwrap();
            assert_eq!(verified.claims::<Value>().unwrap(), json!({"sub": "a"}));
            assert_eq!(verified.own_claims::<Value>().unwrap(), json!({"sub": "a"}));
            assert_eq!(verified.payload(), br#"{"sub":"a"}"#);
        }
    }
}

#[test]
fn published_keys_carry_public_members_only_and_read_back() {
    for (alg, members) in [
        (Alg::RS256, vec!["alg", "e", "kid", "kty", "n", "use"]),
        (Alg::ES256, vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
        (Alg::EdDSA, vec!["alg", "crv", "kid", "kty", "use", "x"]),
    ] {
        let key = key(alg);
        let value = serde_json::to_value(key.jwk()).unwrap();
        let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, members);
        assert_eq!((&value["use"], &value["alg"]), (&json!("sig"), &json!(alg.as_str())));
        assert_eq!(&jwk(&value).unwrap(), key.jwk());
        assert_eq!(&serde_json::from_value::<Jwk>(value).unwrap(), key.jwk());
        assert!(!format!("{key:?}").contains("pair"));
    }
}

#[test]
fn keys_that_are_not_public_signature_keys_are_refused() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let short = encode_base64url(&[0xff; 128]);
    let modulus = encode_base64url(&[0xff; 256]);
    let zero = encode_base64url(&[&[0_u8], [0xff; 256].as_slice()].concat());
    let huge = encode_base64url(&[0xff; 1025]);
    let cases = [
        json!([]),
        json!({}),
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "oct"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "d": x}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "k": x}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "d": null}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "use": "enc"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "ES256"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "HS256"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": 7}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "k".repeat(257)}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": format!("{x}=")}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
        json!({"kty": "OKP", "crv": "X25519", "x": x}),
        json!({"kty": "EC", "crv": "P-384", "x": x, "y": x}),
        json!({"kty": "EC", "crv": "P-256", "x": x}),
        json!({"kty": "RSA", "n": short, "e": "AQAB"}),
        json!({"kty": "RSA", "n": huge, "e": "AQAB"}),
        json!({"kty": "RSA", "n": zero, "e": "AQAB"}),
        json!({"kty": "RSA", "n": modulus, "e": "AQ"}),
        json!({"kty": "RSA", "n": modulus, "e": "BA"}),
        json!({"kty": "RSA", "n": modulus, "e": "AAEAAQ"}),
        json!({"kty": "RSA", "n": modulus, "e": "AQABAQAB"}),
        json!({"kty": "RSA", "n": modulus, "e": ""}),
    ];
    for case in cases {
        assert!(matches!(jwk(&case), Err(JoseError::Key(_) | JoseError::PrivateKey)), "{case}");
    }
    assert!(
        Jwk::parse(format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","x":"{x}"}}"#).as_bytes()).is_err()
    );
    // Well formed, but not a point of the curve.
    let nowhere = jwk(&json!({"kty": "EC", "crv": "P-256", "x": x, "y": x})).unwrap();
    assert!(VerifyingKey::from_jwk(&nowhere).is_err());
}

#[test]
fn a_set_skips_foreign_keys_and_is_refused_with_a_private_one() {
    let ours = serde_json::to_value(key(Alg::ES256).jwk()).unwrap();
    let read = |keys: Value| Jwks::parse(json!({ "keys": keys }).to_string().as_bytes());
    let foreign = json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"});
    assert_eq!(read(json!([foreign, ours])).unwrap().keys.len(), 1);
    assert_eq!(serde_json::from_value::<Jwks>(json!({ "keys": [ours] })).unwrap().keys.len(), 1);
    assert_eq!(read(json!([])).unwrap(), Jwks::default());
    assert!(read(json!([ours, {"kty": "oct", "k": "AA"}])).is_err());
    assert!(read(json!([ours, {"kty": "EC", "crv": "P-521", "d": "AA"}])).is_err());
    assert!(read(json!(["x"])).is_err());
    assert!(read(json!("x")).is_err());
    assert!(read(Value::Array(vec![ours; 101])).is_err());
    assert!(Jwks::parse(b"[]").is_err());
}

/// A token with any header text, signed by the key over exactly that text.
fn forged(key: &SigningKey, header: &str, payload: &[u8]) -> String {
    sign_encoded(key, &encode_base64url(header.as_bytes()), payload).unwrap()
}

#[test]
fn headers_that_are_refused_before_any_signature_is_looked_at() {
    let key = key(Alg::ES256);
    let cases = [
        ("{}", JoseError::Algorithm),
        (r#"{"alg":"none"}"#, JoseError::Algorithm),
        (r#"{"alg":"None"}"#, JoseError::Algorithm),
        (r#"{"alg":"nOnE"}"#, JoseError::Algorithm),
        (r#"{"alg":""}"#, JoseError::Algorithm),
        (r#"{"alg":null}"#, JoseError::Algorithm),
        (r#"{"alg":["ES256"]}"#, JoseError::Algorithm),
        (r#"{"alg":"es256"}"#, JoseError::Algorithm),
        (r#"{"alg":"HS256"}"#, JoseError::Algorithm),
        (r#"{"alg":"RS1"}"#, JoseError::Algorithm),
        (r#"{"alg":"PS256"}"#, JoseError::Algorithm),
        (r#"{"alg":"ES256","crit":["exp"]}"#, JoseError::Critical),
        (r#"{"alg":"ES256","crit":[]}"#, JoseError::Critical),
        (r#"{"alg":"ES256","b64":false,"crit":["b64"]}"#, JoseError::Critical),
        (r#"{"alg":"ES256","b64":false}"#, JoseError::Critical),
        (r#"{"alg":"none","alg":"ES256"}"#, JoseError::Malformed),
        (r#"{"alg":"ES256","alg":"ES256"}"#, JoseError::Malformed),
        (r#"{"alg":"ES256","x":1,"x":2}"#, JoseError::Malformed),
        (r#"{"alg":"ES256","kid":1}"#, JoseError::Malformed),
        (r#"{"alg":"ES256","typ":{}}"#, JoseError::Malformed),
        (r#"{"alg":"ES256","jwk":{"a":{"b":{"c":{}}}}}"#, JoseError::Malformed),
        ("[]", JoseError::Malformed),
        ("", JoseError::Malformed),
        ("\"x\"", JoseError::Malformed),
        (r#"{"alg":"ES256"} "#, JoseError::Signature),
    ];
    let verifying = key.verifying_key().unwrap();
    for (header, error) in cases {
        let mut token = forged(&key, header, b"{}");
        if error == JoseError::Signature {
            // Well formed: taken apart, and then the signature decides.
            Unverified::decode(&token).unwrap().verify(&verifying).unwrap();
            token.replace_range(token.len() - 8..token.len() - 4, "AAAA");
            assert_eq!(Unverified::decode(&token).unwrap().verify(&verifying), Err(error));
        } else {
            assert_eq!(Unverified::decode(&token).unwrap_err(), error, "{header}");
        }
    }
    let long = format!(r#"{{"alg":"ES256","x":"{}"}}"#, "x".repeat(4096));
    assert_eq!(Unverified::decode(&forged(&key, &long, b"{}")).unwrap_err(), JoseError::TooLarge);
    let long = vec![b'x'; MAX_TOKEN];
    assert_eq!(
        Unverified::decode(&forged(&key, r#"{"alg":"ES256"}"#, &long)).unwrap_err(),
        JoseError::TooLarge
    );
}

#[test]
fn shapes_that_are_not_compact_tokens() {
    let key = key(Alg::EdDSA);
    let token = key.sign_jwt(Typ::Jwt, b"{}").unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let cases = [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}."),
        format!(".{header}.{payload}.{signature}"),
        format!("{header}.{payload}.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{signature}=="),
        format!(" {header}.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}\n"),
        format!("{header}.{payload}.+/{signature}"),
        format!("{header}.{payload}.{signature}é"),
        format!("{header}.{payload}\u{0}.{signature}"),
    ];
    for case in &cases {
        assert!(Unverified::decode(case).is_err(), "{case:?}");
    }
    // Loose bits in the last character would give one signature two spellings.
    let mut loose = token.clone();
    let last = loose.pop().unwrap();
    loose.push(char::from(last as u8 + 1));
    assert_eq!(Unverified::decode(&loose).unwrap_err(), JoseError::Malformed);
}

#[test]
fn signatures_that_do_not_count() {
    for alg in Alg::ALL {
        let (ours, theirs) = (key(alg), key(alg));
        let verifying = ours.verifying_key().unwrap();
        let token = ours.sign_jwt(Typ::AccessToken, br#"{"sub":"a"}"#).unwrap();
        let (input, signature) = token.rsplit_once('.').unwrap();
        let other = ours.sign_jwt(Typ::AccessToken, br#"{"sub":"b"}"#).unwrap();
        let (other_input, _) = other.rsplit_once('.').unwrap();
        let length = decode_base64url(signature.as_bytes()).unwrap().len();
        let cases = [
            format!("{input}."),
            format!("{other_input}.{signature}"),
            format!("{input}.{}", encode_base64url(&vec![0; length])),
            format!("{input}.{}", encode_base64url(&vec![0xff; length])),
            format!("{input}.{}", encode_base64url(&vec![0; length - 1])),
            format!("{input}.{signature}AAAA"),
            theirs.sign_jwt(Typ::AccessToken, br#"{"sub":"a"}"#).unwrap(),
        ];
        for case in &cases {
            let read = match Unverified::decode(case) {
                Ok(read) => read,
                Err(error) => {
                    assert_eq!(error, JoseError::Malformed);
                    continue;
                }
            };
            assert_eq!(read.verify(&verifying), Err(JoseError::Signature), "{alg} {case}");
        }
    }
}

#[test]
fn a_header_cannot_choose_another_algorithm_or_key() {
    let keys: Vec<SigningKey> = Alg::ALL.into_iter().map(key).collect();
    for signer in &keys {
        for claimed in Alg::ALL {
            let embedded = serde_json::to_string(signer.jwk()).unwrap();
            let header = format!(
                r#"{{"alg":"{claimed}","typ":"at+jwt","kid":"{}","jwk":{embedded},"jku":"https://evil.example/k","x5u":"https://evil.example/c","x5c":["AA"]}}"#,
                signer.kid()
            );
            let token = forged(signer, &header, b"{}");
            let read = Unverified::decode(&token).unwrap();
            for target in &keys {
                let outcome = read.verify(&target.verifying_key().unwrap());
                if target.alg() == claimed && target.kid() == signer.kid() {
                    assert_eq!(outcome, Ok(()));
                } else {
                    assert!(outcome.is_err(), "{} as {claimed} under {}", signer.alg(), target.alg());
                }
            }
        }
    }
}

#[test]
fn typ_is_a_media_type() {
    let same = ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"];
    let other = ["", "jwt", "at+jwt ", "application/", "application/application/at+jwt", "text/at+jwt", "é"];
    for typ in same {
        assert!(Typ::AccessToken.matches(typ), "{typ}");
    }
    for typ in other {
        assert!(!Typ::AccessToken.matches(typ), "{typ}");
    }
    for typ in Typ::ALL {
        for other in Typ::ALL {
            assert_eq!(typ.matches(other.as_str()), typ == other);
        }
    }
    let key = key(Alg::ES256);
    let verifying = key.verifying_key().unwrap();
    for (header, outcome) in [
        (r#"{"alg":"ES256","typ":"application/AT+jwt"}"#, None),
        (r#"{"alg":"ES256","typ":"JWT"}"#, Some(JoseError::Type)),
        (r#"{"alg":"ES256"}"#, Some(JoseError::Type)),
    ] {
        let token = forged(&key, header, b"{}");
        let read = Unverified::decode(&token).unwrap();
        assert_eq!(read.into_verified(&verifying, Typ::AccessToken).err(), outcome, "{header}");
    }
}

#[test]
fn kid_is_a_look_up_into_the_set() {
    let keys = [key(Alg::ES256), key(Alg::ES256), key(Alg::EdDSA)];
    let stranger = key(Alg::ES256);
    let set = KeySet::new(keys.iter().map(|key| key.verifying_key().unwrap()).collect());
    let check = |token: &str| set.verify(&Unverified::decode(token).unwrap());
    for key in &keys {
        assert_eq!(check(&key.sign_jwt(Typ::Jwt, b"{}").unwrap()), Ok(()));
        let nameless = format!(r#"{{"alg":"{}"}}"#, key.alg());
        assert_eq!(check(&forged(key, &nameless, b"{}")), Ok(()));
        for kid in ["../../etc/passwd", "' OR 1=1", ""] {
            let header = format!(r#"{{"alg":"{}","kid":"{kid}"}}"#, key.alg());
            assert_eq!(check(&forged(key, &header, b"{}")), Err(JoseError::UnknownKey));
        }
    }
    assert_eq!(check(&stranger.sign_jwt(Typ::Jwt, b"{}").unwrap()), Err(JoseError::UnknownKey));
    let posing = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, keys[0].kid());
    assert_eq!(check(&forged(&stranger, &posing, b"{}")), Err(JoseError::Signature));
    assert_eq!(
        KeySet::default().verify(&Unverified::decode(&forged(&keys[0], &posing, b"{}")).unwrap()),
        Err(JoseError::UnknownKey)
    );
    assert!(KeySet::from_jwks(&Jwks::default()).is_empty());
}

#[test]
fn claims_with_repeats_are_refused_after_verification_too() {
    let key = key(Alg::EdDSA);
    let token = key.sign_jwt(Typ::Jwt, br#"{"sub":"a","sub":"b"}"#).unwrap();
    let read = Unverified::decode(&token).unwrap();
    assert!(read.unverified_claims::<Value>().is_err());
    let verified = read.into_verified(&key.verifying_key().unwrap(), Typ::Jwt).unwrap();
    assert_eq!(verified.claims::<Value>().unwrap_err(), JoseError::Malformed);
}

/// RFC 7515 A.1.
const SHARED: &[u8] =
    b"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const SHARED_TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQo\
    gImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

#[test]
fn a_shared_secret_verifies_its_own_tokens_only() {
    let secret = SharedSecret::new(&decode_base64url(SHARED).unwrap()).unwrap();
    let opened = secret.open(SHARED_TOKEN).unwrap();
    assert!(opened.is(Typ::Jwt));
    assert_eq!(opened.claims::<Value>().unwrap()["iss"], "joe");
    assert_eq!(named_algorithm(SHARED_TOKEN).unwrap(), "HS256");

    let other = SharedSecret::new(&[7; 32]).unwrap();
    assert_eq!(other.open(SHARED_TOKEN).unwrap_err(), JoseError::Signature);
    let (signed, _) = SHARED_TOKEN.rsplit_once('.').unwrap();
    assert_eq!(secret.open(&format!("{signed}.")).unwrap_err(), JoseError::Signature);
    let asymmetric = key(Alg::ES256).sign_jwt(Typ::Jwt, b"{}").unwrap();
    assert_eq!(secret.open(&asymmetric).unwrap_err(), JoseError::Algorithm);
    assert_eq!(format!("{secret:?}"), "SharedSecret [redacted]");
}

#[test]
fn what_others_may_know_is_no_secret() {
    let weak = [
        b"only thirty-one bytes are in it".as_slice(),
        b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
        br#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmb","e":"AQAB"}"#,
    ];
    for secret in weak {
        assert!(matches!(SharedSecret::new(secret), Err(JoseError::Key(_))));
    }
}
