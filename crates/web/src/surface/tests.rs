use super::*;

/// The errors that the specifications know, with the statuses they may have.
const KNOWN: &[(&str, &[u16])] = &[
    // RFC 6749 4.1.2.1 and 5.2
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

#[test]
fn descriptions_are_printable_ascii() {
    assert_eq!(oauth_text("a \"b\" \\ é"), "a 'b' ' '");
}
