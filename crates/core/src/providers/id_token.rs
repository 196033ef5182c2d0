//! An ID token of a provider (OpenID Connect Core 3.1.3.7): signature, issuer, audience, time, and that it was
//! issued for this very try.

use doorward_proto::{
    id_token::left_hash,
    jose::{Alg, Unverified},
    time::Time,
};
use serde_json::{Map, Value as Json};

use super::{Discovered, Wrong};
use crate::{call::Call, clients::keys_of_issuer};

/// Seconds by which two clocks may differ.
const SKEW: i64 = 60;
const LONGEST_SUBJECT: usize = 255;

/// What a token has to agree with.
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    pub(super) access_token: &'e str,
    pub(super) now: Time,
    /// Since when the person has to have proven anew who they are.
    pub(super) again_since: Option<Time>,
}

/// The claims of a token that can be believed.
pub(super) async fn verify(
    call: &Call,
    found: &Discovered,
    token: &str,
    expected: &Expected<'_>,
) -> Result<Map<String, Json>, Wrong> {
    let wrong = |why: String| Wrong::Invalid(format!("the ID token: {why}"));
    let unverified = Unverified::decode_foreign(token).map_err(|error| wrong(error.to_string()))?;
    let uri = found.jwks_uri.as_deref().ok_or_else(|| Wrong::invalid("no jwks_uri is known"))?;
    let keys = keys_of_issuer(call, uri, &unverified).await.map_err(|error| wrong(format!("{error:?}")))?;
    let keys = keys.ok_or_else(|| Wrong::Unreachable(format!("no keys can be read at {uri}")))?;
    keys.verify(&unverified).map_err(|error| wrong(error.to_string()))?;
    let alg = unverified.header().alg;
    let claims = unverified.unverified_claims().map_err(|error| wrong(error.to_string()))?;
    judge(&claims, alg, expected).map_err(|why| wrong(why.to_owned()))?;
    Ok(claims)
}

/// Everything but the signature.
pub(super) fn judge(
    claims: &Map<String, Json>,
    alg: Alg,
    expected: &Expected<'_>,
) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Json::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err("it is of another issuer");
    }
    if text("sub").is_none_or(|sub| sub.is_empty() || sub.len() > LONGEST_SUBJECT) {
        return Err("it says of nobody in particular who it is");
    }
    is_for_us(claims, expected.client_id)?;
    let seconds = |name: &str| claims.get(name).and_then(Json::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds of this age are exact")]
    let now = expected.now.as_seconds() as f64;
    let skew = f64::from(i32::try_from(SKEW).unwrap_or(0));
    if seconds("exp").is_none_or(|exp| exp + skew <= now) {
        return Err("it has expired");
    }
    if seconds("iat").is_none_or(|iat| iat - skew > now) {
        return Err("it was issued in the future");
    }
    if seconds("nbf").is_some_and(|nbf| nbf - skew > now) {
        return Err("it is not good yet");
    }
    // OpenID Connect Core 2: whoever is asked with max_age says when the person proved who they are.
    #[expect(clippy::cast_precision_loss, reason = "seconds of this age are exact")]
    let asked_since = expected.again_since.map(|since| since.as_seconds() as f64 - skew);
    if asked_since.is_some_and(|since| seconds("auth_time").is_none_or(|proven| proven < since)) {
        return Err("it does not say that the person was asked anew");
    }
    if text("nonce") != Some(expected.nonce) {
        return Err("it was not issued for this try");
    }
    match claims.get("at_hash") {
        Some(hash) if *hash != left_hash(alg, expected.access_token) => {
            Err("it belongs to another access token")
        }
        _ => Ok(()),
    }
}

fn is_for_us(claims: &Map<String, Json>, client_id: &str) -> Result<(), &'static str> {
    let (is_named, is_alone) = match claims.get("aud") {
        Some(Json::String(one)) => (one == client_id, true),
        Some(Json::Array(all)) => (all.iter().any(|one| one == client_id), all.len() == 1),
        _ => (false, false),
    };
    let is_party = match claims.get("azp") {
        Some(party) => party == client_id,
        None => is_alone,
    };
    if is_named && is_party { Ok(()) } else { Err("it is for another client") }
}
