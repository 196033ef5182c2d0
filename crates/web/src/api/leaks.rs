//! Secrets that were found where they must not be: `/api/v1/leaks`. Whoever holds a secret can use it, so
//! whoever holds it may end it: a scanner of repositories needs no account here.

use doorward_core::service_tokens::{Reported, Token, report_leak};
use doorward_proto::secret::SecretText;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, found},
    body::Input,
    caller::Caller,
    endpoint::Endpoint,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/leaks", report)
            .open()
            .takes::<LeakBody>()
            .answers::<LeakView>()
            .says("Reports a secret that was found where it must not be; its service token ends at once"),
    ]
}

/// A secret that was found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Leak)]
struct LeakBody {
    /// The secret itself.
    #[schema(value_type = String, format = Password)]
    secret: SecretText,
    /// Where it was found; for the audit trail.
    found_at: Option<String>,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportedLeak)]
struct LeakView {
    /// `revoked`; `revoked_before`; `unknown` where no token here has this secret.
    status: &'static str,
    /// The version that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<String>,
}

async fn report(caller: Caller, Input(body): Input<LeakBody>) -> Answer {
    let view =
        |status, token: Option<Token>| LeakView { status, token_id: token.map(|it| it.id.to_string()) };
    found(&match report_leak(&caller.call, &body.secret, body.found_at).await? {
        Reported::Unknown => view("unknown", None),
        Reported::Before(token) => view("revoked_before", Some(token)),
        Reported::Revoked(token) => view("revoked", Some(token)),
    })
}
