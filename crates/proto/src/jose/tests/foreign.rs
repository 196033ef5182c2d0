//! What other issuers sign with: tokens of the specifications, and of another implementation (pyca/cryptography).

use super::*;

/// RFC 7520 3.4.
const BILBO: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMa\
    JMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6c\
    S6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwd\
    q_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";
/// RFC 7520 4.2.3.
const PS384: &str = "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3V\
    zIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHl\
    vdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9\
    mZiB0by4.cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP\
    6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqr\
    YRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64\
    QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw";
/// RFC 7515 A.4.
const ES512: &str = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZq\
    wqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9E\
    RBXukOXolLzeO_Jn";

/// An RSA key and one on P-384 of the other implementation, and what it has signed with them.
const MODULUS: &str = "qDQbUec4Z3tqWrDa7YgoywWdXVgPxbgDOoSnKVmwLHs_8OfEx7CswdMaioPLUGDBTGgCBTVEALUNvT7darg8oAL7zD4PsZVM\
    Ij8oU2sBjZcrGLpP8dEV_qYrJuiShM9DCyeWC76ssh5ky3uo0ngHAtnsF6jIO8A06chpeHnMSEvIz60PWCuBY3FbnaJOI5LY\
    0eBp31b3MJ06mRzHjyF8zMem1qUoye59pqDJwDzGLcCH9NMN_OH_uXC-pKzJxQTG8OHXkNT8Dj6vz4Ae9-VMSEJb9WT-P6I3\
    aW-sBvnlaLqAp014vYgnIVfXcld1-XSI_urIgE1rIecZ3RlMb6Q2Yw";
const P384: [&str; 2] = [
    "CeqzgPeboTT9VRwfynWtSWyr58FxGr2FGEFROp3qOPc0_r8kmweGqZLELcdLSAIm",
    "_7a4kJUy11bkms3IqXi28KueraE82PTqg4mBalIuXVsu9J2bqLo4iJD4Yw4mfmN9",
];
const RS384: &str = "eyJhbGciOiAiUlMzODQifQ.eyJzdWIiOiJhZGEifQ.g_KSYGn-m2C2DQgGr_Qc_1O5IMdjKZQYKVq4LJE-bn0kPxLJezF7mk\
    Zyqs15Q-oFRA-2Jh2EQwL84Y4XJ2Izy8hGwbo01A5OCTloORL0IsZE078ip28eO1itNFUEESXRFBCk-DUw3L0hSI-zlTEQXu\
    8EIiG4P7m2kA9yD_kW7mnCq9j2BzJxoqZgLI2QkuX0C5dQIa7Hx0GJ6Pubu6J6lL5jpOOjr0a88u3hUqmCqhrgkIE2i0Z8iC\
    Dy-yFPHysrQbKhSLWHFruqIND_sSGq_psuC-870VfLG6OtSkLQ8jF5O3Vbb6bDuLdROBd2lC0sQgbUwy4SR2dfuK_xPOUZlw";
const RS512: &str = "eyJhbGciOiAiUlM1MTIifQ.eyJzdWIiOiJhZGEifQ.a4rhOv4Qdkh7ihrCwIt3fZiYTExs86NGVhVzDwpb3eja2wf3utpNGi\
    RoUiKKeA1h5svaUJEPfK0DlS4TejbL12a8UnIEF-Ecphpw3FrJeyBy7m5Zh2tlvxIaioN_gY7O8bv3MbjE9vvdKNLOctIS_X\
    bS8_XVhCSGeB5NKqPssxnpah3LEHJEqbE0NQ9f0FRJFbdhRmD7gyYQ1P5BjpXtBTfWgYZqLgMbhHqCqoMe9CjKaE4g-zBbNc\
    x3SO9cblBZw2q0Pe7yyoz08euEZVK5SvsmPui6MTSQkE---XKg-wfZTSxVqK7nzSMSe_NmOuNdLi2wTWgLU2fGOekqHHPB5Q";
const PS256: &str = "eyJhbGciOiAiUFMyNTYifQ.eyJzdWIiOiJhZGEifQ.Ra1QXymlFjJ2kCozC31HXq2iGXPmSXBe86iKeK6gg5LWP2O9RYIyXW\
    diRDCDoOoC9iT3hS3QjaVfenzEYC1OsL2-uWsofBJCKQpfUbhPTEjEvTgMi7Tl-9H_QPR5fiujUjaCn98m2lLlFp18wT7fQM\
    W4NsQZtnu7x_AHIPoE42coCIcwbZVE4u7PuhW8baZcO_6PSmgQY8ngdBJuRRPfunuEBLwdeLWpefWuZja8Y77uvyLNy9G2ws\
    11sKYYaEJ0Lionth7bF3qTU-j2eaknOBN81mLH1lc_fuADeEDGx9N2zymGwRWIyFOQ1ODsSdfIy55a-mGmyQg3zSOSnXu2ow";
const PS512: &str = "eyJhbGciOiAiUFM1MTIifQ.eyJzdWIiOiJhZGEifQ.FiAQtZZimuHhtZdANReYQzhSqI1SDc6tCV6GymbGLSYmVYrvcJYMJt\
    j9JeYeHaHRJ-92zw1rAw9RCzbRt02WWE729l70B0oBaTf8sL8nnJiqz56MCoal-Aw493j5nCh6PHUWZH0DdeHVKAS1YlvgHu\
    4EWcnEoilY_CzYdeK-4hb48r33It2r_tqXtTW3rKAYEqvh60JOvZRhyeVjIDGYoKXh-BZfbmSw3x38rVFEi7kKFzy3i49WBV\
    X8AFKP4LpBsAKNZgxc4HKoETI6mgSsj6IgopUo6W09LDRt0BWXaLJoky_0aSgJc6QtRzLmmHLtfNgfTbhQUlNBv-bgowjaYw";
const ES384: &str = "eyJhbGciOiAiRVMzODQifQ.eyJzdWIiOiJhZGEifQ.Fud7q-ncFKAvrojxfolrI0Zj7o5vNDntare0yHfR6YFkuEZNh-Rtwz\
    VF8bIo_wwq2axhkVq0uzsSvb8LwkYqheXArO1PNARS8LUdyHGHznX7BSgW6PO64Q9PmUR9YEQ3";
/// PS256 with a salt of twenty bytes.
const SHORT_SALT: &str = "eyJhbGciOiJQUzI1NiJ9.eyJzdWIiOiJhZGEifQ.iCkw1AME8FK06c_K3lcpN4jZWoyTsTJ8OvrKLdiXTtZoBrp-dZg_FuSE\
    3u5ZOikDiL3D7sDZdD1Mq2wSmXFg594akVNrzOG2qOJNy5KrOvPpuVO14evQVy5Tr8EhHfvEKBoHt1S6ULKY2zlPGCt8M0MR\
    eZ6Qq06hfKnrmvouOphKGOoaehzrQrDcH72wOtmluSHMW_IC50BPEvB-44eVSiG6mSx8I0Pq3cHI_Z3TpF7WANDg-GF4cofq\
    AqLuTEDb3L7ckTwKJNVaA6rO19W-jNFQMneAi0imcyNlW1MuiQ3CAWJrKb4Kap-CfozYhHUaFF6oL2qfKHYN0ZkmP24b5Q";

fn rsa() -> Value {
    json!({ "kty": "RSA", "n": MODULUS, "e": "AQAB" })
}

fn bilbo() -> Value {
    json!({ "kty": "RSA", "n": BILBO, "e": "AQAB", "kid": "bilbo.baggins@hobbiton.example" })
}

fn p384() -> Value {
    json!({ "kty": "EC", "crv": "P-384", "x": P384[0], "y": P384[1] })
}

/// RFC 7515 A.4.
fn p521() -> Value {
    json!({ "kty": "EC", "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2" })
}

fn with_alg(mut key: Value, alg: &str) -> Value {
    key["alg"] = alg.into();
    key
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::from_jwks(&Jwks::parse_foreign(json!({ "keys": keys }).to_string().as_bytes()).unwrap())
}

fn verify(keys: &[Value], token: &str) -> Result<(), JoseError> {
    set(keys).verify(&Unverified::decode_foreign(token)?)
}

fn cases() -> [(&'static str, &'static str, Value); 7] {
    [
        ("PS384", PS384, bilbo()),
        ("ES512", ES512, p521()),
        ("ES384", ES384, p384()),
        ("RS384", RS384, rsa()),
        ("RS512", RS512, rsa()),
        ("PS256", PS256, rsa()),
        ("PS512", PS512, rsa()),
    ]
}

#[test]
fn what_others_sign_verifies_under_their_keys_and_no_other() {
    for (alg, token, key) in cases() {
        // A key that does not say what it is for is for what its type is for; one that says, for nothing else.
        assert_eq!(verify(std::slice::from_ref(&key), token), Ok(()), "{alg}");
        for other in Alg::FOREIGN.map(Alg::as_str) {
            let said = verify(&[with_alg(key.clone(), other)], token);
            assert_eq!(said.is_ok(), other == alg, "{alg} under a key for {other}: {said:?}");
        }
        for (_, _, stranger) in cases().into_iter().filter(|(_, _, other)| other["kty"] != key["kty"]) {
            assert_eq!(verify(&[stranger], token), Err(JoseError::UnknownKey), "{alg}");
        }
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = signed.split_once('.').unwrap();
        let zeros = encode_base64url(&vec![0; decode_base64url(signature.as_bytes()).unwrap().len()]);
        for forged in [
            format!("{signed}."),
            format!("{signed}.{zeros}"),
            format!("{header}.e30.{signature}"),
            format!("{signed}.{signature}AAAA"),
        ] {
            let outcome = verify(std::slice::from_ref(&key), &forged);
            assert_eq!(outcome, Err(JoseError::Signature), "{alg}: {forged}");
        }
    }
    // RFC 7518 3.5: the salt is as long as the hash.
    assert_eq!(verify(&[rsa()], SHORT_SALT), Err(JoseError::Signature));
}

#[test]
fn a_header_cannot_choose_among_the_algorithms_of_a_key() {
    let (_, signature) = PS256.rsplit_once('.').unwrap();
    for claimed in ["RS256", "RS384", "PS384", "ES256", "ES384", "EdDSA"] {
        let header = encode_base64url(json!({ "alg": claimed }).to_string().as_bytes());
        let token = format!("{header}.eyJzdWIiOiJhZGEifQ.{signature}");
        assert!(verify(&[rsa(), p384()], &token).is_err(), "{claimed}");
    }
    for claimed in ["none", "HS256", "HS384", "HS512", "ps256", "RS1", "ES256K", "RSA-OAEP", "A128KW", ""] {
        let header = encode_base64url(json!({ "alg": claimed }).to_string().as_bytes());
        let token = format!("{header}.eyJzdWIiOiJhZGEifQ.{signature}");
        assert_eq!(verify(&[rsa(), p384()], &token), Err(JoseError::Algorithm), "{claimed}");
    }
}

#[test]
fn keys_of_others_are_as_strong_as_our_own() {
    let short = encode_base64url(&[0xff; 255]);
    let zero = encode_base64url(&[0; 48]);
    let cases = [
        json!({ "kty": "RSA", "n": short, "e": "AQAB", "alg": "PS256" }),
        json!({ "kty": "RSA", "n": MODULUS, "e": "AQ", "alg": "PS256" }),
        json!({ "kty": "EC", "crv": "P-384", "x": "AAAA", "y": P384[1] }),
        json!({ "kty": "EC", "crv": "P-384", "x": P384[0] }),
        json!({ "kty": "EC", "crv": "P-384", "x": P384[0], "y": zero }),
        json!({ "kty": "EC", "crv": "P-256", "x": P384[0], "y": P384[1] }),
        json!({ "kty": "EC", "crv": "secp256k1", "x": P384[0], "y": P384[1] }),
        with_alg(p384(), "ES256"),
        with_alg(p384(), "HS384"),
        with_alg(rsa(), "RSA-OAEP"),
    ];
    for case in cases {
        assert!(set(std::slice::from_ref(&case)).is_empty(), "{case}");
    }
    let private = json!({ "keys": [{ "kty": "EC", "crv": "P-384", "x": P384[0], "y": P384[1], "d": "AA" }] });
    assert_eq!(Jwks::parse_foreign(private.to_string().as_bytes()), Err(JoseError::PrivateKey));
}

#[test]
fn nothing_of_our_own_knows_them() {
    for (alg, token, key) in cases() {
        assert_eq!(Unverified::decode(token).unwrap_err(), JoseError::Algorithm, "{alg}");
        assert_eq!(alg.parse::<Alg>(), Err(JoseError::Algorithm));
        assert!(serde_json::from_value::<Alg>(alg.into()).is_err());
        assert!(jwk(&with_alg(key.clone(), alg)).is_err(), "{alg}");
        let read = Jwks::parse(json!({ "keys": [with_alg(key, alg)] }).to_string().as_bytes()).unwrap();
        assert!(read.keys.is_empty(), "{alg}");
    }
    for alg in Alg::FOREIGN.into_iter().filter(|alg| !Alg::ALL.contains(alg)) {
        assert_eq!(SigningKey::generate(alg).unwrap_err(), JoseError::Algorithm);
        assert_eq!(SigningKey::from_pkcs8(alg, &[]).unwrap_err(), JoseError::Algorithm);
    }
}

#[test]
fn keys_of_others_have_their_own_thumbprints() {
    let others = Jwks::parse_foreign(json!({ "keys": [p384(), p521()] }).to_string().as_bytes()).unwrap();
    for (key, crv) in others.keys.iter().zip(["P-384", "P-521"]) {
        let written = serde_json::to_value(key).unwrap();
        assert_eq!((&written["kty"], &written["crv"]), (&json!("EC"), &json!(crv)));
        let canonical = format!(r#"{{"crv":"{crv}","kty":"EC","x":{},"y":{}}}"#, written["x"], written["y"]);
        assert_eq!(key.thumbprint(), sha256_base64url(canonical.as_bytes()));
    }
}
