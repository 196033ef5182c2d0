//! Custom claims in the console: made, tried, changed and deleted by who owns an organisation, and by nobody else.

use std::time::Duration;

use crate::{
    pages_console::link,
    pages_console_own::{Acme, text},
    pages_kit::PASSWORD,
};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;

const GOLD: &str = "org.role == 'owner' ? 'gold' : 'plain'";

both_engines! {
    async fn an_owner_makes_tries_changes_and_deletes_a_claim(world: World) {
        let mut acme = Acme::new(world.clone()).await;
        let path = acme.at("claims");
        let client = acme.root.client(json!({"client_id": "lamps", "name": "Lamps", "org_id": acme.id})).await;
        acme.root.client(json!({"client_id": "ours"})).await;
        let (client, api) = (text(&client["id"]), text(&acme.root.make(&format!("orgs/{}/apis", acme.id), json!({"identifier": "reports", "name": "Reports"})).await["id"]));
        // What leads to them: the organisation, its application, its API, also at the pages of the server.
        for (page, to) in [
            (acme.at("").trim_end_matches('/').to_owned(), path.clone()),
            (acme.at(&format!("applications/{client}")), format!("{path}?client_id={client}")),
            (acme.at(&format!("apis/{api}")), format!("{path}?api={api}")),
        ] {
            let page = acme.eva.open(&page).await;
            assert_eq!(link(&page, &to), to);
        }
        let page = acme.root.open(&format!("/console/applications/{client}")).await;
        assert_eq!(link(&page, &path), format!("{path}?client_id={client}"));
        let page = acme.root.open(&format!("/console/apis/{api}")).await;
        assert_eq!(link(&page, &path), format!("{path}?api={api}"));

        let list = acme.eva.open(&format!("{path}?client_id={client}")).await;
        assert_eq!(list.title(), "Claims of Acme", "{}", list.text);
        let form = acme.eva.open(&link(&list, &format!("{path}/new"))).await;
        assert_eq!(form.field("client").as_deref(), Some(client.as_str()), "{}", form.text);
        let to = format!("{path}/new");
        for (fields, field, says) in [
            ([("name", "tier"), ("client", "lamps"), ("api", ""), ("expression", "org.role ="), ("access_token", "yes")], "expression-error", "Line 1, column"),
            ([("name", "tier"), ("client", "lamps"), ("api", ""), ("expression", GOLD), ("access_token", "")], "into-error", "Say where"),
            ([("name", "sub"), ("client", "lamps"), ("api", ""), ("expression", GOLD), ("access_token", "yes")], "name-error", "none that tokens have already"),
            ([("name", "tier"), ("client", "ours"), ("api", ""), ("expression", GOLD), ("access_token", "yes")], "client-error", "no such application"),
            ([("name", "tier"), ("client", ""), ("api", "orcheo"), ("expression", GOLD), ("access_token", "yes")], "api-error", "no such API"),
            ([("name", "tier"), ("client", "lamps"), ("api", "reports"), ("expression", GOLD), ("access_token", "yes")], "api-error", "of an application or of an API"),
        ] {
            let wrong = acme.eva.submit(&form, &to, &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(field) && wrong.text.contains(says), "{says}: {}", wrong.text);
        }
        let fields = [("name", "tier"), ("client", "lamps"), ("expression", GOLD), ("access_token", "yes"), ("id_token", "yes")];
        let made = acme.eva.submit(&form, &to, &fields).await;
        assert!(made.path == path && made.text.contains("The claim is made.") && made.text.contains("Lamps"), "{}", made.text);
        let taken = acme.eva.submit(&form, &to, &fields).await;
        assert!(taken.status.is_client_error() && taken.text.contains("name-error"), "{}", taken.text);
        let its = link(&made, &format!("{path}/clm_"));
        let only = acme.eva.open(&format!("{path}?api={api}")).await;
        assert!(!only.text.contains("tier"), "{}", only.text);
        let wrong = acme.eva.open(&format!("{path}?client_id=ours")).await;
        assert!(wrong.text.contains("client_id-error"), "{}", wrong.text);

        let form = acme.eva.open(&its).await;
        let version = form.field("version").unwrap();
        let change = |expression| [("version", version.as_str()), ("expression", expression), ("userinfo", "yes")];
        let wrong = acme.eva.submit(&form, &its, &change("nothing(1)")).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("expression-error"), "{}", wrong.text);
        let saved = acme.eva.submit(&form, &its, &change("[1,\r\n 2]")).await;
        assert!(saved.text.contains("The claim is saved.") && saved.text.contains("Userinfo") && !saved.text.contains("ID tokens"), "{}", saved.text);
        let late = acme.eva.submit(&form, &its, &change(GOLD)).await;
        assert!(late.status.is_client_error() && late.text.contains("changed this meanwhile"), "{}", late.text);

        let delete = format!("{its}/delete");
        let form = acme.eva.open(&delete).await;
        let wrong = acme.eva.submit(&form, &delete, &[("confirm", "Tier")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        let asked = acme.eva.submit(&form, &delete, &[("confirm", "tier")]).await;
        assert_eq!(asked.title(), "Continue as eva", "{}", asked.text);
        let form = acme.eva.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let gone = acme.eva.submit(&form, &delete, &[("confirm", "tier")]).await;
        assert!(gone.path == path && gone.text.contains("The claim is deleted."), "{}", gone.text);
        assert_eq!(acme.eva.open(&its).await.status, StatusCode::NOT_FOUND);
    }

    async fn an_expression_is_tried_for_a_person_before_it_is_saved(world: World) {
        let mut acme = Acme::new(world).await;
        let path = acme.at("claims");
        acme.root.client(json!({"client_id": "lamps", "name": "Lamps", "org_id": acme.id})).await;
        let made = acme.root.make(&format!("orgs/{}/claims", acme.id), json!({"name": "tier", "client_id": "lamps", "expression": GOLD})).await;
        acme.root.make(&format!("orgs/{}/claims", acme.id), json!({"name": "none", "client_id": "lamps", "expression": "1 / (size(scopes) - 3)"})).await;
        let to = format!("{path}/test");
        // The form of a claim sends what it has; nobody is named yet.
        let form = acme.eva.open(&format!("{path}/{}", text(&made["id"]))).await;
        let tried = acme.eva.submit(&form, &to, &[("expression", "user.email"), ("client", "lamps")]).await;
        assert!(tried.status == StatusCode::OK && tried.text.contains("user.email") && !tried.text.contains("h-access_token"), "{}", tried.text);
        assert_eq!((tried.field("client").as_deref(), tried.field("person").as_deref()), (Some("lamps"), Some("eva@example.com")));
        let owner = acme.owner.clone();
        for (person, tier) in [("eva@example.com", "gold"), (owner.as_str(), "gold"), ("bob@example.com", "plain")] {
            let fields = [("person", person), ("client", "lamps"), ("scopes", "openid profile email"), ("expression", "user.email.split('@')[0]")];
            let tried = acme.eva.submit(&form, &to, &fields).await;
            let name = if tier == "gold" { "eva" } else { "bob" };
            for says in [format!("&#34;tier&#34;: &#34;{tier}&#34;"), format!("<pre tabindex=\"0\">&#34;{name}&#34;</pre>"), "does not fit".to_owned(), "of 8,192 bytes".to_owned()] {
                assert!(tried.text.contains(&says), "{person} {says}: {}", tried.text);
            }
        }
        for (fields, field) in [
            ([("person", "mallory@example.com"), ("client", "lamps"), ("expression", "1")], "person-error"),
            ([("person", "bob@example.com"), ("client", "ours"), ("expression", "1")], "client-error"),
            ([("person", "bob@example.com"), ("client", "lamps"), ("expression", "1 +")], "expression-error"),
        ] {
            let wrong = acme.eva.submit(&form, &to, &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(field), "{field}: {}", wrong.text);
        }
        let its = format!("{path}/{}", text(&made["id"]));
        let pages = [path.clone(), format!("{path}/new"), to.clone(), its.clone(), format!("{its}/delete")];
        acme.is_closed(&pages, &[format!("{path}/new"), to, its.clone(), format!("{its}/delete")]).await;
        // Another organisation's owner does not reach it by way of their own.
        let elsewhere = acme.mallory.open("/console/organizations").await.path;
        for below in ["", "/delete"] {
            let at = format!("{elsewhere}/claims/{}{below}", text(&made["id"]));
            assert_eq!(acme.mallory.open(&at).await.status, StatusCode::NOT_FOUND, "{at}");
        }
    }
}
