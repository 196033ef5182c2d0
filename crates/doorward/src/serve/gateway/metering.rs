//! Where the gateway's counts go: into the database, from where usage is read; of a gateway alone, which has
//! none, into the figures for Prometheus only, which name no person and no application.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use doorward_core::{
    realm::Realm,
    usage::{Counts, Kind, Sample},
};
use doorward_gateway::{Decision, Meter, Metered};
use doorward_judge::CredentialKind;
use metrics::Counter;

use super::watch::Watch;

/// Of a server with a database.
pub(super) struct InDatabase(pub(super) Arc<Realm>, pub(super) Arc<Watch>);

/// Of a gateway alone.
pub(in crate::serve) struct InMemory;

impl Meter for InDatabase {
    fn count(&self, metered: &Metered<'_>) {
        let decision = metered.decision;
        let principal = principal(decision);
        let is_own = is_own(decision.credential);
        // Whatever another issuer says, nobody's bill here grows by it.
        let sample = Sample {
            kind: Kind::Request,
            org: decision.organization.as_deref().filter(|_| is_own).unwrap_or_default(),
            principal: &principal,
            client: decision.client.as_deref().filter(|_| is_own).unwrap_or_default(),
            agent: decision.agent.as_deref().filter(|_| is_own).unwrap_or_default(),
            route: decision.route.as_deref().unwrap_or_default(),
            status: metered.status.map_or(0, |it| u8::try_from(it.as_u16() / 100).unwrap_or_default()),
        };
        self.0.usage.count(metered.at, &sample, counts(metered));
        self.1.note(metered);
        tell(metered);
    }
}

impl Meter for InMemory {
    fn count(&self, metered: &Metered<'_>) {
        tell(metered);
    }
}

/// Whether the credential was made here.
pub(super) const fn is_own(credential: Option<CredentialKind>) -> bool {
    use CredentialKind::{AccessToken, ApiKey, ServiceToken, Session};
    matches!(credential, Some(AccessToken | ApiKey | ServiceToken | Session))
}

/// Whose request it is. Who was recognised by something from elsewhere is named after it: another issuer's
/// `usr_…` is nobody here.
fn principal(decision: &Decision) -> Cow<'_, str> {
    match (&decision.subject, decision.credential) {
        (Some(subject), Some(kind)) if !is_own(decision.credential) => {
            let from = decision.issuer.as_deref().unwrap_or(kind.name());
            Cow::Owned(format!("{from}|{subject}"))
        }
        (Some(subject), _) => Cow::Borrowed(subject),
        (None, _) => Cow::Borrowed(""),
    }
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn counts(metered: &Metered<'_>) -> Counts {
    Counts {
        requests: i64::from(metered.is_request),
        denied: i64::from(metered.is_request && metered.is_denied),
        request_bytes: whole(metered.request_bytes),
        response_bytes: whole(metered.response_bytes),
        micros: whole(metered.took.as_micros()),
    }
}

/// Of each route, what came in and what went out; looked up by name once. Routes are named by operators: no label
/// grows with requests.
static VOLUMES: LazyLock<RwLock<HashMap<String, [Counter; 2]>>> = LazyLock::new(RwLock::default);

fn tell(metered: &Metered<'_>) {
    let bytes = [metered.request_bytes, metered.response_bytes];
    if bytes == [0, 0] {
        return;
    }
    let route = metered.decision.route.as_deref().unwrap_or("none");
    let add = |counters: &[Counter; 2]| {
        counters.iter().zip(bytes).for_each(|(counter, bytes)| counter.increment(bytes));
    };
    if let Some(counters) = VOLUMES.read().unwrap_or_else(PoisonError::into_inner).get(route) {
        return add(counters);
    }
    let counters = ["in", "out"].map(|direction| {
        let labels = [("route", route.to_owned()), ("direction", direction.to_owned())];
        metrics::counter!("doorward_gateway_bytes_total", &labels)
    });
    add(&counters);
    VOLUMES.write().unwrap_or_else(PoisonError::into_inner).insert(route.to_owned(), counters);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(credential: CredentialKind, issuer: Option<&str>) -> Decision {
        Decision {
            route: None,
            subject: Some("usr_1".to_owned()),
            credential: Some(credential),
            issuer: issuer.map(str::to_owned),
            organization: None,
            client: None,
            agent: None,
            refused: None,
        }
    }

    #[test]
    fn nobody_from_elsewhere_is_taken_for_one_of_ours() {
        let own = "https://id.example";
        for (credential, issuer, name) in [
            (CredentialKind::AccessToken, Some(own), "usr_1"),
            (CredentialKind::Session, Some(own), "usr_1"),
            (CredentialKind::ApiKey, None, "usr_1"),
            (CredentialKind::ServiceToken, None, "usr_1"),
            (CredentialKind::Jwt, Some("https://other.example"), "https://other.example|usr_1"),
            (CredentialKind::Jwt, None, "jwt|usr_1"),
            (CredentialKind::Basic, None, "basic|usr_1"),
            (CredentialKind::StaticToken, None, "static_token|usr_1"),
            (CredentialKind::Certificate, None, "certificate|usr_1"),
        ] {
            assert_eq!(principal(&decided(credential, issuer)), name, "{credential:?}");
        }
    }
}
