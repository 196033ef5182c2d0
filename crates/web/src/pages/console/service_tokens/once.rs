//! A form that makes a secret, sent once or more: the work is done once, its answer is kept sealed for a
//! while, and each time the browser is sent on to the page that shows it.
//!
//! What is kept opens only for the cookie of the browser that sent the form, under the word that the form
//! came with. The address of the page holds that word, and is worth nothing elsewhere.

use std::time::Duration;

use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use doorward_core::{
    idempotency::{self, Begun, Claim},
    outcome::{Code, Error, Refusal, Result as Outcome},
    service_tokens::WithSecret,
};
use serde_json::json;
use url::form_urlencoded::Serializer;

use crate::pages::visit::{Visit, to};

/// The field of forms, and the parameter of the page.
pub(super) const FIELD: &str = "once";
/// For so long the same form shows the same secret.
const SHOWN: Duration = Duration::from_mins(10);

/// The word of a form that is shown now.
pub(super) fn word(visit: &Visit) -> Outcome<String> {
    Ok(BASE64URL_NOPAD.encode(&visit.call.realm.env.unique::<16>()?))
}

/// The claim of this browser on a form.
pub(super) fn claim(visit: &Visit, word: &str) -> Outcome<Claim> {
    let is_word = BASE64URL_NOPAD.decode(word.as_bytes()).is_ok_and(|bytes| bytes.len() == 16);
    let wrong = || Refusal::new(Code::RequestInvalid).field(FIELD).hint("Open the form again");
    let cookie = visit.cookie.as_ref().filter(|_| is_word).ok_or_else(wrong)?;
    let credential = visit.call.realm.vault.hash(cookie);
    Ok(Claim::new(&visit.call, credential, &format!("console {word}"), visit.sent.value().as_bytes()))
}

/// Does the work of a form, unless it has been done, and sends the browser to what came of it. The work goes
/// on when the browser hangs up, so that its second try finds the secret.
///
/// # Errors
/// What the work is refused with; `IdempotencyConflict` where the form was sent with other fields before.
pub(super) async fn send<W>(visit: &Visit, word: &str, is_new: bool, work: W) -> Outcome<Response>
where
    W: Future<Output = Outcome<WithSecret>> + Send + 'static,
{
    let claim = claim(visit, word)?;
    let query = Serializer::new(String::new()).append_pair(FIELD, word).finish();
    let onward = format!("{}/secret?{query}", super::PATH);
    match idempotency::begin(&visit.call, &claim).await {
        Ok(Begun::Fresh) => {}
        Ok(Begun::Answered(_)) => return Ok(to(&onward)),
        // The first of two clicks is under way: the page waits for it.
        Err(error) if error.code() == Some(Code::Conflict) => return Ok(to(&onward)),
        Err(error) => return Err(error),
    }
    let call = visit.call.clone();
    let done = tokio::spawn(async move {
        let made = match work.await {
            Ok(made) => made,
            Err(error) => {
                idempotency::release(&call, &claim).await?;
                return Err(error);
            }
        };
        let id = made.token.id.to_string();
        let told = json!({ "id": id, "secret": made.secret.expose(), "is_new": is_new });
        idempotency::finish_for(&call, &claim, told.to_string().as_bytes(), SHOWN).await
    });
    done.await.map_err(Error::from)??;
    Ok(to(&onward))
}
