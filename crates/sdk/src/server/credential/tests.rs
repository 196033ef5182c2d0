use http::HeaderName;

use super::*;

fn of(headers: &[(&str, &str)]) -> Result<Option<Credential>, Why> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    Credential::of(&map).map_err(|refusal| refusal.why)
}

fn shown(credential: &Credential) -> String {
    match credential {
        Credential::Token { scheme, token } => format!("{scheme:?} {}", token.expose()),
        Credential::Basic { name, password } => format!("{name} {}", password.expose()),
        Credential::Fronted { header, token } => format!("{header} {}", token.expose()),
        Credential::Certificate(certificate) => certificate.thumbprint().to_owned(),
    }
}

#[test]
fn a_credential_is_found_wherever_it_stands() {
    for (headers, expect) in [
        (&[("authorization", "Bearer abc")][..], "Bearer abc"),
        (&[("Authorization", "bEARER   abc ")], "Bearer abc"),
        (&[("authorization", "DPoP abc")], "Dpop abc"),
        (&[("authorization", "Basic YWRtaW46cHc6eA==")], "admin pw:x"),
        (&[("authorization", "Basic YWRtaW46")], "admin "),
        (&[("api-key", "abc")], "Key abc"),
        (&[("X-API-Key", "abc")], "Key abc"),
        (&[("x-chroma-token", "abc")], "Key abc"),
    ] {
        assert_eq!(shown(&of(headers).unwrap().unwrap()), expect, "{headers:?}");
    }
    for headers in [&[][..], &[("authorization", "")], &[("authorization", "  ")], &[("x-user-id", "admin")]]
    {
        assert!(of(headers).unwrap().is_none(), "{headers:?}");
    }
}

#[test]
fn what_is_no_credential_is_told() {
    for (headers, expect) in [
        (&[("authorization", "Bearer")][..], Why::MissingToken),
        (&[("authorization", "Bearer  ")], Why::MissingToken),
        (&[("x-api-key", "")], Why::MissingToken),
        (&[("authorization", "Bearer a b")], Why::InvalidToken),
        (&[("authorization", "Bearer ü")], Why::InvalidToken),
        (&[("authorization", "Digest abc")], Why::InvalidScheme),
        (&[("authorization", "abc")], Why::InvalidScheme),
        (&[("authorization", "Basic %%")], Why::InvalidToken),
        (&[("authorization", "Basic YWRtaW4=")], Why::InvalidToken),
        (&[("authorization", "Basic OnB3")], Why::InvalidToken),
        (&[("authorization", "Basic YQA6cHc=")], Why::InvalidToken),
        (&[("authorization", "Bearer a"), ("authorization", "Bearer b")], Why::SeveralCredentials),
        (&[("authorization", "Bearer a"), ("authorization", "Bearer a")], Why::SeveralCredentials),
        (&[("authorization", "Bearer a"), ("x-api-key", "b")], Why::SeveralCredentials),
        (&[("api-key", "a"), ("x-api-key", "a")], Why::SeveralCredentials),
        (&[("authorization", ""), ("x-api-key", "a")], Why::SeveralCredentials),
    ] {
        assert_eq!(of(headers).map(|found| found.map(|it| shown(&it))), Err(expect), "{headers:?}");
    }
    assert_eq!(of(&[("x-api-key", &"a".repeat(LONGEST + 1))]).err(), Some(Why::InvalidToken));
}

#[test]
fn what_is_remembered_is_one_credential_only() {
    let basic = |name: &str, password: &str| Credential::Basic {
        name: name.to_owned(),
        password: SecretText::from(password),
    };
    let token = |scheme| Credential::Token { scheme, token: SecretText::from("abc") };
    let all = [
        token(Scheme::Bearer),
        token(Scheme::Dpop),
        token(Scheme::Key),
        basic("a", "bc"),
        basic("ab", "c"),
        basic("abc", ""),
    ];
    let prints: std::collections::HashSet<_> = all.iter().map(Credential::fingerprint).collect();
    assert_eq!(prints.len(), all.len());
    assert!(all.iter().all(|credential| !format!("{credential:?}").contains("abc")));
}
