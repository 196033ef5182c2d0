//! What mails say and wear: worded in the console and over the API, by who may, and never so that they mislead.

use crate::{
    pages_console::{ROOT, administrator},
    pages_kit::{Browser, PASSWORD, authorize},
};
use data_encoding::BASE64;
use doorward_core::{
    mail::{self, Rendered},
    page::PageAsk,
};
use doorward_world::{ISSUER, World, both_engines};
use http::StatusCode;
use serde_json::{Value as Json, json};
use std::time::Duration;

const EVA: &str = "eva@example.com";
const RESET: &str = "/console/mail-templates/reset-password/en";
const LOGO: &[u8] = include_bytes!("../../../../tests/data/pictures/logo.png");

/// The newest mail to an address.
async fn mailed(world: &World, email: &str) -> Rendered {
    let call = world.local();
    let all = mail::list(&call, None, PageAsk { limit: 50, ..PageAsk::default() }).await.unwrap();
    let mail = all.items.iter().find(|mail| mail.recipient == email).expect("a mail to the address");
    mail::show(&call, mail.id).await.unwrap().1
}

async fn forgets(browser: &mut Browser, email: &str) {
    let form = browser.open("/forgot").await;
    browser.submit(&form, "/forgot", &[("email", email)]).await;
}

async fn eva(root: &Browser) -> Browser {
    let mut own = root.another();
    let page = own.open("/account").await;
    own.sign_in(&page, EVA, PASSWORD).await;
    own
}

async fn acme(root: &Browser) -> String {
    root.person(EVA, "Eva").await;
    let owner = root.stored(EVA).await["id"].clone();
    root.make("orgs", json!({"name": "Acme", "owner": owner})).await["id"].as_str().unwrap().to_owned()
}

both_engines! {
    /// Words are looked at, saved, mailed to oneself and taken back; mails say them meanwhile.
    async fn words_are_written_looked_at_and_taken_back(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        browser.person(EVA, "Eva").await;
        let list = browser.open("/console/mail-templates").await;
        assert!(list.text.contains(&format!("href=\"{RESET}\"")) && list.text.contains(">Ours<"), "{}", list.text);
        let edit = format!("{RESET}/edit");
        let form = browser.open(&edit).await;
        assert!(form.text.contains("# Set a new password\n\nSomebody, hopefully you,"), "{}", form.text);
        let (bad, good) = ("Come {{back}}", "# A new key\n\nFor the <gate> & more, {{minutes}} minutes:\n\n{{link}}");
        let wrong = browser.submit(&form, &edit, &[("subject", "A new key"), ("text", bad), ("version", "0")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("text-error") && wrong.text.contains("There is no variable {{back}}"), "{}", wrong.text);
        let fields = [("subject", "A new key"), ("text", good), ("version", "0")];
        let token = form.field("form_token").unwrap();
        let sent: Vec<String> = fields.iter().chain([&("form_token", token.as_str())]).map(|(name, value)| {
            url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
        }).collect();
        let seen = browser.ask("POST", &format!("{RESET}/preview"), Some(sent.join("&"))).await;
        assert!(seen.text.contains("For the &lt;gate&gt; &amp; more, 60 minutes:"), "{}", seen.text);
        let policy = seen.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && policy.ends_with("; sandbox") && !policy.contains("script"), "{policy}");
        let saved = browser.submit(&form, &edit, &fields).await;
        assert!(saved.text.contains("The words are saved") && saved.text.contains(">Written here<"), "{}", saved.text);
        let late = browser.submit(&form, &edit, &fields).await;
        assert!(late.text.contains("Somebody else has changed this"), "{}", late.text);

        forgets(&mut browser.another(), EVA).await;
        let mail = mailed(&world, EVA).await;
        assert_eq!(mail.subject, "A new key");
        assert!(mail.text.starts_with("A new key\n\nFor the <gate> & more, 60 minutes:\n\nSet a new password:\nhttps://"), "{}", mail.text);
        assert!(mail.html.contains("<gate>").eq(&false) && mail.text.contains(&format!("sent by {ISSUER}. Nobody")), "{}", mail.html);

        let tested = browser.submit(&saved, &format!("{RESET}/test"), &[]).await;
        assert!(tested.text.contains("A test is on its way"), "{}", tested.text);
        assert_eq!(mailed(&world, ROOT).await.subject, "[Test] A new key");
        let mut last = tested;
        for _ in 0..6 {
            last = browser.submit(&saved, &format!("{RESET}/test"), &[]).await;
        }
        assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS, "{}", last.text);
        let back = format!("{RESET}/reset");
        let form = browser.open(&back).await;
        let wrong = browser.submit(&form, &back, &[]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        let asked = browser.submit(&form, &back, &[("confirm", "reset-password")]).await;
        assert!(asked.path.starts_with("/sign-in/password"), "{} {}", asked.path, asked.text);
        assert_eq!(browser.read("mail-templates/reset-password/en").await["edited"], true);
        let form = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let reset = browser.submit(&form, &back, &[("confirm", "reset-password")]).await;
        assert!(reset.text.contains(">Ours<"), "{}", reset.text);
        assert_eq!(browser.read("mail-templates/reset-password/en").await["edited"], false);
    }

    /// An organisation words its invitations, in which nothing leads elsewhere, and no mail about an account.
    async fn an_organisation_words_what_is_sent_in_its_name(world: World) {
        let (root, _) = administrator(world.clone()).await;
        let org = acme(&root).await;
        let mut browser = eva(&root).await;
        let its = format!("/console/organizations/{org}/mail-templates");
        let list = browser.open(&its).await;
        assert!(list.text.contains("invitation/en") && !list.text.contains("reset-password"), "{}", list.text);
        for (path, status) in [
            ("/console/mail-templates".to_owned(), StatusCode::FORBIDDEN),
            (format!("{its}/reset-password/en/edit"), StatusCode::NOT_FOUND),
            (format!("{its}/invitation/xx/edit"), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(browser.open(&path).await.status, status, "{path}");
        }
        let edit = format!("{its}/invitation/en/edit");
        let form = browser.open(&edit).await;
        let bad = "Join {{org}} at evil.example\n\n{{link}}";
        let wrong = browser.submit(&form, &edit, &[("subject", "Come"), ("text", bad), ("version", "0")]).await;
        assert!(wrong.text.contains("hold no addresses"), "{}", wrong.text);
        let good = "Dear colleague,\n\ncome to {{org}}.\n\n{{link}}";
        let saved = browser.submit(&form, &edit, &[("subject", "Come to {{org}}"), ("text", good), ("version", "0")]).await;
        assert!(saved.text.contains("The words are saved"), "{}", saved.text);
        let late = browser.submit(&form, &edit, &[("subject", "Come"), ("text", good), ("version", "0")]).await;
        assert!(late.text.contains("changed this meanwhile"), "{}", late.text);
        assert_eq!(late.field("version").as_deref(), Some("1"), "who was told may send it again: {}", late.text);
        let brand = json!({"name": "Acme Works", "logo": BASE64.encode(LOGO), "primary_color": "#0f766e"});
        let branded = root.manage("PATCH", &format!("orgs/{org}/branding"), brand).await;
        assert_eq!(branded.status, StatusCode::OK, "{}", branded.text);

        root.make(&format!("orgs/{org}/invitations"), json!({"email": "bob@example.com"})).await;
        let mail = mailed(&world, "bob@example.com").await;
        assert_eq!(mail.subject, "Come to Acme");
        assert!(mail.text.starts_with("Acme Works\n\nDear colleague,\n\ncome to Acme.\n\nLook at the invitation:\nhttps://"), "{}", mail.text);
        assert!(mail.text.contains(&format!("sent by {ISSUER} in the name of Acme.")), "{}", mail.text);
        assert!(mail.html.contains("cid:logo") && mail.html.contains("background:#0f766e") && mail.logo.is_some(), "{}", mail.html);
        root.make(&format!("orgs/{org}/invitations"), json!({"email": "kai@example.com", "locale": "de"})).await;
        let german = mailed(&world, "kai@example.com").await;
        assert!(german.subject.contains("Acme") && german.subject != "Come to Acme", "its reader's language: {}", german.subject);
        forgets(&mut root.another(), EVA).await;
        let own = mailed(&world, EVA).await;
        assert!(!own.html.contains("cid:") && !own.text.contains("Acme"), "a mail about an account is the server's: {}", own.text);
    }

    /// What is mailed while somebody signs in to an application wears its brand, and nothing else of it.
    async fn a_mail_wears_the_brand_of_the_application_that_asked(world: World) {
        let mut browser = Browser::new(world.clone());
        browser.person(EVA, "Eva").await;
        let client = browser.client(json!({"client_id": "orders"})).await;
        let brand = json!({"name": "Orders & more", "primary_color": "#7c2d12"});
        browser.manage("PATCH", "clients/orders/branding", brand).await;
        let page = browser.open(&authorize(&client, &[])).await;
        let forgot = page.path.replace("/sign-in", "/forgot");
        let form = browser.open(&forgot).await;
        browser.submit(&form, "/forgot", &[("email", EVA)]).await;
        let mail = mailed(&world, EVA).await;
        assert!(mail.text.starts_with("Orders & more\n\nSet a new password\n"), "{}", mail.text);
        assert!(mail.html.contains("Orders &amp; more") && mail.html.contains("background:#7c2d12"), "{}", mail.html);
        assert_eq!(mail.subject, "Set a new password");
        forgets(&mut browser.another(), EVA).await;
        let plain = mailed(&world, EVA).await;
        assert!(plain.text.starts_with("Set a new password\n") && plain.html.contains("background:#2b4acb"), "{}", plain.text);
    }

    /// The API says what each mail can say, and refuses what the console refuses.
    async fn the_api_words_mails_as_the_console_does(world: World) {
        let browser = Browser::new(world);
        let all = browser.read("mail-templates").await;
        let reset = all["items"].as_array().unwrap().iter().find(|one| one["template"] == "reset-password").unwrap();
        assert_eq!((&reset["required"], &reset["variables"]), (&json!(["link"]), &json!(["link", "minutes", "issuer"])));
        let path = "mail-templates/reset-password/de";
        let seen = browser.manage("POST", &format!("{path}/preview"), json!({"subject": "Neu"})).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
        let seen: Json = serde_json::from_str(&seen.text).unwrap();
        assert_eq!(seen["subject"], "Neu");
        assert_eq!(browser.read(path).await["edited"], false, "nothing is kept");
        for (body, field) in [
            (json!({"subject": "a\r\nBcc: x@example.com"}), "subject"),
            (json!({"text": "no way"}), "text"),
            (json!({"html": "<a href=\"{{link}}\">x</a><script>1</script>"}), "html"),
            (json!({"colour": "red"}), "colour"),
        ] {
            let wrong = browser.manage("PATCH", path, body).await;
            let problem: Json = serde_json::from_str(&wrong.text).unwrap();
            assert_eq!((wrong.status, &problem["field"]), (StatusCode::BAD_REQUEST, &json!(field)), "{}", wrong.text);
        }
        let html = json!({"html": "<p>Hier: <a href=\"{{link}}\">neu</a></p>"});
        assert_eq!(browser.manage("PATCH", path, html).await.status, StatusCode::OK);
        let unset = browser.manage("PATCH", path, json!({"html": null})).await;
        assert!(unset.status == StatusCode::OK && !unset.text.contains("\"html\""), "{}", unset.text);
        assert_eq!(browser.manage("DELETE", path, json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(browser.manage("POST", &format!("{path}/test"), json!({})).await.status, StatusCode::CONFLICT);
        let unknown = browser.manage("PATCH", "mail-templates/nothing/de", json!({"subject": "x"})).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    }
}
