//! What pages look like: the instance's, an organisation's and an application's brand, and whose is worn where.

use crate::pages_kit::{Browser, PASSWORD, Page, authorize};
use axum::body::Body;
use data_encoding::BASE64;
use doorward_web::{App, WebSettings, router};
use doorward_world::{ISSUER, World, both_engines};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tower::ServiceExt as _;

const LOGO: &[u8] = include_bytes!("../../../../tests/data/pictures/logo.png");
const PHOTO: &[u8] = include_bytes!("../../../../tests/data/pictures/photo.jpg");

async fn set(browser: &Browser, what: &str, body: Json) -> Json {
    let page = browser.manage("PATCH", &format!("{what}/branding"), body).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    serde_json::from_str(&page.text).unwrap()
}

async fn public(browser: &Browser, client: &str) -> Json {
    let path = format!("/api/branding?client_id={client}");
    let page = browser.send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert_eq!(page.header("cache-control"), "public, max-age=60");
    serde_json::from_str(&page.text).unwrap()
}

/// The sheet with the colours of a page's brand.
async fn sheet(browser: &mut Browser, page: &Page) -> Option<String> {
    let path =
        page.text.split("href=\"").find(|rest| rest.starts_with("/brand/") && rest.contains(".css"))?;
    let path = path.split('"').next().unwrap().to_owned();
    let sheet = browser.open(&path).await;
    assert_eq!(sheet.status, StatusCode::OK, "{path}");
    assert_eq!(sheet.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    Some(sheet.text)
}

async fn app(browser: &Browser, name: &str, more: Json) -> Json {
    let mut body = json!({"client_id": name.to_lowercase(), "name": name});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    browser.client(body).await
}

both_engines! {
    /// The most particular wins, part by part, and each application's pages look like it.
    async fn two_applications_look_like_themselves(world: World) {
        let mut browser = Browser::new(world);
        set(&browser, "settings", json!({"name": "Umbrella", "terms_uri": "https://umbrella.example/terms"})).await;
        let org = browser.make("orgs", json!({"name": "Acme"})).await["id"].as_str().unwrap().to_owned();
        let orders = app(&browser, "Orders", json!({"org_id": org})).await;
        let ledger = app(&browser, "Ledger", json!({})).await;
        let logo = BASE64.encode(LOGO);
        set(&browser, &format!("orgs/{org}"), json!({"name": "Acme", "logo": logo, "primary_color": "#0f766e"})).await;
        let own = set(&browser, "clients/orders", json!({"name": "Acme Orders", "accent_color": "#7c2d12"})).await;
        let from = |member: &str| {
            let parts = own["effective"].as_array().unwrap();
            parts.iter().find(|part| part["member"] == member).unwrap()["from"].as_str().unwrap().to_owned()
        };
        for (member, place) in [
            ("name", "client"), ("accent_color", "client"), ("logo", "organization"),
            ("primary_color", "organization"), ("terms_uri", "instance"), ("background_color", "default"),
        ] {
            assert_eq!(from(member), place, "{member}");
        }

        let one = browser.open(&authorize(&orders, &[])).await;
        assert!(one.text.contains("<span>Acme Orders</span>") && one.text.contains(" · Acme Orders</title>"), "{}", one.text);
        assert!(one.text.contains("<img src=\"/brand/") && one.text.contains("https://umbrella.example/terms"), "{}", one.text);
        assert!(!one.text.contains("Doorward"), "white label: {}", one.text);
        let colours = sheet(&mut browser, &one).await.unwrap();
        assert!(colours.contains("--action:#0f766e;") && colours.contains("--accent:#7c2d12;"), "{colours}");
        let policy = one.header("content-security-policy");
        assert!(policy.contains("style-src 'self';") && !policy.contains("unsafe"), "{policy}");
        let main = browser.open(one.text.split("href=\"").find(|rest| rest.starts_with("/assets/")).unwrap().split('"').next().unwrap()).await;
        assert!(one.text.len() + colours.len() + main.text.len() + LOGO.len() < 60 * 1024, "the first paint");

        let two = browser.open(&authorize(&ledger, &[])).await;
        assert!(two.text.contains("<span>Umbrella</span>") && !two.text.contains("/brand/"), "{}", two.text);
        let plain = browser.open("/sign-in?client_id=orders").await;
        assert!(plain.text.contains("<span>Acme Orders</span>"), "{}", plain.text);
        let left = browser.open("/sign-in").await;
        assert!(left.text.contains("<span>Umbrella</span>"), "the instance's, where nobody asked: {}", left.text);
        let lost = browser.open("/reset?token=x").await;
        assert!(lost.text.contains("<span>Umbrella</span>"), "errors, too: {}", lost.text);
    }

    /// A stranger learns what sign-in pages show, and not which applications there are.
    async fn anybody_may_read_what_pages_show(world: World) {
        let browser = Browser::new(world);
        let instance = browser.read("settings").await["instance_org_id"].clone();
        let org = browser.make("orgs", json!({"name": "Acme"})).await["id"].as_str().unwrap().to_owned();
        app(&browser, "Orders", json!({"org_id": org})).await;
        let nobody = public(&browser, "nobody").await;
        assert_eq!(nobody["brandName"], "Doorward");
        assert_eq!((&nobody["brandPrimaryColor"], &nobody["brandAccentColor"]), (&json!("#2b4acb"), &json!("#2b4acb")));
        assert_eq!(nobody["organizationId"], instance);
        assert_eq!(public(&browser, "orders").await, nobody, "no brand of its own is like none");
        set(&browser, "clients/orders", json!({"name": "Orders", "logo": BASE64.encode(PHOTO), "primary_color": "#0F766E"})).await;
        let orders = public(&browser, "orders").await;
        assert_eq!((&orders["brandName"], &orders["organizationId"]), (&json!("Orders"), &json!(org)));
        assert_eq!((&orders["brandPrimaryColor"], &orders["brandAccentColor"]), (&json!("#0f766e"), &json!("#0f766e")));
        assert!(orders["brandLogo"].as_str().unwrap().starts_with(&format!("{ISSUER}/brand/")), "{orders}");
        for stop in ["clients/orders/suspend", &format!("orgs/{org}/suspend")] {
            let stopped = browser.manage("POST", stop, json!({})).await;
            assert_eq!(stopped.status, StatusCode::OK, "{}", stopped.text);
            assert_eq!(public(&browser, "orders").await, nobody, "{stop}");
            browser.manage("POST", &stop.replace("suspend", "resume"), json!({})).await;
            assert_eq!(public(&browser, "orders").await, orders, "{stop}");
        }
    }

    /// What people could not read is refused, with the contrast and a shade that is taken.
    async fn what_cannot_be_shown_is_refused(world: World) {
        let browser = Browser::new(world);
        let refused = async |body: Json| -> Json {
            let page = browser.manage("PATCH", "settings/branding", body).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.text);
            serde_json::from_str(&page.text).unwrap()
        };
        let pale = refused(json!({"primary_color": "#ffcc00"})).await;
        assert_eq!((&pale["field"], pale["contrast"].as_f64()), (&json!("primary_color"), Some(1.51)), "{pale}");
        let taken = set(&browser, "settings", json!({"primary_color": pale["nearest"]})).await;
        assert_eq!(taken["primary_color"], pale["nearest"]);
        let svg = BASE64.encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
        for (field, body) in [
            ("logo", json!({"logo": svg})),
            ("logo", json!({"logo": "https://elsewhere.example/logo.png"})),
            ("logo", json!({"logo": BASE64.encode(&vec![0x89; 70_000])})),
            ("accent_color", json!({"accent_color": "red"})),
            ("background_color", json!({"background_color": "#111111"})),
            ("name", json!({"name": "Um\u{202e}brella"})),
            ("name", json!({"name": "x".repeat(61)})),
            ("support_uri", json!({"support_uri": "javascript:alert(1)"})),
            ("terms_uri", json!({"terms_uri": "http://umbrella.example"})),
            ("privacy_uri", json!({"privacy_uri": "mailto:us@umbrella.example"})),
            ("colour", json!({"colour": "#0f766e"})),
        ] {
            assert_eq!(refused(body.clone()).await["field"], field, "{body}");
        }
        assert_eq!(browser.read("settings/branding").await["primary_color"], pale["nearest"], "nothing else was kept");
    }

    /// A picture is served as what it is, without what was hidden in it, until it is replaced.
    async fn a_logo_is_served_as_a_picture_and_nothing_else(world: World) {
        let browser = Browser::new(world.clone());
        let evil = [LOGO, b"<script>alert(1)</script>"].concat();
        let shown = set(&browser, "settings", json!({"logo": BASE64.encode(&evil)})).await;
        let address = shown["logo"].as_str().unwrap().to_owned();
        let again = set(&browser, "settings", json!({"name": "Umbrella", "logo": address})).await;
        assert_eq!(again["logo"], address, "what was shown may be sent back");
        let server = router(App::new(world.realm.clone(), WebSettings::default()));
        let path = address.strip_prefix(ISSUER).unwrap();
        let get = async |path: &str| server.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let picture = get(path).await;
        assert_eq!(picture.status(), StatusCode::OK);
        for (name, value) in [
            ("content-type", "image/png"), ("x-content-type-options", "nosniff"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("content-security-policy", "default-src 'none'; sandbox"),
        ] {
            assert_eq!(picture.headers()[name], value);
        }
        let bytes = picture.into_body().collect().await.unwrap().to_bytes();
        assert!(bytes.starts_with(b"\x89PNG") && !bytes.windows(7).any(|part| part == b"<script" || part == b"Comment"));
        for path in [&path.replace(".png", ".jpg"), "/brand/0.png", "/brand/0f766e-0-0.0000000000000000.css"] {
            assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
        let gone = set(&browser, "settings", json!({"logo": null})).await;
        assert_eq!(gone["logo"], Json::Null);
        assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND);
    }

    /// A brand that calls itself by another's name does not hide who asks.
    async fn a_brand_cannot_pose_as_another_application(world: World) {
        let mut browser = Browser::new(world);
        browser.person("ada@example.com", "Ada").await;
        let orders = app(&browser, "Orders", json!({})).await;
        set(&browser, "clients/orders", json!({"name": "Ledger"})).await;
        let page = browser.open(&authorize(&orders, &[])).await;
        assert!(page.text.contains("<strong>Orders</strong>"), "{}", page.text);
        let consent = browser.sign_in(&page, "ada@example.com", PASSWORD).await;
        assert!(consent.title().contains("Orders") && consent.text.contains("orders.example"), "{}", consent.text);
        let account = browser.submit(&consent, "/consent", &[("answer", "deny")]).await;
        assert!(account.header("location").contains("access_denied"), "{}", account.text);
        let home = browser.open("/account").await;
        assert!(home.text.contains("<span>Doorward</span>"), "one's own pages are the instance's: {}", home.text);
    }
}
