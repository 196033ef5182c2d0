//! The authorization matrix of organisations: every route of the API that is about one × everybody who may
//! come. A new route without a row here fails the test.

use std::sync::Arc;

use crate::api_kit::{Answer, Server};
use doorward_core::credentials::{PasswordAsk, sign_in};
use doorward_web::api::{Access, endpoints};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "correct horse battery 7 staple";

/// The least that somebody must be in the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Least {
    Member,
    Admin,
    Owner,
}

use Least::{Admin, Member, Owner};

/// Every route below `/api/v1/orgs/{org}`, the least that who calls it must be, and a body that it takes.
const ROWS: &str = r#"
GET / member
PATCH / admin {"name": "Renamed"}
DELETE / owner
GET /members admin
GET /members/{user} admin
PATCH /members/{user} admin {"role": "member"}
DELETE /members/{user} admin
POST /transfer owner {"user_id": "usr_x"}
GET /domains admin
POST /domains admin {"domain": "example.net"}
POST /domains/{domain}/verify admin
DELETE /domains/{domain} admin
GET /fields member
POST /fields admin {"key": "another", "kind": "text", "label": "Another"}
GET /fields/{field} member
PATCH /fields/{field} admin {"label": "Renamed"}
DELETE /fields/{field} admin
GET /members/{user}/profile admin
GET /join-clients member
POST /join-clients admin {"client_id": "app"}
DELETE /join-clients/{client} admin
GET /connections admin
POST /connections owner {"slug": "another", "name": "SSO", "issuer": "https://login.example", "client_id": "us", "client_secret": "s"}
GET /connections/{connection} admin
PATCH /connections/{connection} owner {"name": "Renamed"}
POST /connections/{connection}/test owner
GET /connections/{connection}/usage admin
DELETE /connections/{connection} owner
GET /roles admin
POST /roles admin {"name": "another"}
GET /roles/{role} admin
PATCH /roles/{role} admin {"description": "More"}
DELETE /roles/{role} admin
GET /claims admin
POST /claims admin {"name": "another", "expression": "1"}
POST /claims/test admin {"user_id": "usr_x", "client_id": "x"}
GET /claims/{claim} admin
PATCH /claims/{claim} admin {"expression": "2"}
DELETE /claims/{claim} admin
GET /workspaces admin
POST /workspaces admin {"name": "Another"}
GET /workspaces/{workspace} admin
PATCH /workspaces/{workspace} admin {"name": "Renamed"}
DELETE /workspaces/{workspace} admin
GET /workspaces/{workspace}/members admin
POST /workspaces/{workspace}/members admin {"user_id": "usr_x"}
GET /workspaces/{workspace}/members/{user} admin
PATCH /workspaces/{workspace}/members/{user} admin {"role": "editor"}
DELETE /workspaces/{workspace}/members/{user} admin
GET /branding admin
PATCH /branding admin {"name": "Brand"}
GET /clients/{client}/branding admin
PATCH /clients/{client}/branding admin {"name": "Brand"}
GET /mail-templates admin
GET /mail-templates/{template}/{locale} admin
PATCH /mail-templates/{template}/{locale} admin {"subject": "Come"}
POST /mail-templates/{template}/{locale}/preview admin {}
POST /mail-templates/{template}/{locale}/test admin
DELETE /mail-templates/{template}/{locale} admin
GET /announcements admin
POST /announcements admin {"subject": "News", "text": "We meet at nine."}
GET /announcements/{announcement} admin
POST /announcements/{announcement}/stop admin
GET /usage admin
GET /clients admin
POST /clients admin {"name": "Another", "redirect_uris": ["http://127.0.0.1/cb"]}
GET /clients/{client} admin
PATCH /clients/{client} admin {"redirect_uris": ["http://127.0.0.1/cb"]}
DELETE /clients/{client} admin
POST /clients/{client}/rotate admin {}
POST /clients/{client}/retire admin
POST /clients/{client}/suspend admin
POST /clients/{client}/resume admin
GET /apis admin
POST /apis admin {"identifier": "another", "name": "Another"}
GET /apis/{api} admin
PATCH /apis/{api} admin {"name": "Renamed"}
DELETE /apis/{api} admin
GET /service-tokens admin
POST /service-tokens admin {}
GET /service-tokens/{token} admin
PATCH /service-tokens/{token} admin {"purpose": "tests"}
POST /service-tokens/{token}/rotate admin {}
POST /service-tokens/{token}/revoke admin {"reason": "tests"}
GET /audit admin
GET /audit/{event} admin
GET /analytics admin
GET /invitations admin
POST /invitations admin {"email": "new@example.org"}
DELETE /invitations/{id} admin
"#;

fn rows() -> Vec<(Method, String, Least, Option<Json>)> {
    let row = |line: &str| {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("a row lacks a word: {line}"));
        let method = word().parse().unwrap();
        let path = format!("/api/v1/orgs/{{org}}{}", word().trim_end_matches('/'));
        let least = match word() {
            "member" => Member,
            "admin" => Admin,
            "owner" => Owner,
            other => panic!("{other} is nobody in an organisation"),
        };
        let body = words.next().map(|body| serde_json::from_str(body).unwrap());
        (method, path, least, body)
    };
    ROWS.lines().filter(|line| !line.is_empty()).map(row).collect()
}

fn connection(slug: &str) -> Json {
    json!({"slug": slug, "name": "SSO", "issuer": "https://login.example", "client_id": "us", "client_secret": "s"})
}

struct Person {
    id: String,
    cookie: String,
}

/// Somebody with an account, signed in at a browser.
async fn person(server: &Server, name: &str, role: &str) -> Person {
    let email = format!("{name}@example.org");
    let body = json!({"email": email, "password": PASSWORD, "email_verified": true, "role": role});
    let user = server.make("/api/v1/users", body).await;
    let ask = PasswordAsk { identifier: email, password: PASSWORD.into(), cookie: None };
    let signed = sign_in(&server.world.call(), ask).await.unwrap();
    let cookie = format!("__Host-doorward={}", signed.cookie.expose());
    Person { id: user["id"].as_str().unwrap().to_owned(), cookie }
}

/// An organisation with an owner, an admin, a member, somebody else, a role and an invitation.
struct Team {
    id: String,
    somebody: String,
    invitation: String,
    client: String,
    event: String,
    claim: String,
}

async fn team(server: &Server, people: [&Person; 4], number: usize) -> Team {
    let [owner, admin, member, somebody] = people;
    let org = server.make("/api/v1/orgs", json!({"name": format!("Team {number}"), "owner": owner.id})).await;
    let id = org["id"].as_str().unwrap().to_owned();
    for (person, role) in [(admin, "admin"), (member, "member"), (somebody, "member")] {
        server.make(&format!("/api/v1/orgs/{id}/members"), json!({"user_id": person.id, "role": role})).await;
    }
    server.make(&format!("/api/v1/orgs/{id}/roles"), json!({"name": "helper"})).await;
    server.make(&format!("/api/v1/orgs/{id}/domains"), json!({"domain": "example.com"})).await;
    let field = json!({"key": "department", "kind": "text", "label": "Department"});
    server.make(&format!("/api/v1/orgs/{id}/fields"), field).await;
    server.make(&format!("/api/v1/orgs/{id}/connections"), connection("sso")).await;
    let rooms = format!("/api/v1/orgs/{id}/workspaces");
    server.make(&rooms, json!({"name": "Room", "slug": "room"})).await;
    server.make(&format!("{rooms}/room/members"), json!({"user_id": somebody.id})).await;
    let invited = json!({"email": "invited@example.org", "send_mail": false});
    let invited = server.make(&format!("/api/v1/orgs/{id}/invitations"), invited).await;
    let invitation = invited["id"].as_str().unwrap().to_owned();
    let client = format!("app-{number}");
    let app = json!({"client_id": client, "name": "App", "org_id": id, "redirect_uris": ["https://app.example/cb"]});
    server.make("/api/v1/clients", app).await;
    server
        .make(&format!("/api/v1/orgs/{id}/apis"), json!({"identifier": "reports", "name": "Reports"}))
        .await;
    server.make(&format!("/api/v1/orgs/{id}/service-tokens"), json!({"name": "nightly"})).await;
    server.make(&format!("/api/v1/orgs/{id}/join-clients"), json!({"client_id": client})).await;
    let events = server.root(Method::GET, &format!("/api/v1/audit/events?org_id={id}&limit=1"), None).await;
    let event = events.body["items"][0]["id"].as_str().unwrap().to_owned();
    let claim = json!({"name": "tier", "expression": "'gold'"});
    let claim = server.make(&format!("/api/v1/orgs/{id}/claims"), claim).await;
    let claim = claim["id"].as_str().unwrap().to_owned();
    Team { id, client, claim, somebody: somebody.id.clone(), invitation, event }
}

/// Something that was said in an organisation's name; answers its id.
async fn announced(server: &Server, org: &str) -> String {
    let said = json!({"subject": "News", "text": "We meet at nine."});
    let said = server.make(&format!("/api/v1/orgs/{org}/announcements"), said).await;
    said["id"].as_str().unwrap().to_owned()
}

impl Team {
    fn path(&self, template: &str) -> String {
        template
            .replace("{org}", &self.id)
            .replace("{user}", &self.somebody)
            .replace("{role}", "helper")
            .replace("{domain}", "example.com")
            .replace("{field}", "department")
            .replace("{connection}", "sso")
            .replace("{workspace}", "room")
            .replace("{claim}", &self.claim)
            .replace("{client}", &self.client)
            .replace("{api}", "reports")
            .replace("{token}", "nightly")
            .replace("{event}", &self.event)
            .replace("{template}/{locale}", "invitation/en")
            .replace("{id}", &self.invitation)
    }
}

async fn token(server: &Server, org: &str, name: &str, scopes: &[&str]) -> String {
    let body = json!({"name": name, "scopes": scopes, "org_id": org});
    let made = server.locally(Method::POST, "/api/v1/service-tokens", Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    format!("Bearer {}", made.body["secret"].as_str().unwrap())
}

fn is_let_in(answer: &Answer) -> bool {
    !matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND)
        && answer.code() != "auth.missing_scope"
        && !answer.status.is_server_error()
}

both_engines! {
    async fn every_route_of_an_organisation_is_guarded(world: World) {
        // A DNS in which no domain says anything.
        drop(world.realm.env.clone().resolving_by(Arc::new(|_| Box::pin(async { Ok(Vec::new()) }))));
        let server = Server::new(world.clone());
        let (owner, admin, member, somebody) = (
            person(&server, "owner", "user").await,
            person(&server, "admin", "user").await,
            person(&server, "member", "user").await,
            person(&server, "somebody", "user").await,
        );
        let (foreign, root) = (person(&server, "foreign", "user").await, person(&server, "root", "admin").await);
        let other = server.make("/api/v1/orgs", json!({"name": "Other", "owner": foreign.id})).await;
        let other = other["id"].as_str().unwrap();
        let strange = token(&server, other, "strange", &["org:*"]).await;

        let mut rows = rows();
        for (number, endpoint) in endpoints().into_iter().enumerate() {
            let Access::Org(permission) = endpoint.access else { continue };
            let place = rows.iter().position(|row| (&row.0, row.1.as_str()) == (&endpoint.method, endpoint.path));
            let place = place.unwrap_or_else(|| panic!("{} {} has no row", endpoint.method, endpoint.path));
            let (method, template, least, body) = rows.swap_remove(place);
            let team = team(&server, [&owner, &admin, &member, &somebody], number).await;
            let said = if template.contains("{announcement}") { announced(&server, &team.id).await } else { String::new() };
            let path = team.path(&template).replace("{announcement}", &said);
            let what = format!("{method} {template}");
            let lacking = token(&server, &team.id, "lacking", &["workflows:read"]).await;
            let holding = token(&server, &team.id, "holding", &[permission]).await;
            let cookie = |person: &Person| ("cookie".to_owned(), person.cookie.clone());
            let bearer = |token: &str| ("authorization".to_owned(), token.to_owned());
            let asks = async |(name, value): (String, String)| {
                let headers = [(name.as_str(), value.as_str()), ("sec-fetch-site", "same-origin")];
                server.asks(method.clone(), &path, body.clone(), &headers).await
            };

            let anonymous = server.asks(method.clone(), &path, body.clone(), &[]).await;
            assert_eq!((anonymous.status, anonymous.code()), (StatusCode::UNAUTHORIZED, "auth.missing_token"), "{what}");
            for stranger in [cookie(&foreign), bearer(&strange)] {
                let refused = asks(stranger).await;
                assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "not_found"), "{what}: {}", refused.text);
            }
            let refused = asks(bearer(&lacking)).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"), "{what}");
            assert_eq!(refused.body["scope"], permission, "{what}");
            for (person, is) in [(&member, Member), (&admin, Admin)] {
                let answer = asks(cookie(person)).await;
                assert_eq!(is_let_in(&answer), is >= least, "{what} as {is:?}: {} {}", answer.status, answer.text);
            }
            // What the admin was let do has been done; the others find another of its kind.
            for (number, caller) in [(1, cookie(&owner)), (2, cookie(&root)), (3, bearer(&holding))] {
                let answer = asks(caller).await;
                let is_done = method == Method::DELETE && (number > 1 || least == Admin);
                assert!(is_let_in(&answer) || is_done, "{what} by {number}: {} {}", answer.status, answer.text);
            }
        }
        assert!(rows.is_empty(), "rows of no route: {rows:?}");
    }

    /// Whatever somebody is in an organisation opens nothing of the instance.
    async fn an_owner_has_no_rights_over_the_instance(world: World) {
        let server = Server::new(world);
        let owner = person(&server, "owner", "user").await;
        server.make("/api/v1/orgs", json!({"name": "Mine", "owner": owner.id})).await;
        let mut checked = 0;
        for endpoint in endpoints() {
            let Access::Scope(scope) = endpoint.access else { continue };
            let path = endpoint.path.replace("{id}", "usr_01jd8zzzzzzzzzzzzzzzzzzzzz").replace("{org}", "org_01jd8zzzzzzzzzzzzzzzzzzzzz");
            let body = (endpoint.method == Method::POST || endpoint.method == Method::PATCH).then(|| json!({}));
            let headers = [("cookie", owner.cookie.as_str()), ("sec-fetch-site", "same-origin")];
            let refused = server.asks(endpoint.method.clone(), &path, body, &headers).await;
            let outcome = (refused.status, refused.code(), &refused.body["scope"]);
            assert_eq!(outcome, (StatusCode::FORBIDDEN, "auth.missing_scope", &json!(scope)), "{} {path}", endpoint.method);
            checked += 1;
        }
        assert!(checked > 40, "{checked}");
    }
}
