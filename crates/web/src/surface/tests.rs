use super::*;

/// The errors that the specifications know, with the statuses they may have.
const KNOWN: &[(&str, &[u16])] = &[
    // RFC 6749 4.1.2.1, which a redirect may say, and 5.2
    ("invalid_request", &[400, 403, 404, 405, 408, 409, 412, 413, 415, 422, 431]),
    ("invalid_client", &[401]),
    ("invalid_grant", &[400]),
    ("unauthorized_client", &[400]),
    ("unsupported_grant_type", &[400]),
    ("unsupported_response_type", &[400]),
    ("invalid_scope", &[400]),
    ("access_denied", &[401, 403, 409]),
    ("temporarily_unavailable", &[502, 503, 504]),
    ("server_error", &[502]),
    // RFC 6750 3.1
    ("invalid_token", &[401]),
    ("insufficient_scope", &[403]),
    // RFC 7009 2.2.1, 7591 3.2.2, 8628 3.5, 8707 2, 9101 7, 9396 5, 9449 5 and 8
    ("unsupported_token_type", &[400]),
    ("invalid_redirect_uri", &[400]),
    ("invalid_client_metadata", &[400]),
    ("slow_down", &[429]),
    ("invalid_target", &[400]),
    ("invalid_request_uri", &[400]),
    ("request_not_supported", &[400]),
    ("request_uri_not_supported", &[400]),
    ("invalid_authorization_details", &[400]),
    ("invalid_dpop_proof", &[400]),
    ("use_dpop_nonce", &[400, 401]),
    // OpenID Connect Core 3.1.2.6, Unmet Authentication Requirements 1.0
    ("login_required", &[400, 401]),
    ("consent_required", &[400]),
    ("account_selection_required", &[400]),
    ("interaction_required", &[400]),
    ("unmet_authentication_requirements", &[400]),
];

#[test]
fn every_code_speaks_the_specifications_words() {
    for code in Code::ALL {
        let wire = wire_of(*code);
        let Some((_, statuses)) = KNOWN.iter().find(|(error, _)| *error == wire.oauth) else {
            panic!("{code:?}: {} is no registered error", wire.oauth);
        };
        assert!(statuses.contains(&wire.status.as_u16()), "{code:?}: {} with {}", wire.oauth, wire.status);
        assert!(!wire.title.is_empty() && !wire.title.ends_with('.'));
    }
}

/// What RFC 6749 5.2, and RFC 8707 and 9449 after it, let the token endpoint say.
const AT_TOKEN: &[&str] = &[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "invalid_dpop_proof",
    "use_dpop_nonce",
];

#[test]
fn no_grant_is_refused_with_the_word_of_a_redirect() {
    use Code as C;
    let refused = [
        C::GrantUnsupported,
        C::GrantNotAllowed,
        C::GrantEnded,
        C::PrincipalEnded,
        C::OrgAddress,
        C::ScopeInvalid,
        C::TargetInvalid,
        C::CodeUnknown,
        C::CodeReused,
        C::CodeExpired,
        C::CodeRedirectUri,
        C::PkceMismatch,
        C::RefreshUnknown,
        C::RefreshReused,
        C::RefreshExpired,
        C::DpopInvalid,
        C::ClientUnknown,
        C::ClientAuthentication,
        C::ClientAddress,
    ];
    for code in refused {
        let (error, status) = oauth_error(code);
        assert!(AT_TOKEN.contains(&error), "{code:?}: {error}");
        assert!(matches!(status.as_u16(), 400 | 401), "{code:?}: {status}");
    }
}

#[test]
fn descriptions_are_printable_ascii() {
    assert_eq!(oauth_text("a \"b\" \\ é"), "a 'b' ' '");
}
