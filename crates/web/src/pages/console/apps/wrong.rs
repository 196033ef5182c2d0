//! What a refusal means for a form about an application: for addresses which line, and why.

use doorward_core::outcome::{Code, Refusal};
use doorward_proto::redirect::{BadRedirectUri, RedirectUri};

use super::Site;
use crate::pages::{form::Errors, text::Text};

/// Members of an application, by the field of the form that holds each, and the sentence that says what it may
/// be.
const FIELDS: [(&str, &str, &str); 23] = [
    ("first_party", "", "apps-first-party-wrong"),
    ("name", "name", "apps-name-wrong"),
    ("client_id", "client_id", "apps-client-id-wrong"),
    ("org_id", "org", "apps-org-wrong"),
    ("redirect_uris", "redirect_uris", "apps-redirects-wrong"),
    ("post_logout_redirect_uris", "signed_out", "apps-redirects-wrong"),
    ("grant_types", "grant_types", "apps-grants-wrong"),
    ("scopes", "scopes", "apps-scopes-wrong"),
    ("token_endpoint_auth_method", "method", "apps-method-wrong"),
    ("jwks", "jwks", "apps-jwks-wrong"),
    ("jwks_uri", "jwks_uri", "apps-jwks-uri-wrong"),
    ("backchannel_logout_uri", "backchannel", "apps-https-wrong"),
    ("allowed_addresses", "addresses", "tokens-addresses-wrong"),
    ("require_pkce", "pkce", "apps-pkce-wrong"),
    ("default_max_age", "max_age", "apps-seconds-wrong"),
    ("default_api", "default_api", "apps-api-wrong"),
    ("apis", "apis", "apps-api-wrong"),
    ("access_ttl", "access_ttl", "apps-access-ttl-wrong"),
    ("refresh_ttl", "refresh_ttl", "apps-refresh-ttl-wrong"),
    ("logo_uri", "logo_uri", "apps-address-wrong"),
    ("client_uri", "client_uri", "apps-address-wrong"),
    ("providers", "providers", "apps-providers-wrong"),
    ("policy_uri", "policy_uri", "apps-address-wrong"),
];

/// The errors of a form; `addresses` are those that were typed, by the name of their field. What an organisation's
/// application may is narrower, and the refusal says how.
pub(super) fn wrong(
    text: Text,
    refusal: &Refusal,
    (site, addresses): (&Site, &[(&'static str, &[String])]),
) -> Option<Errors> {
    let member = refusal.field.as_deref().unwrap_or_default();
    let (field, key) = match (refusal.code, member) {
        (Code::Conflict, "client_id") => ("client_id", "apps-client-id-taken"),
        (Code::Conflict, _) if site.org().is_some() => {
            return Some(Errors::one("", text.with("words-wrong", "why", &refusal.hint)));
        }
        (Code::VersionMismatch, _) => ("", "console-changed-meanwhile"),
        (Code::IdempotencyConflict, _) => ("", "tokens-sent-before"),
        (Code::ClientMetadataInvalid, "tos_uri") => ("tos_uri", "apps-address-wrong"),
        (Code::ClientMetadataInvalid | Code::RedirectUriInvalid | Code::RequestInvalid, _) => {
            let known = FIELDS.iter().find(|(name, ..)| *name == member)?;
            let typed = addresses.iter().find(|(field, _)| *field == known.1);
            if let Some(why) = typed.and_then(|(_, typed)| unfit(text, typed)) {
                return Some(Errors::one(known.1, why));
            }
            if site.org().is_some() && !known.1.is_empty() && !refusal.hint.is_empty() {
                return Some(Errors::one(known.1, text.with("words-wrong", "why", &refusal.hint)));
            }
            (known.1, known.2)
        }
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}

/// The first of several addresses that cannot be registered, and why not.
fn unfit(text: Text, addresses: &[String]) -> Option<String> {
    let (line, uri, why) = addresses
        .iter()
        .enumerate()
        .find_map(|(place, uri)| Some((place + 1, uri, uri.parse::<RedirectUri>().err()?)))?;
    let why = text.get(match why {
        BadRedirectUri::Malformed => "apps-uri-malformed",
        BadRedirectUri::Fragment => "apps-uri-fragment",
        BadRedirectUri::UserInfo => "apps-uri-user",
        BadRedirectUri::Wildcard => "apps-uri-wildcard",
        BadRedirectUri::PlainHttp => "apps-uri-http",
        BadRedirectUri::Scheme => "apps-uri-scheme",
    });
    Some(format!("{} {why}", text.with2("apps-uri-line", ("line", &line.to_string()), ("uri", uri))))
}
