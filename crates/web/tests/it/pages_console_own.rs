//! What an organisation has of its own, in the console: by who owns it, and by nobody else.

use std::time::Duration;

use crate::{
    pages_console::{administrator, link},
    pages_kit::{Browser, PASSWORD, Page},
};
use doorward_core::clients::manage;
use doorward_proto::secret::{Kind, Opaque};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::{Value as Json, json};

const LOCAL: &str = "http://127.0.0.1/callback";

/// An organisation, and whom it meets.
pub(crate) struct Acme {
    /// Administers the server.
    pub(crate) root: Browser,
    /// Owns the organisation.
    pub(crate) eva: Browser,
    /// Is a member of it and no more.
    pub(crate) bob: Browser,
    /// Owns another one.
    pub(crate) mallory: Browser,
    pub(crate) id: String,
    /// The id of who owns it.
    pub(crate) owner: String,
}

impl Acme {
    pub(crate) async fn new(world: World) -> Self {
        let (root, _) = administrator(world).await;
        let eva = person(&root, "eva@example.com").await;
        let bob = person(&root, "bob@example.com").await;
        let mallory = person(&root, "mallory@example.com").await;
        let id = text(&root.make("orgs", json!({"name": "Acme", "owner": eva.1})).await["id"]);
        root.make("orgs", json!({"name": "Elsewhere", "owner": mallory.1})).await;
        let made = root
            .manage("POST", &format!("orgs/{id}/members"), json!({"user_id": bob.1, "role": "member"}))
            .await;
        assert!(made.status.is_success(), "{}", made.text);
        Self { root, eva: eva.0, bob: bob.0, mallory: mallory.0, id, owner: eva.1 }
    }

    /// Where the organisation has this.
    pub(crate) fn at(&self, below: &str) -> String {
        format!("/console/organizations/{}/{below}", self.id)
    }

    /// Nobody else finds these pages, and nobody else's forms are taken at them.
    pub(crate) async fn is_closed(&mut self, paths: &[String], posts: &[String]) {
        for (who, status) in
            [(&mut self.bob, StatusCode::FORBIDDEN), (&mut self.mallory, StatusCode::NOT_FOUND)]
        {
            let token = who.open("/account").await.field("form_token").unwrap();
            for path in paths {
                assert_eq!(who.open(path).await.status, status, "{path}");
            }
            for path in posts {
                assert_eq!(
                    who.ask("POST", path, Some(format!("form_token={token}"))).await.status,
                    status,
                    "{path}"
                );
            }
        }
    }
}

pub(crate) fn text(value: &Json) -> String {
    value.as_str().unwrap().to_owned()
}

/// Somebody who is signed in, and their id.
async fn person(root: &Browser, email: &str) -> (Browser, String) {
    root.person(email, email.split('@').next().unwrap()).await;
    let mut own = root.another();
    let page = own.open("/account").await;
    own.sign_in(&page, email, PASSWORD).await;
    (own, text(&root.stored(email).await["id"]))
}

/// The secret that a page shows this once.
pub(crate) fn secret(page: &Page) -> String {
    let rest =
        page.text.split("<code id=\"secret\">").nth(1).unwrap_or_else(|| panic!("no secret: {}", page.text));
    rest.split('<').next().unwrap().to_owned()
}

both_engines! {
    async fn an_owner_registers_applications_within_what_an_organisation_can_give(world: World) {
        let mut acme = Acme::new(world.clone()).await;
        let (path, foreign) = (acme.at("applications"), text(&acme.root.client(json!({"client_id": "ours"})).await["id"]));
        let list = acme.eva.open("/console/applications").await;
        assert_eq!((list.path.as_str(), list.title()), (path.as_str(), "Applications of Acme"), "{}", list.text);
        assert!(list.text.contains("doorward org create-client acme"), "{}", list.text);
        let choose = acme.eva.open(&link(&list, &format!("{path}/new"))).await;
        assert!(choose.text.contains("/new/native") && !choose.text.contains("/new/proxy"), "{}", choose.text);
        let to = format!("{path}/new/server");
        let form = acme.eva.open(&to).await;
        for beyond in ["name=\"org\"", "name=\"client_id\"", "name=\"first_party\""] {
            assert!(!form.text.contains(beyond), "{beyond}: {}", form.text);
        }
        for (redirects, scopes, field, says) in [
            ("https://notes.example/cb", "openid", "redirect_uris-error", "nor on 127.0.0.1"),
            (LOCAL, "openid workflows:read", "scopes-error", "workflows:read is neither a standard scope"),
            (LOCAL, "admin:users:read", "scopes-error", "admin:users:read is neither"),
            ("http://notes.example/cb", "openid", "redirect_uris-error", "http is for this machine only"),
        ] {
            let wrong = acme.eva.submit(&form, &to, &[("name", "Notes"), ("redirect_uris", redirects), ("scopes", scopes), ("current_password", PASSWORD)]).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(field) && wrong.text.contains(says), "{says}: {}", wrong.text);
        }
        // What is no field of this form means nothing in it.
        let more = [("name", "Notes"), ("redirect_uris", LOCAL), ("scopes", "openid email"), ("client_id", "mine"), ("org", "default"), ("first_party", "yes"), ("current_password", PASSWORD)];
        let told = acme.eva.submit(&form, &to, &more).await;
        assert!(told.path.starts_with(&format!("{path}/secret?once=")), "{} {}", told.path, told.text);
        let its = link(&told, &format!("{path}/cli_"));
        let client = manage::get(&world.call(), its.rsplit('/').next().unwrap()).await.unwrap();
        assert_eq!((client.org.to_string(), client.is_first_party, client.client_id == "mine"), (acme.id.clone(), false, false));
        assert!(client.owns_secret(&world.call(), &Opaque::parse(Kind::ClientSecret, &secret(&told)).unwrap()));
        let sheet = acme.eva.open(&format!("{path}.csv")).await;
        assert!(sheet.text.contains(",Notes,") && !sheet.text.contains("ours"), "{}", sheet.text);
        for below in ["", "/edit", "/rotate", "/suspend", "/delete"] {
            assert_eq!(acme.eva.open(&format!("{path}/{foreign}{below}")).await.status, StatusCode::NOT_FOUND, "{below}");
            assert_eq!(acme.eva.open(&format!("/console/applications/{foreign}{below}")).await.status, StatusCode::FORBIDDEN, "{below}");
        }
        let token = acme.eva.open(&its).await.field("form_token");
        let body = || Some(format!("form_token={}&confirm=Orders&minutes=0", token.clone().unwrap_or_default()));
        for below in ["edit", "rotate", "retire", "suspend", "resume", "delete"] {
            assert_eq!(acme.eva.ask("POST", &format!("{path}/{foreign}/{below}"), body()).await.status, StatusCode::NOT_FOUND, "{below}");
            assert_eq!(acme.eva.ask("POST", &format!("/console/applications/{foreign}/{below}"), body()).await.status, StatusCode::FORBIDDEN, "{below}");
        }
        let posts = ["edit", "rotate", "retire", "suspend", "resume", "delete"].map(|below| format!("{its}/{below}"));
        let pages = [path.clone(), format!("{path}.csv"), format!("{path}/new"), to.clone(), its.clone(), format!("{its}/edit"), format!("{its}/rotate"), format!("{its}/delete")];
        acme.is_closed(&pages, &[posts.as_slice(), &[to]].concat()).await;
    }

    async fn an_owner_changes_renews_stops_and_deletes_an_application(world: World) {
        let mut acme = Acme::new(world.clone()).await;
        let path = acme.at("applications");
        let made = acme.root.make(&format!("orgs/{}/clients", acme.id), json!({
            "name": "Notes", "redirect_uris": [LOCAL], "scopes": ["openid"],
        })).await;
        let its = format!("{path}/{}", text(&made["id"]));
        let eva = &mut acme.eva;
        let page = eva.open(&its).await;
        assert!(page.text.contains("/branding") && page.title() == "Notes", "{}", page.text);
        let edit = link(&page, &format!("{its}/edit"));
        let form = eva.open(&edit).await;
        let version = form.field("version").unwrap();
        let fields = |scopes, addresses| [("version", version.as_str()), ("name", "Notes 2"), ("redirect_uris", LOCAL), ("scopes", scopes), ("grant_code", "yes"),
            ("method", "client_secret_basic"), ("pkce", "yes"), ("refresh_policy", "always"), ("organizations", "ask"), ("every_provider", "yes"), ("addresses", addresses), ("first_party", "yes")];
        let wrong = eva.submit(&form, &edit, &fields("workflows:read", "")).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("scopes-error"), "{}", wrong.text);
        let saved = eva.submit(&form, &edit, &fields("openid", "")).await;
        assert!(saved.text.contains("The application is saved.") && saved.title() == "Notes 2" && saved.text.contains("People are asked"), "{}", saved.text);
        let form = eva.open(&link(&saved, &format!("{its}/rotate"))).await;
        let told = eva.submit(&form, &format!("{its}/rotate"), &[("minutes", "5"), ("current_password", PASSWORD)]).await;
        assert_ne!(secret(&told), text(&made["client_secret"]));
        let page = eva.open(&its).await;
        let page = eva.submit(&page, &format!("{its}/retire"), &[]).await;
        assert!(page.text.contains("Only the newest secret works now."), "{}", page.text);
        let ask = eva.open(&link(&page, &format!("{its}/suspend"))).await;
        let page = eva.submit(&ask, &format!("{its}/suspend"), &[]).await;
        assert!(page.text.contains("The application is suspended."), "{}", page.text);
        let page = eva.submit(&page, &format!("{its}/resume"), &[]).await;
        assert!(page.text.contains("The application works again."), "{}", page.text);
        let form = eva.open(&edit).await;
        let delete = eva.open(&format!("{its}/delete")).await;
        world.advance(Duration::from_mins(11));
        let version = form.field("version").unwrap();
        let mut narrower = fields("openid", "203.0.113.0/24");
        narrower[0].1 = version.as_str();
        let asked = eva.submit(&form, &edit, &narrower).await;
        assert_eq!(asked.title(), "Continue as eva", "{}", asked.text);
        let asked = eva.submit(&delete, &format!("{its}/delete"), &[("confirm", "Notes 2")]).await;
        assert_eq!(asked.title(), "Continue as eva", "{}", asked.text);
        assert_eq!(manage::get(&world.call(), &text(&made["id"])).await.unwrap().metadata.allowed_addresses, []);
        let form = eva.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let gone = eva.submit(&form, &format!("{its}/delete"), &[("confirm", "Notes 2")]).await;
        assert!(gone.path == path && gone.text.contains("The application is deleted."), "{}", gone.text);
        assert_eq!(eva.open(&its).await.status, StatusCode::NOT_FOUND);
    }

    async fn what_may_more_than_an_organisation_can_give_is_seen_and_not_changed(world: World) {
        let mut acme = Acme::new(world).await;
        let more = acme.root.client(json!({"client_id": "more", "name": "More", "org_id": acme.id, "first_party": true})).await;
        let its = format!("{}/{}", acme.at("applications"), text(&more["id"]));
        let page = acme.eva.open(&its).await;
        assert!(page.text.contains("administrators decide over it") && !page.text.contains(&format!("{its}/edit")) && !page.text.contains(&format!("{its}/delete")), "{}", page.text);
        let form = acme.eva.open(&format!("{its}/suspend")).await;
        assert_eq!(acme.eva.submit(&form, &format!("{its}/suspend"), &[]).await.status, StatusCode::FORBIDDEN);
        // An administrator at the organisation's page is told where that is decided.
        let edit = format!("{its}/edit");
        let form = acme.root.open(&edit).await;
        let version = form.field("version").unwrap();
        let fields = [("version", version.as_str()), ("name", "More"), ("redirect_uris", LOCAL), ("scopes", "openid"), ("grant_code", "yes"), ("method", "none"), ("pkce", "yes"),
            ("refresh_policy", "always"), ("organizations", "ask"), ("every_provider", "yes")];
        let wrong = acme.root.submit(&form, &edit, &fields).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("administrators decide over one"), "{}", wrong.text);
    }

    async fn an_owner_keeps_the_service_tokens_of_the_own_organisation(world: World) {
        let mut acme = Acme::new(world.clone()).await;
        let path = acme.at("service-tokens");
        let foreign = text(&acme.root.make("service-tokens", json!({"name": "ours", "scopes": ["admin:users:read"]})).await["id"]);
        let list = acme.eva.open("/console/service-tokens").await;
        assert_eq!((list.path.as_str(), list.title()), (path.as_str(), "Service tokens of Acme"), "{}", list.text);
        assert!(list.text.contains("doorward org create-service-token acme"), "{}", list.text);
        let to = link(&list, &format!("{path}/new"));
        let form = acme.eva.open(&to).await;
        for (scopes, workspaces, field, says) in [
            ("admin:users:read", "", "scopes-error", "admin:users:read"),
            ("workflows:read", "", "scopes-error", "workflows:read is no scope"),
            ("org:members:read", "ws-production", "workspaces-error", "has no workspace ws-production"),
        ] {
            let wrong = acme.eva.submit(&form, &to, &[("name", "nightly"), ("scopes", scopes), ("workspaces", workspaces), ("days", "30"), ("current_password", PASSWORD)]).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(field) && wrong.text.contains(says), "{says}: {}", wrong.text);
        }
        let told = acme.eva.submit(&form, &to, &[("name", "nightly"), ("scopes", "org:members:read"), ("days", "30"), ("current_password", PASSWORD)]).await;
        let first = secret(&told);
        assert!(told.path.starts_with(&format!("{path}/secret?once=")) && first.starts_with("dw_st_"), "{}", told.text);
        let its = link(&told, &format!("{path}/tok_"));
        let page = acme.eva.open(&its).await;
        assert!(page.text.contains("org:members:read") && !page.text.contains(&first) && !page.text.contains("/review"), "{}", page.text);
        let rotate = link(&page, &format!("{its}/rotate"));
        let form = acme.eva.open(&rotate).await;
        let wrong = acme.eva.submit(&form, &rotate, &[("minutes", "5"), ("scopes", "admin:users:read"), ("current_password", PASSWORD)]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("scopes-error"), "{}", wrong.text);
        let told = acme.eva.submit(&form, &rotate, &[("minutes", "5"), ("current_password", PASSWORD)]).await;
        assert_ne!(secret(&told), first);
        let next = link(&told, &format!("{path}/tok_"));
        let sheet = acme.eva.open(&format!("{path}.csv")).await;
        assert!(sheet.text.matches("nightly,").count() == 2 && !sheet.text.contains("ours"), "{}", sheet.text);
        for below in ["", "/rotate", "/revoke"] {
            assert_eq!(acme.eva.open(&format!("{path}/{foreign}{below}")).await.status, StatusCode::NOT_FOUND, "{below}");
            assert_eq!(acme.eva.open(&format!("/console/service-tokens/{foreign}{below}")).await.status, StatusCode::FORBIDDEN, "{below}");
        }
        let token = acme.eva.open(&rotate).await.field("form_token").unwrap();
        for (at, status) in [("rotate", StatusCode::NOT_FOUND), ("revoke", StatusCode::NOT_FOUND)] {
            let body = format!("form_token={token}&confirm=ours&reason=x&minutes=0");
            assert_eq!(acme.eva.ask("POST", &format!("{path}/{foreign}/{at}"), Some(body.clone())).await.status, status, "{at}");
            assert_eq!(acme.eva.ask("POST", &format!("/console/service-tokens/{foreign}/{at}"), Some(body)).await.status, StatusCode::FORBIDDEN, "{at}");
        }
        let body = format!("form_token={token}&note=x");
        assert_eq!(acme.eva.ask("POST", &format!("/console/service-tokens/{foreign}/review"), Some(body)).await.status, StatusCode::FORBIDDEN);
        let pages = [path.clone(), format!("{path}.csv"), to.clone(), its.clone(), rotate.clone(), format!("{its}/revoke")];
        acme.is_closed(&pages, &[to, rotate, format!("{next}/revoke")]).await;
        let revoke = format!("{next}/revoke");
        let form = acme.eva.open(&revoke).await;
        let wrong = acme.eva.submit(&form, &revoke, &[("reason", "in a log"), ("confirm", "nightl")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        let gone = acme.eva.submit(&form, &revoke, &[("reason", "in a log"), ("confirm", "nightly")]).await;
        assert!(gone.path == next && gone.text.contains("Nothing accepts it any more"), "{}", gone.text);
        assert!(acme.eva.open(&its).await.text.contains("in a log"), "every version ends");
    }
}
