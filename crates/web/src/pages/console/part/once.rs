//! A form that makes a secret, sent once or more: the work is done once, its answer is kept sealed for a
//! while, and each time the browser is sent on to the page that shows it.
//!
//! What is kept opens only for the cookie of the browser that sent the form, under the word that the form
//! came with. The address of the page holds that word, and is worth nothing elsewhere.

use std::time::Duration;

use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use doorward_core::{
    idempotency::{self, Begun, Claim, Recalled},
    outcome::{Code, Error, Refusal, Result as Outcome},
};
use doorward_proto::{form::Params, secret::SecretText};
use http::{HeaderValue, header::REFRESH};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::Serializer;

use crate::{
    edge::BODY_LIMIT,
    pages::visit::{Visit, to},
};

/// The field of forms, and the parameter of the page.
const FIELD: &str = "once";
/// For so long the same form shows the same secret.
const SHOWN: Duration = Duration::from_mins(10);

/// What came of a form.
#[derive(Deserialize)]
pub struct Told {
    /// Of what.
    pub id: String,
    /// Where there is one.
    pub secret: Option<SecretText>,
    /// Whether the thing is new, and not only its secret.
    pub is_new: bool,
}

/// What is known of a form that was sent.
pub enum Known {
    /// Nothing that this browser is told: never sent, by another one, or too long ago.
    Nothing,
    /// The first of two clicks is under way.
    UnderWay,
    /// It is done.
    Told(Told),
}

/// The word of a form that is shown now.
pub fn word(visit: &Visit) -> Outcome<String> {
    Ok(BASE64URL_NOPAD.encode(&visit.call.realm.env.unique::<16>()?))
}

/// The claim of this browser on a form.
fn claim(visit: &Visit, word: &str) -> Outcome<Claim> {
    let is_word = BASE64URL_NOPAD.decode(word.as_bytes()).is_ok_and(|bytes| bytes.len() == 16);
    let wrong = || Refusal::new(Code::RequestInvalid).field(FIELD).hint("Open the form again");
    let cookie = visit.cookie.as_ref().filter(|_| is_word).ok_or_else(wrong)?;
    let credential = visit.call.realm.vault.hash(cookie);
    Ok(Claim::new(&visit.call, credential, &format!("console {word}"), visit.sent.value().as_bytes()))
}

/// Does the work of a form that came with `word`, unless it has been done, and sends the browser to the page
/// at `shown`. The work goes on when the browser hangs up, so that its second try finds the secret.
///
/// # Errors
/// What the work is refused with; `IdempotencyConflict` where the form was sent with other fields before.
pub async fn send<W>(visit: &Visit, (word, shown): (&str, &str), work: W) -> Outcome<Response>
where
    W: Future<Output = Outcome<Told>> + Send + 'static,
{
    let claim = claim(visit, word)?;
    let query = Serializer::new(String::new()).append_pair(FIELD, word).finish();
    let onward = format!("{shown}?{query}");
    match idempotency::begin(&visit.call, &claim).await {
        Ok(Begun::Fresh) => {}
        Ok(Begun::Answered(_)) => return Ok(to(&onward)),
        // The first of two clicks is under way: the page waits for it.
        Err(error) if error.code() == Some(Code::Conflict) => return Ok(to(&onward)),
        Err(error) => return Err(error),
    }
    let call = visit.call.clone();
    let done = tokio::spawn(async move {
        let told = match work.await {
            Ok(told) => told,
            Err(error) => {
                idempotency::release(&call, &claim).await?;
                return Err(error);
            }
        };
        let secret = told.secret.as_ref().map(SecretText::expose);
        let kept = json!({ "id": told.id, "secret": secret, "is_new": told.is_new });
        idempotency::finish_for(&call, &claim, kept.to_string().as_bytes(), SHOWN).await
    });
    done.await.map_err(Error::from)??;
    Ok(to(&onward))
}

/// What came of the form whose word the address holds; `None` where it holds none.
///
/// # Errors
/// `RequestInvalid` where it is no word of a form.
pub async fn recall(visit: &Visit) -> Outcome<Option<Known>> {
    let params = Params::parse(visit.query().as_bytes(), BODY_LIMIT)
        .map_err(|_| Error::from(Refusal::new(Code::RequestInvalid)))?;
    let Some(word) = params.one(FIELD).ok().flatten() else { return Ok(None) };
    Ok(Some(match idempotency::recall(&visit.call, &claim(visit, word)?).await? {
        Recalled::Nothing => Known::Nothing,
        Recalled::UnderWay => Known::UnderWay,
        Recalled::Answered(kept) => Known::Told(serde_json::from_slice(&kept).map_err(Error::from)?),
    }))
}

/// Has the browser look again in a second.
pub fn looks_again(mut response: Response) -> Response {
    response.headers_mut().insert(REFRESH, HeaderValue::from_static("1"));
    response
}
