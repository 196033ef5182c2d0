//! Whether somebody would be let through, asked by whoever decides elsewhere: the routes answer as they would
//! answer a request.
//!
//! What is known of a person, an application or a service token is taken from here, whatever the question says of
//! them; what only a credential says is taken from the question. Nobody is told why somebody is unknown.

use std::net::IpAddr;

use doorward_core::{
    call::Call,
    clients,
    outcome::{Code, Error, Refusal as Wrong, Result as Outcome},
    principals::Status,
    service_tokens::{self, Key, State},
    users::{self, Email},
};
use doorward_gateway::Gateway;
use doorward_judge::{
    Asked, CredentialKind, Identity, IdentityType, Presented, Principal, Refusal, Why, Workspaces,
    path::NormalPath,
};
use doorward_web::routing::{Claimed, Decision, Denial, Question, Sender, SubjectType, Target};
use http::Uri;
use serde_json::Value as Json;

use super::providers::service_identity;

fn wrong(field: &'static str, hint: &'static str) -> Wrong {
    Wrong::new(Code::RequestInvalid).field(field).hint(hint)
}

/// What was said by the rule of this name.
fn told(route: String, who: Option<String>, refused: Option<Refusal>) -> Decision {
    let denial = |it: Refusal| Denial { code: it.why.code(), reason: it.why.message(), whole: it.message() };
    Decision { route, who, refusal: refused.map(denial) }
}

/// Answers.
///
/// # Errors
/// `RequestInvalid` for what no request can be; a fault when the database does not answer.
pub(super) async fn decide(gateway: &Gateway, call: &Call, question: &Question) -> Outcome<Decision> {
    let kind = kind(&question.sender)?;
    let target = target(&question.target)?;
    let asked = target.request.as_ref().map(|(host, path)| Asked {
        method: &question.method,
        host,
        path: path.as_str(),
    });
    // An address that nobody knows is in no network.
    let address = question.address.unwrap_or(IpAddr::from([0, 0, 0, 0]));
    let from = (address, question.time.unwrap_or(call.now));
    let judged = |presented: Presented<'_>| gateway.would_admit(presented, (target.route, asked), from);
    let answer = |principal: &Principal| {
        let (route, said) = judged(Presented::Principal(principal));
        told(route, Some(principal.identity.subject.clone()), said.err())
    };
    let alone = |presented: Presented<'_>| {
        let (route, said) = judged(presented);
        told(route, None, said.err())
    };
    Ok(match &question.sender {
        Sender::Nobody => alone(Presented::Nothing),
        Sender::Somebody { kind: subject, id, claimed } => {
            match principal(call, (*subject, id), claimed, kind).await? {
                Some(found) => answer(&found),
                None => told(judged(Presented::Nothing).0, None, Some(Why::Forbidden.into())),
            }
        }
        Sender::Token(token) => match gateway.recognise(token.expose(), from.1).await {
            Ok(known) => answer(&known.principal),
            Err(refusal) => alone(Presented::Refused(refusal)),
        },
    })
}

struct Place<'q> {
    route: Option<&'q str>,
    request: Option<(String, NormalPath)>,
}

fn target(target: &Target) -> Outcome<Place<'_>> {
    let normal = |field: &'static str, path: &str| {
        NormalPath::read(path).map_err(|_| wrong(field, "The path can be read in more than one way"))
    };
    let host = |field: &'static str, host: &str| match doorward_judge::host::name(host) {
        Some(_) => Ok(host.to_owned()),
        None => Err(wrong(field, "This is no host")),
    };
    match target {
        Target::Address(address) => {
            let field = "resource.id";
            let unlike = || wrong(field, "Write it as https://app.example.com/reports/1");
            let address: Uri = address.parse().map_err(|_| unlike())?;
            let is_http = matches!(address.scheme_str(), Some("http" | "https"));
            let named = address.authority().filter(|_| is_http).ok_or_else(unlike)?;
            let request = (host(field, named.as_str())?, normal(field, address.path())?);
            Ok(Place { route: None, request: Some(request) })
        }
        Target::Route { name, host: named, path } => {
            let request = match (named, path) {
                (Some(named), Some(path)) => Some((
                    host("resource.properties.host", named)?,
                    normal("resource.properties.path", path)?,
                )),
                (None, None) => None,
                _ => return Err(wrong("resource.properties", "Name host and path, or neither").into()),
            };
            Ok(Place { route: Some(name), request })
        }
    }
}

fn kind(sender: &Sender) -> Outcome<CredentialKind> {
    let Sender::Somebody { kind, claimed, .. } = sender else { return Ok(CredentialKind::AccessToken) };
    match (&claimed.credential, kind) {
        (Some(name), _) => serde_json::from_value(Json::String(name.clone())).map_err(|_| {
            wrong("subject.properties.credential", "A kind of credential, as in a route's accept").into()
        }),
        (None, SubjectType::Service) => Ok(CredentialKind::ServiceToken),
        (None, SubjectType::User | SubjectType::Client) => Ok(CredentialKind::AccessToken),
    }
}

async fn principal(
    call: &Call,
    (subject, id): (SubjectType, &str),
    claimed: &Claimed,
    kind: CredentialKind,
) -> Outcome<Option<Principal>> {
    let found = match subject {
        SubjectType::User => user(call, id).await?,
        SubjectType::Client => client(call, id).await?,
        SubjectType::Service => return service(call, id, kind).await,
    };
    Ok(found.map(|identity| with(identity, claimed, kind)))
}

/// Adds what a credential says.
fn with(mut identity: Identity, claimed: &Claimed, kind: CredentialKind) -> Principal {
    let workspaces = claimed.workspaces.iter().flatten().map(String::as_str);
    identity.scopes = claimed.scopes.iter().flatten().cloned().collect();
    identity.workspaces = Workspaces::from_names(workspaces);
    identity.client_id = identity.client_id.or_else(|| claimed.client.clone());
    Principal { audience: claimed.audience.clone().unwrap_or_default(), ..Principal::new(identity, kind) }
}

async fn user(call: &Call, id: &str) -> Outcome<Option<Identity>> {
    let found = match (id.parse(), Email::parse(id)) {
        (Ok(id), _) => users::find(call, id).await?,
        (Err(_), Ok(email)) => users::find_by_email(call, &email).await?,
        (Err(_), Err(_)) => None,
    };
    Ok(found.filter(|person| person.status == Status::Active).map(|person| Identity {
        subject: person.id.to_string(),
        kind: IdentityType::User,
        roles: person.roles.into_iter().collect(),
        role: Some(person.platform_role.name().to_owned()),
        organization: Some(person.org.to_string()),
        email: person.email,
        issuer: Some(call.realm.issuer.clone()),
        ..Identity::default()
    }))
}

async fn client(call: &Call, id: &str) -> Outcome<Option<Identity>> {
    let found = clients::find(call, id).await?.filter(|client| client.is_active());
    Ok(found.map(|client| Identity {
        subject: client.client_id.clone(),
        kind: IdentityType::Service,
        role: Some("service".to_owned()),
        organization: Some(client.org.to_string()),
        client_id: Some(client.client_id.clone()),
        issuer: Some(call.realm.issuer.clone()),
        ..Identity::default()
    }))
}

/// What a service token may do stands in it, so nothing is taken from the question.
async fn service(call: &Call, id: &str, kind: CredentialKind) -> Outcome<Option<Principal>> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let token = match service_tokens::find(call, Key::Version(id)).await {
        Ok(token) => token,
        Err(Error::Refused(refusal)) if refusal.code == Code::TokenNotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_over = matches!(token.state(call.now), State::Expired | State::Revoked);
    if is_over || !service_tokens::stands(call, &token).await? || kind != CredentialKind::ServiceToken {
        return Ok(None);
    }
    let allowed = service_tokens::allowed_addresses(call, &token).await?;
    let Some(addresses) = allowed else { return Ok(None) };
    Ok(Some(Principal {
        expires_at: token.end(),
        addresses,
        ..Principal::new(service_identity(&token), kind)
    }))
}

#[cfg(test)]
mod tests;
