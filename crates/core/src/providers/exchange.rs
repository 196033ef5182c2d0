//! Asking a provider who it is: code for tokens, and what its endpoints say with them.

use data_encoding::BASE64;
use doorward_proto::{
    jose::{self, Alg, SigningKey},
    json,
    secret::SecretText,
};
use serde_json::{Map, Value as Json};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{
    Claimed, ClientAuth, Discovered, Kind, Mapping, Provider, Wrong,
    begin::Away,
    discovery::{self, LIMITS},
    id_token::{self, Expected},
};
use crate::{call::Call, env::FetchRequest};

/// Seconds for which an assertion in the place of a secret is good.
const ASSERTION: i64 = 300;
/// Words of `amr` that are taken over at the most.
const WORDS: usize = 8;

/// What a code was exchanged for.
struct Tokens {
    access: SecretText,
    id: Option<String>,
}

/// Who has come back with this code.
pub(super) async fn who(
    call: &Call,
    (provider, found): (&Provider, &Discovered),
    away: &Away,
    code: &str,
) -> Result<Claimed, Wrong> {
    let tokens = redeem(call, (provider, found), away, code).await?;
    let settings = &provider.settings;
    let claims = match settings.kind {
        Kind::Oidc => of_openid(call, (provider, found), away, &tokens).await?,
        Kind::OAuth2 => {
            let endpoint = found.userinfo_endpoint.as_deref().unwrap_or_default();
            object(call, endpoint, &tokens).await?
        }
    };
    let mut claimed = read(&claims, &settings.mapping)?;
    if let (Some(endpoint), Kind::OAuth2) = (settings.endpoints.emails.as_deref(), settings.kind) {
        let (email, is_verified) = primary(call, endpoint, &tokens).await?;
        (claimed.email, claimed.is_verified) = (email, is_verified);
    }
    Ok(claimed)
}

async fn of_openid(
    call: &Call,
    (provider, found): (&Provider, &Discovered),
    away: &Away,
    tokens: &Tokens,
) -> Result<Map<String, Json>, Wrong> {
    let settings = &provider.settings;
    let token = tokens.id.as_deref().ok_or_else(|| Wrong::invalid("the answer has no ID token"))?;
    let expected = Expected {
        issuer: settings.issuer.as_deref().unwrap_or_default(),
        client_id: &settings.client_id,
        nonce: &away.nonce,
        access_token: tokens.access.expose(),
        now: call.realm.env.now(),
        again_since: away.again_since,
    };
    let mut claims = id_token::verify(call, found, token, &expected).await?;
    let Some(endpoint) = found.userinfo_endpoint.as_deref() else { return Ok(claims) };
    if claims.contains_key(&settings.mapping.email) {
        return Ok(claims);
    }
    let said = object(call, endpoint, tokens).await?;
    // OpenID Connect Core 5.3.2: what is said of another subject must not be used.
    if said.get("sub") != claims.get("sub") {
        return Err(Wrong::invalid("userinfo speaks of somebody else"));
    }
    for (name, value) in said {
        claims.entry(name).or_insert(value);
    }
    Ok(claims)
}

/// RFC 6749 4.1.3, with PKCE (RFC 7636).
fn question(
    call: &Call,
    (provider, found): (&Provider, &Discovered),
    away: &Away,
    code: &str,
) -> Result<FetchRequest, Wrong> {
    let mut headers = vec![
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("accept", "application/json".to_owned()),
    ];
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &provider.redirect_uri(call))
        .append_pair("code_verifier", &away.verifier);
    let client_id = provider.settings.client_id.as_str();
    match provider.settings.client_auth {
        ClientAuth::Basic => {
            // RFC 6749 2.3.1: both halves are form-encoded first.
            let secret = secret(call, provider)?;
            let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(client_id), encode(secret.expose()));
            headers.push(("authorization", format!("Basic {}", BASE64.encode(pair.as_bytes()))));
        }
        ClientAuth::Post => {
            let secret = secret(call, provider)?;
            form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
        }
        ClientAuth::None => {
            form.append_pair("client_id", client_id);
        }
        ClientAuth::Apple => {
            let assertion = apple(call, provider)?;
            form.append_pair("client_id", client_id).append_pair("client_secret", &assertion);
        }
    }
    let body = form.finish().into_bytes();
    let url = discovery::parse(&found.token_endpoint)?;
    Ok(FetchRequest { method: "POST", url, headers, body })
}

/// Exchanges the code.
async fn redeem(
    call: &Call,
    (provider, found): (&Provider, &Discovered),
    away: &Away,
    code: &str,
) -> Result<Tokens, Wrong> {
    let question = question(call, (provider, found), away, code)?;
    let answer = discovery::send(call, question).await?;
    let members = json::parse_object(&answer.body, LIMITS).map_err(|_| {
        Wrong::Invalid(format!("the token endpoint answers with status {} and no JSON", answer.status))
    })?;
    let text = |name: &str| members.get(name).and_then(Json::as_str);
    // Some say so with status 200.
    if answer.status != 200 || members.contains_key("error") {
        let error = word(text("error").unwrap_or_default());
        return Err(Wrong::Invalid(format!("the token endpoint says {} ({error})", answer.status)));
    }
    if text("token_type").is_none_or(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(Wrong::invalid("the access token is no bearer token"));
    }
    let access = text("access_token").filter(|token| !token.is_empty() && is_header(token));
    let access = access.ok_or_else(|| Wrong::invalid("the answer has no access token"))?;
    Ok(Tokens { access: access.into(), id: text("id_token").map(str::to_owned) })
}

fn is_header(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A short word of somebody else's, for the audit trail and the log.
pub(super) fn word(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'));
    letters.take(64).collect()
}

fn secret(call: &Call, provider: &Provider) -> Result<SecretText, Wrong> {
    let sealed = provider.sealed.as_deref();
    let sealed = sealed.ok_or_else(|| Wrong::invalid("no client secret is configured"))?;
    let opened = call.realm.vault.open(&Provider::place(provider.id), sealed);
    let opened = opened.map_err(|error| Wrong::Invalid(format!("the client secret: {error:?}")))?;
    let text = std::str::from_utf8(&opened).map_err(|_| Wrong::invalid("the client secret is no text"))?;
    Ok(text.into())
}

/// Apple takes an assertion as the secret, signed with the key that it has given.
fn apple(call: &Call, provider: &Provider) -> Result<String, Wrong> {
    let (settings, pem) = (&provider.settings, secret(call, provider)?);
    let key = apple_key(pem.expose()).ok_or_else(|| Wrong::invalid("the client secret is no key"))?;
    let now = call.realm.env.now().as_seconds();
    let header = serde_json::json!({ "alg": Alg::ES256, "kid": settings.key_id });
    let claims = serde_json::json!({
        "iss": settings.team_id, "sub": settings.client_id, "aud": settings.issuer,
        "iat": now, "exp": now + ASSERTION,
    });
    jose::sign(&key, &header, claims.to_string().as_bytes())
        .map_err(|error| Wrong::Invalid(format!("the assertion: {error}")))
}

/// A key for ES256 as PKCS#8 in PEM (RFC 7468).
pub(super) fn apple_key(pem: &str) -> Option<SigningKey> {
    // A field of a form takes the ends of lines away.
    let body = pem.replace("-----BEGIN PRIVATE KEY-----", "").replace("-----END PRIVATE KEY-----", "");
    let body: String = body.split_whitespace().collect();
    let der = zeroize::Zeroizing::new(BASE64.decode(body.as_bytes()).ok()?);
    SigningKey::from_pkcs8(Alg::ES256, &der).ok()
}

async fn answer(call: &Call, endpoint: &str, tokens: &Tokens) -> Result<Vec<u8>, Wrong> {
    let answer = discovery::get(call, endpoint, Some(tokens.access.expose())).await?;
    match answer.status {
        200 => Ok(answer.body),
        status => Err(Wrong::Invalid(format!("{endpoint} answers with status {status}"))),
    }
}

async fn object(call: &Call, endpoint: &str, tokens: &Tokens) -> Result<Map<String, Json>, Wrong> {
    let body = answer(call, endpoint, tokens).await?;
    json::parse_object(&body, LIMITS)
        .map_err(|_| Wrong::Invalid(format!("{endpoint} answers no JSON object")))
}

/// The primary address, from a list of all.
async fn primary(call: &Call, endpoint: &str, tokens: &Tokens) -> Result<(Option<String>, bool), Wrong> {
    let body = answer(call, endpoint, tokens).await?;
    let Ok(Json::Array(all)) = json::parse_value(&body, LIMITS) else {
        return Err(Wrong::Invalid(format!("{endpoint} answers no JSON array")));
    };
    let is = |one: &Json, name: &str| one.get(name) == Some(&Json::Bool(true));
    let Some(one) = all.iter().find(|one| is(one, "primary")) else { return Ok((None, false)) };
    let email = one.get("email").and_then(Json::as_str).map(str::to_owned);
    Ok((email, is(one, "verified")))
}

/// Reads what the provider says by the names that it has for it.
pub(super) fn read(claims: &Map<String, Json>, mapping: &Mapping) -> Result<Claimed, Wrong> {
    let subject = match member(claims, &mapping.subject) {
        Some(Json::String(text)) if !text.is_empty() && text.len() <= 255 => text.clone(),
        Some(Json::Number(number)) => number.to_string(),
        _ => return Err(Wrong::Invalid(format!("the answer has no {}", mapping.subject))),
    };
    let text = |name: &str| {
        let found = member(claims, name).and_then(Json::as_str).map(str::trim);
        found.filter(|text| !text.is_empty() && text.len() <= 512).map(str::to_owned)
    };
    // Apple writes it as a text.
    let said = Some(&mapping.email_verified).filter(|name| !name.is_empty());
    let is_verified = said
        .and_then(|name| member(claims, name))
        .is_some_and(|said| *said == Json::Bool(true) || said == "true" || *said == 1);
    let words = claims.get("amr").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let amr: Vec<String> = words.map(word).filter(|word| !word.is_empty()).take(WORDS).collect();
    Ok(Claimed {
        subject,
        email: text(&mapping.email),
        is_verified,
        name: text(&mapping.name),
        given_name: text("given_name"),
        family_name: text("family_name"),
        amr,
    })
}

/// A member, or one inside another: `data.email`.
fn member<'c>(claims: &'c Map<String, Json>, path: &str) -> Option<&'c Json> {
    if let Some(found) = claims.get(path) {
        return Some(found);
    }
    let mut parts = path.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}
