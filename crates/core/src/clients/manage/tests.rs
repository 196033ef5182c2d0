use super::{Registration, validate::check};
use crate::{
    clients::{AuthMethod, Metadata},
    outcome::{Code, Error},
};

fn web(name: &str) -> Registration {
    let metadata = Metadata {
        redirect_uris: vec!["https://app.example/callback".to_owned()],
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        scopes: vec!["openid".to_owned(), "profile".to_owned()],
        require_pkce: true,
        id_token_on_refresh: true,
        ..Metadata::default()
    };
    Registration { name: name.to_owned(), is_confidential: true, is_first_party: false, metadata }
}

fn refused(registration: &Registration) -> (Option<Code>, String) {
    match check(registration) {
        Err(Error::Refused(refusal)) => (Some(refusal.code), refusal.field.unwrap_or_default().into_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn registrations_that_are_refused() {
    let with = |change: &dyn Fn(&mut Registration)| {
        let mut registration = web("App");
        change(&mut registration);
        refused(&registration).1
    };
    for name in
        [" padded", "", "a\nb", "Bank\u{200b}", "\u{202e}gnp.exe", "\u{2066}x\u{2069}", "\u{feff}Bank"]
    {
        assert_eq!(with(&|r| name.clone_into(&mut r.name)), "name", "{name:?}");
    }
    assert_eq!(with(&|r| r.metadata.redirect_uris.clear()), "redirect_uris");
    assert_eq!(with(&|r| r.metadata.grant_types.push("password".to_owned())), "grant_types");
    assert_eq!(
        with(&|r| r.metadata.token_endpoint_auth_method = AuthMethod::None),
        "token_endpoint_auth_method"
    );
    assert_eq!(with(&|r| r.metadata.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt), "jwks");
    assert_eq!(
        with(&|r| r.metadata.id_token_signed_response_alg = Some("HS256".to_owned())),
        "id_token_signed_response_alg"
    );
    assert_eq!(with(&|r| r.metadata.access_ttl = Some(5)), "access_ttl");
    assert_eq!(with(&|r| r.metadata.scopes.push("a b".to_owned())), "scopes");
    assert_eq!(with(&|r| r.metadata.logo_uri = Some("javascript:alert(1)".to_owned())), "logo_uri");
    assert_eq!(
        with(&|r| r.metadata.backchannel_logout_uri = Some("http://x.example/".to_owned())),
        "backchannel_logout_uri"
    );
    let public = |change: &dyn Fn(&mut Metadata)| {
        let mut registration = web("App");
        registration.is_confidential = false;
        registration.metadata.token_endpoint_auth_method = AuthMethod::None;
        change(&mut registration.metadata);
        refused(&registration).1
    };
    assert_eq!(public(&|m| m.require_pkce = false), "require_pkce");
    assert_eq!(public(&|m| m.grant_types.push("client_credentials".to_owned())), "grant_types");
    let keys = serde_json::json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] });
    assert_eq!(with(&|r| r.metadata.jwks = Some(keys.clone())), "jwks");
    let published = |uri: &str| {
        with(&|r| {
            r.metadata.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
            r.metadata.jwks_uri = Some(uri.to_owned());
            r.metadata.jwks = uri.ends_with("both").then(|| serde_json::json!({ "keys": [] }));
        })
    };
    for uri in
        ["http://keys.example/", "file:///etc/passwd", "https://a:b@keys.example/", "https://x.example/both"]
    {
        assert_eq!(published(uri), "jwks_uri", "{uri}");
    }
}
