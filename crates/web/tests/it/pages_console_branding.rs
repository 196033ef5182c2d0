//! The console's pages of brands: looked at before they are saved, refused where nobody could read, and each for
//! who may change it.

use crate::{
    pages_console::administrator,
    pages_kit::{Browser, PASSWORD, Page},
};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;

const LOGO: &[u8] = include_bytes!("../../../../tests/data/pictures/logo.png");
const EVA: &str = "eva@example.com";
const NONE: (&str, &[u8]) = ("logo", b"");

/// What the sheet of a page's preview says.
async fn sheet(browser: &mut Browser, page: &Page) -> String {
    let (_, rest) = page.text.split_once("href=\"/brand/looks-").unwrap_or_else(|| panic!("{}", page.text));
    let path = format!("/brand/looks-{}", rest.split('"').next().unwrap());
    browser.open(&path).await.text
}

async fn eva(browser: &Browser) -> Browser {
    let mut own = browser.another();
    let page = own.open("/account").await;
    own.sign_in(&page, EVA, PASSWORD).await;
    own
}

both_engines! {
    /// A choice is shown in both schemes, with its logo, and nothing is saved until it is sent as such.
    async fn a_brand_is_looked_at_and_then_saved(world: World) {
        let (mut browser, _) = administrator(world).await;
        let form = browser.open("/console/branding").await;
        assert_eq!((form.status, form.title()), (StatusCode::OK, "Branding"), "{}", form.text);
        let fields = [("name", "Umbrella"), ("primary_color", "#0F766E"), ("do", "preview")];
        let seen = browser.upload(&form, &fields, ("logo", LOGO)).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
        assert!(seen.text.contains("<span>Umbrella</span>") && seen.text.contains("src=\"data:image/png;base64,"));
        let policy = seen.header("content-security-policy");
        assert!(policy.contains("img-src 'self' data:;") && !policy.contains("unsafe"), "{policy}");
        assert!(!form.header("content-security-policy").contains("data:"));
        let css = sheet(&mut browser, &seen).await;
        assert!(css.starts_with(".look.light{") && css.contains("--action:#0f766e;"), "{css}");
        assert_eq!(browser.read("settings/branding").await["name"], json!(null), "nothing is saved");

        let saved = browser.upload(&seen, &[("do", "save")], NONE).await;
        assert!(saved.text.contains("The brand is saved"), "{}", saved.text);
        assert!(saved.text.contains("<title>Branding · Umbrella</title>"), "{}", saved.text);
        let brand = browser.read("settings/branding").await;
        assert_eq!((&brand["name"], &brand["primary_color"]), (&json!("Umbrella"), &json!("#0f766e")));
        assert!(brand["logo"].as_str().unwrap().contains("/brand/"), "the picture went along: {brand}");

        let late = browser.upload(&seen, &[("name", "Other"), ("do", "save")], NONE).await;
        assert!(late.status.is_client_error() && late.text.contains("Somebody else has changed this"), "{}", late.text);
        let bare = browser.upload(&saved, &[("bare", "yes"), ("name", ""), ("do", "save")], NONE).await;
        assert!(bare.text.contains("<title>Branding · Doorward</title>"), "{}", bare.text);
        assert_eq!(browser.read("settings/branding").await["logo"], json!(null));
    }

    /// What nobody could read is refused with its contrast and a shade that would do, and stays typed.
    async fn what_cannot_be_shown_says_why(world: World) {
        let (mut browser, _) = administrator(world).await;
        let form = browser.open("/console/branding").await;
        for (field, value, words) in [
            ("primary_color", "#ffcc00", "have a contrast of 1.51:1 and need 4.5:1. #"),
            ("accent_color", "#66aaff", "A link in this colour has a contrast of "),
            ("background_color", "#202020", "The small print on this colour has a contrast of "),
            ("accent_color", "red", "Write a colour as #rrggbb"),
            ("terms_uri", "http://umbrella.example", "An address begins with https://"),
            ("support_uri", "javascript:alert(1)", "begins with https:// or mailto:"),
            ("name", "Um\u{202e}brella", "1 to 60 letters"),
        ] {
            for wish in ["preview", "save"] {
                let wrong = browser.upload(&form, &[(field, value), ("do", wish)], ("logo", LOGO)).await;
                assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{value}");
                assert!(wrong.text.contains(&format!("id=\"{field}-error\"")) && wrong.text.contains(words), "{value}: {}", wrong.text);
                assert!(wrong.text.contains(&format!("value=\"{value}\"")), "it is still there: {}", wrong.text);
                assert!(wrong.field("picture").is_some(), "the picture, too: {}", wrong.text);
            }
        }
        let svg: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
        let wrong = browser.upload(&form, &[("do", "preview")], ("logo", svg)).await;
        assert!(wrong.text.contains("logo-error") && !wrong.text.contains("data:"), "{}", wrong.text);
        let wrong = browser.upload(&form, &[("picture", "PHN2Zz4="), ("do", "save")], NONE).await;
        assert!(wrong.text.contains("logo-error"), "{}", wrong.text);
        let forged = browser.upload(&form, &[("form_token", "x"), ("do", "save")], NONE).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{}", forged.text);
    }

    /// Who runs an organisation brands it and its applications, and nothing beside it.
    async fn an_owner_brands_their_own_organisation(world: World) {
        let (mut root, _) = administrator(world).await;
        root.person(EVA, "Eva").await;
        let eva_id = root.stored(EVA).await["id"].clone();
        let acme = root.make("orgs", json!({"name": "Acme", "owner": eva_id})).await["id"].as_str().unwrap().to_owned();
        let other = root.make("orgs", json!({"name": "Other"})).await["id"].as_str().unwrap().to_owned();
        root.client(json!({"client_id": "orders", "name": "Orders", "org_id": acme})).await;
        root.client(json!({"client_id": "ledger", "name": "Ledger", "org_id": other})).await;
        let mut browser = eva(&root).await;
        let its = format!("/console/organizations/{acme}");
        let page = browser.open(&its).await;
        assert!(page.text.contains(&format!("href=\"{its}/branding\"")), "{}", page.text);
        let form = browser.open(&format!("{its}/branding")).await;
        assert_eq!(form.title(), "What pages of Acme look like", "{}", form.text);
        assert!(form.text.contains(">Orders<") && !form.text.contains("Ledger"), "{}", form.text);
        let saved = browser.upload(&form, &[("name", "Acme"), ("do", "save")], ("logo", LOGO)).await;
        assert!(saved.text.contains("The brand is saved"), "{}", saved.text);
        let (_, app) = saved.text.split_once(&format!("{its}/applications/")).unwrap();
        let app = format!("{its}/applications/{}", app.split('"').next().unwrap());
        let form = browser.open(&app).await;
        assert!(form.text.contains("Otherwise Acme."), "{}", form.text);
        let saved = browser.upload(&form, &[("accent_color", "#7c2d12"), ("do", "save")], NONE).await;
        assert!(saved.text.contains("The brand is saved"), "{}", saved.text);
        assert_eq!(root.read("clients/orders/branding").await["accent_color"], "#7c2d12");

        let logo = root.read(&format!("orgs/{acme}/branding")).await["logo"].as_str().unwrap().to_owned();
        let picture = format!("<img src=\"/brand/{}\"", logo.rsplit('/').next().unwrap());
        for path in [its.as_str(), "/account/organizations"] {
            let page = browser.open(path).await;
            assert!(page.text.contains(&picture), "the logo at {path}: {}", page.text);
        }
        for (path, status) in [
            ("/console/branding".to_owned(), StatusCode::FORBIDDEN),
            (format!("/console/organizations/{other}/branding"), StatusCode::NOT_FOUND),
            (format!("{its}/applications/ledger/branding"), StatusCode::NOT_FOUND),
            ("/console/applications/orders/branding".to_owned(), StatusCode::FORBIDDEN),
        ] {
            assert_eq!(browser.open(&path).await.status, status, "{path}");
            let stolen = Page { path: path.clone(), ..form.clone() };
            let sent = browser.upload(&stolen, &[("name", "Mine"), ("do", "save")], NONE).await;
            assert_eq!(sent.status, status, "{path}: {}", sent.text);
        }
        let form = root.open("/console/applications/ledger/branding").await;
        let saved = root.upload(&form, &[("name", "Ledger & Sons"), ("do", "save")], NONE).await;
        assert!(saved.text.contains("The brand is saved") && saved.text.contains("Ledger &#38; Sons"), "{}", saved.text);
    }
}
