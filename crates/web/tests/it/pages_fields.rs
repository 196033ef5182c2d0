//! What an organisation asks of its people: before an application acts for it, in the account, and in the
//! console of who runs it.

use crate::{
    pages_console::administrator,
    pages_kit::{Browser, PASSWORD, Page, access_token, authorize},
};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::{Value as Json, json};

const ADA: &str = "ada@example.com";
const TITLE: &str = "Complete your profile";
const FORM: &str = "/complete-profile";

/// Ada, signed in, of an organisation that asks three things, and an application.
async fn at_acme(world: World) -> (Browser, Json, String) {
    let mut browser = Browser::new(world);
    browser.person(ADA, "Ada Lovelace").await;
    let client = browser.client(json!({"first_party": true})).await;
    let acme = browser.make("orgs", json!({"name": "Acme", "slug": "acme"})).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let user = browser.stored(ADA).await["id"].clone();
    browser.make("orgs/acme/members", json!({"user_id": user, "role": "member"})).await;
    for field in [
        json!({"key": "department", "kind": "choice", "label": "Your <b>department</b>", "options": ["Sales", "R&D"], "required": true, "in_claims": true}),
        json!({"key": "staff", "kind": "number", "label": "Staff number", "required": true, "in_claims": true}),
        json!({"key": "remote", "kind": "boolean", "label": "Works remotely"}),
    ] {
        browser.make("orgs/acme/fields", field).await;
    }
    let page = browser.open("/account").await;
    browser.sign_in(&page, ADA, PASSWORD).await;
    (browser, client, acme)
}

fn error(page: &Page) -> &str {
    page.header("location").split("error=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default()
}

fn answers(department: &'static str, staff: &'static str) -> [(&'static str, &'static str); 3] {
    [("field-department", department), ("field-staff", staff), ("field-remote", "")]
}

both_engines! {
    /// Nobody acts for the organisation before it has its answers; for another one nothing is asked.
    async fn what_is_required_is_asked_before_the_code(world: World) {
        let (mut browser, client, acme) = at_acme(world).await;
        let own = browser.open(&authorize(&client, &[])).await;
        assert!(own.header("location").contains("code="), "the personal organisation asks nothing: {}", own.text);
        let ask = authorize(&client, &[("organization", "acme")]);
        let silent = browser.open(&authorize(&client, &[("organization", "acme"), ("prompt", "none")])).await;
        assert_eq!(error(&silent), "interaction_required", "{}", silent.header("location"));
        let page = browser.open(&ask).await;
        assert_eq!((page.title(), page.status), (TITLE, StatusCode::OK), "{}", page.text);
        assert!(page.text.contains("Acme asks for this") && !page.text.contains("<b>department"), "{}", page.text);
        for (sent, wrong) in [
            (answers("", "7"), "field-department-error"),
            (answers("Marketing", "7"), "field-department-error"),
            (answers("Sales", "seven"), "field-staff-error"),
        ] {
            let again = browser.submit(&page, FORM, &sent).await;
            assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", again.text);
            let (id, other) = (format!("id=\"{wrong}\""), if wrong.contains("staff") { "department" } else { "staff" });
            assert!(again.text.contains(&id), "{}", again.text);
            assert!(!again.text.contains(&format!("id=\"field-{other}-error\"")), "{}", again.text);
            assert!(again.text.contains(&format!("href=\"#{}\"", wrong.trim_end_matches("-error"))), "{}", again.text);
        }
        let typed = browser.submit(&page, FORM, &answers("R&D", "seven")).await;
        assert!(typed.text.contains("value=\"seven\"") && typed.text.contains("selected>R&#38;D<"), "{}", typed.text);
        let back = browser.submit(&page, FORM, &[("answer", "deny")]).await;
        assert_eq!(error(&back), "access_denied", "{}", back.header("location"));

        let page = browser.open(&ask).await;
        let out = browser.submit(&page, FORM, &answers("R&D", "7")).await;
        assert_eq!(access_token(&browser, &client, &out).await["tenant_id"], acme.as_str());
        let again = browser.open(&ask).await;
        assert!(again.header("location").contains("code="), "nobody is asked twice: {}", again.text);
        let user = browser.stored(ADA).await["id"].as_str().unwrap().to_owned();
        let profile = browser.read(&format!("orgs/acme/members/{user}/profile")).await;
        assert_eq!(profile["values"], json!({"department": "R&D", "staff": 7}), "{profile}");
        assert_eq!(profile["missing"], json!([]));
        // A field that becomes required is asked at the next turn.
        let changed = browser.manage("PATCH", "orgs/acme/fields/remote", json!({"required": true})).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
        let page = browser.open(&ask).await;
        assert!(page.title() == TITLE && page.text.contains("value=\"7\""), "{}", page.text);
        let said = [("field-department", "R&D"), ("field-staff", "7"), ("field-remote", "false")];
        let out = browser.submit(&page, FORM, &said).await;
        assert_eq!(access_token(&browser, &client, &out).await["tenant_id"], acme.as_str());
    }

    /// Whoever has an account that is not signed in yet signs in first; a draft of nobody is an error page.
    async fn the_page_is_for_who_the_authorization_is_about(world: World) {
        let (mut browser, client, _) = at_acme(world).await;
        let page = browser.open(&authorize(&client, &[("organization", "acme")])).await;
        let mut stranger = browser.another();
        let asked = stranger.open(&page.path).await;
        assert_eq!(asked.title(), "Sign in", "{}", asked.text);
        let none = browser.open(FORM).await;
        assert!(none.status.is_client_error(), "{}", none.text);
    }

    async fn answers_are_read_and_changed_in_the_account(world: World) {
        let (mut browser, _, acme) = at_acme(world).await;
        let list = browser.open("/account/organizations").await;
        let path = format!("/account/organizations/{acme}/profile");
        assert_eq!(list.text.matches("/profile\"").count(), 1, "the personal one asks nothing: {}", list.text);
        assert!(list.text.contains(&format!("href=\"{path}\"")), "{}", list.text);
        let page = browser.open(&path).await;
        assert!(page.text.contains("Your profile at Acme") && page.text.contains("Never write a password"), "{}", page.text);
        let wrong = browser.submit(&page, &path, &answers("Sales", "")).await;
        assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains("field-staff-error"), "{}", wrong.text);
        let saved = browser.submit(&page, &path, &answers("Sales", "-1.5")).await;
        assert!(saved.text.contains("Your profile is saved."), "{}", saved.text);
        let page = browser.open(&path).await;
        assert!(page.text.contains("value=\"-1.5\"") && page.text.contains("selected>Sales<"), "{}", page.text);
        let none = browser.open("/account/organizations/org_01jd8zzzzzzzzzzzzzzzzzzzzz/profile").await;
        assert_eq!(none.path, "/account/organizations");
        let forged = browser.submit(&page, &path, &[("form_token", "forged")]).await;
        assert!(!forged.text.contains("is saved"), "{}", forged.text);
    }

    async fn who_runs_an_organisation_decides_what_is_asked(world: World) {
        let (mut browser, _) = administrator(world).await;
        let form = browser.open("/console/organizations/new").await;
        let acme = browser.submit(&form, "/console/organizations/new", &[("name", "Acme"), ("slug", "acme")]).await;
        assert!(acme.text.contains("asks its people nothing"), "{}", acme.text);
        let new = format!("{}/fields/new", acme.path);
        let form = browser.open(&new).await;
        for (key, kind, label, options, error) in [
            ("Staff", "number", "Staff", "", "key-error"),
            ("staff", "", "Staff", "", "kind-error"),
            ("staff", "number", " ", "", "label-error"),
            ("staff", "number", "Staff", "one", "options-error"),
            ("staff", "choice", "Staff", "", "options-error"),
        ] {
            let fields = [("key", key), ("kind", kind), ("label", label), ("options", options)];
            let wrong = browser.submit(&form, &new, &fields).await;
            assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains(error), "{fields:?}: {}", wrong.text);
        }
        for fields in [
            [("key", "staff"), ("kind", "number"), ("label", "Staff number"), ("options", ""), ("required", "yes")],
            [("key", "department"), ("kind", "choice"), ("label", "Department"), ("options", "Sales\r\nR&D\r\n"), ("told", "yes")],
        ] {
            let page = browser.submit(&form, &new, &fields).await;
            assert!(page.text.contains("The field is there."), "{}", page.text);
        }
        let again = browser.submit(&form, &new, &[("key", "staff"), ("kind", "text"), ("label", "x")]).await;
        assert!(again.text.contains("has a field with this key"), "{}", again.text);
        let keys = |all: &Json| all["items"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let page = browser.open(&acme.path).await;
        let moved = browser.submit(&page, &format!("{}/fields/department/up", acme.path), &[]).await;
        assert!(moved.text.contains("asked for earlier"), "{}", moved.text);
        let all = browser.read("orgs/acme/fields").await;
        assert_eq!(keys(&all), ["department", "staff"]);
        assert_eq!(all["items"][0]["options"], json!(["Sales", "R&D"]));

        let edit = format!("{}/fields/department", acme.path);
        let form = browser.open(&edit).await;
        let version = form.field("version").unwrap();
        let fields = [("label", "Your department"), ("options", "Sales"), ("version", version.as_str())];
        let saved = browser.submit(&form, &edit, &fields).await;
        assert!(saved.text.contains("Your department") && saved.text.contains("The field is saved."), "{}", saved.text);
        let late = browser.submit(&form, &edit, &fields).await;
        assert!(late.text.contains("changed"), "{}", late.text);
        assert_eq!(browser.read("orgs/acme/fields/department").await["in_claims"], false);

        let remove = format!("{edit}/remove");
        let ask = browser.open(&remove).await;
        let wrong = browser.submit(&ask, &remove, &[("confirm", "staff")]).await;
        assert!(wrong.text.contains("confirm-error"), "{}", wrong.text);
        let gone = browser.submit(&ask, &remove, &[("confirm", "department")]).await;
        assert!(gone.text.contains("The field and its answers are gone."), "{}", gone.text);
        assert_eq!(keys(&browser.read("orgs/acme/fields").await), ["staff"]);
    }
}
