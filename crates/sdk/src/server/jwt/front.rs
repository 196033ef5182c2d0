//! Managed proxies in front of us, which say in a signed header who somebody is: load balancers of AWS, Cloudflare
//! Access, the Identity-Aware Proxy of Google Cloud, Pomerium.

use http::HeaderName;

use super::{IssuerKind, IssuerSpec, by_kid::KID, workload::Wrong};
use crate::server::identity_headers;

/// Headers that have a meaning of their own.
const TAKEN: [&str; 9] = [
    "authorization",
    "proxy-authorization",
    "api-key",
    "x-api-key",
    "x-chroma-token",
    "cookie",
    "dpop",
    "host",
    "x-forwarded-for",
];

/// The header in which its tokens count.
///
/// # Errors
/// What makes no sense.
pub(super) fn check(spec: &IssuerSpec) -> Result<Option<HeaderName>, Wrong> {
    let wrong = |field, what: &str| Err((field, what.to_owned()));
    if spec.keys_url.is_some() {
        if spec.signer.is_none() {
            return wrong(
                "signer",
                "everybody's load balancers have their keys there; name yours, by its ARN",
            );
        }
        let more = [
            spec.jwks_url.is_some(),
            spec.jwks_static.is_some(),
            spec.jwks_file.is_some(),
            spec.token_review_url.is_some(),
            spec.jwt_secret.is_some(),
        ];
        if more.contains(&true) {
            return wrong("keys_url", "there are other keys, or a secret, too; keep one of them");
        }
    }
    if spec.signer.as_ref().is_some_and(|signer| signer.is_empty() || signer.contains(char::is_whitespace)) {
        return wrong("signer", "write the ARN of the load balancer");
    }
    let Some(name) = &spec.header else {
        for (field, is_said) in [("keys_url", spec.keys_url.is_some()), ("signer", spec.signer.is_some())] {
            if is_said {
                return wrong(field, "it goes with the header in which the proxy in front sends its tokens");
            }
        }
        return Ok(None);
    };
    if spec.kind != IssuerKind::Jwt {
        return wrong("header", "workloads present their tokens themselves; take this or the kind away");
    }
    let header = HeaderName::try_from(name.as_str());
    let header = header.map_err(|_| ("header", format!("`{name}` is no header")))?;
    let plain = identity_headers::plain(&header);
    if TAKEN.contains(&plain.as_ref()) || identity_headers::NAMES.contains(&plain.as_ref()) {
        return Err(("header", format!("`{name}` says something else; write the one of the proxy in front")));
    }
    Ok(Some(header))
}

/// What stands before and after the name of a key.
///
/// # Errors
/// It does not stand in a path, once.
pub(super) fn around_kid(url: &str) -> Result<(&str, &str), String> {
    let wrong = || format!("`{url}` has to hold {KID} once, as a part of its path");
    let (before, after) = url.split_once(KID).ok_or_else(wrong)?;
    let has_host = before.split_once("://").is_some_and(|(_, rest)| rest.find('/').is_some_and(|at| at > 0));
    let is_part = before.ends_with('/') && (after.is_empty() || after.starts_with(['/', '.']));
    if has_host && is_part && !before.contains(['?', '#']) && !after.contains(KID) {
        Ok((before, after))
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests;
