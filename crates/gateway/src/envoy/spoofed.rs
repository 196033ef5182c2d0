//! What of a client's request may not go on to the application, as Envoy is told over gRPC.

use http::HeaderMap;
use http::header::COOKIE;

use crate::proxy::headers::{self, Keeps};

/// Envoy writes these itself, over what came in.
const ENVOYS_OWN: [&str; 4] =
    ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-client-cert", "x-request-id"];

/// The names under which a client may have said who somebody is, in the spellings that it used, and the
/// credentials; our cookies are taken out of the others, which are then `set` anew.
pub(super) fn in_request(client: &HeaderMap, set: &mut HeaderMap, keeps: &Keeps<'_>) -> Vec<String> {
    let is_envoys = |name: &str| ENVOYS_OWN.contains(&name) || headers::HOP_BY_HOP.contains(&name);
    let mut doomed: Vec<String> = client
        .keys()
        .filter(|name| keeps.is_ours(name) && !is_envoys(name.as_str()) && !set.contains_key(*name))
        .map(ToString::to_string)
        .collect();
    match (client.get(COOKIE), headers::foreign_cookies(client)) {
        (Some(_), None) => doomed.push(COOKIE.to_string()),
        (Some(before), Some(after)) if *before != after => {
            set.insert(COOKIE, after);
        }
        _ => {}
    }
    doomed
}
