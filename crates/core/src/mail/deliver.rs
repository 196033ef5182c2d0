//! Sending what waits in the outbox.

use std::time::Duration;

use doorward_proto::time::Time;

use super::{Mail, OutgoingMail, SendFailure, Template, Transport, render, sql};
use crate::{announcements, call::Call, outcome::Result};

/// Longer than any try takes; afterwards another node may try.
const CLAIM: Duration = Duration::from_mins(5);
/// With the pauses below: a day and a half.
const TRIES: i64 = 16;
const FIRST_PAUSE: u64 = 30;
const LONGEST_PAUSE: u64 = 6 * 3600;

/// Sends up to `most` mails that are due; answers how many were tried. Does nothing without a transport.
pub(crate) async fn deliver_due(call: &Call, most: usize) -> Result<usize> {
    let Some(transport) = call.realm.mail_transport.clone() else { return Ok(0) };
    for tried in 0..most {
        let now = call.realm.env.now();
        let claimed = call
            .realm
            .db
            .write("mail.claim", now, |tx, now| {
                Box::pin(async move { sql::claim(tx, *now, *now + CLAIM).await })
            })
            .await?;
        let Some((mail, sealed)) = claimed else { return Ok(tried) };
        let outcome = hand_over(call, &transport, &mail, &sealed).await;
        finish(call, mail, outcome).await?;
    }
    Ok(most)
}

async fn hand_over(
    call: &Call,
    transport: &Transport,
    mail: &Mail,
    sealed: &[u8],
) -> std::result::Result<(), SendFailure> {
    if mail.expires_at.is_some_and(|expires_at| expires_at <= call.realm.env.now()) {
        return Err(SendFailure { is_final: true, why: "too old to be of use".to_owned() });
    }
    if mail.template == Template::Announcement {
        let wants = announcements::wants(call, mail).await.map_err(|error| {
            tracing::error!(?error, mail = %mail.id, "whether a reader wants a mail cannot be told");
            SendFailure { is_final: false, why: "whether its reader wants it cannot be told".to_owned() }
        })?;
        if !wants {
            return Err(SendFailure {
                is_final: true,
                why: "its reader does not want it any more".to_owned(),
            });
        }
    }
    let rendered = render::open(call, mail, sealed).await.map_err(|error| {
        tracing::error!(?error, mail = %mail.id, "a mail cannot be written");
        SendFailure { is_final: true, why: "the mail could not be written (see the log)".to_owned() }
    })?;
    let outgoing = OutgoingMail {
        id: mail.id,
        from: call.realm.settings.mail.from.clone(),
        to: mail.recipient.clone(),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        logo: rendered.logo,
        headers: rendered.way_out.as_deref().map(way_out).unwrap_or_default(),
    };
    transport(outgoing).await
}

/// How a mail program unsubscribes its reader (RFC 2369); by itself only over https (RFC 8058 3.1).
fn way_out(link: &str) -> Vec<(&'static str, String)> {
    let by_itself = link.starts_with("https://");
    let mut headers = vec![("List-Unsubscribe", format!("<{link}>"))];
    if by_itself {
        headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    headers
}

async fn finish(call: &Call, mail: Mail, outcome: std::result::Result<(), SendFailure>) -> Result<()> {
    let now = call.realm.env.now();
    if let Err(failure) = &outcome {
        tracing::warn!(mail = %mail.id, attempts = mail.attempts, why = %failure.why, "a mail was not sent");
    }
    call.realm
        .db
        .write("mail.finish", (mail, outcome, now), |tx, (mail, outcome, now)| {
            Box::pin(async move {
                match outcome {
                    Ok(()) => sql::sent(tx, mail.id, *now).await,
                    Err(failure) => {
                        let gives_up = failure.is_final || mail.attempts >= TRIES;
                        let why: String = failure.why.chars().take(500).collect();
                        sql::failed(tx, mail.id, gives_up, *now + pause(mail.attempts), &why).await
                    }
                }
            })
        })
        .await
}

/// 30 s, then twice as long each time, six hours at most.
fn pause(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(20);
    Duration::from_secs((FIRST_PAUSE << doubled).min(LONGEST_PAUSE))
}

/// When a mail is due next.
pub(crate) async fn next_due(call: &Call) -> Result<Option<Time>> {
    if call.realm.mail_transport.is_none() {
        return Ok(None);
    }
    call.realm.db.read("mail.next_due", (), |tx, ()| Box::pin(async move { sql::next_due(tx).await })).await
}
