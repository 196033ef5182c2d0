//! Announcements: to whom they go, and to whom not any more; the link by which somebody is left alone.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    pages_console::administrator,
    pages_kit::{Browser, PASSWORD, Page},
};
use axum::body::Body;
use doorward_core::{
    env::no_fetch,
    mail::{OutgoingMail, SendFailure, Transport},
    realm::Realm,
    settings::Settings,
    users::{self, Change, Email, NewUser},
};
use doorward_proto::secret::SecretText;
use doorward_world::{Fresh, ISSUER, World, both_engines};
use http::{Request, StatusCode, header};
use serde_json::{Value as Json, json};

type Sent = Arc<Mutex<Vec<OutgoingMail>>>;

/// A world whose mail server is away so often, and what it has taken.
async fn world(place: &Fresh, failures: usize) -> (World, Sent) {
    let (sent, tries) = (Sent::default(), Arc::new(AtomicUsize::new(0)));
    let taken = Arc::clone(&sent);
    let transport: Transport = Arc::new(move |mail| {
        let (taken, tries) = (Arc::clone(&taken), Arc::clone(&tries));
        Box::pin(async move {
            if tries.fetch_add(1, Ordering::SeqCst) < failures {
                return Err(SendFailure { is_final: false, why: "421 later".to_owned() });
            }
            taken.lock().unwrap().push(mail);
            Ok(())
        })
    });
    (World::with_mail(place, Settings::default(), no_fetch(), Some(transport)).await, sent)
}

async fn person(world: &World, name: &str, agrees: bool, is_verified: bool) {
    let mut new = NewUser::new(Email::parse(&format!("{name}@example.com")).unwrap());
    new.email_verified = is_verified;
    new.marketing_consent = agrees.then(|| "news-1/en".to_owned());
    new.password = Some(world.realm.passwords.make(&SecretText::from(PASSWORD)).await.unwrap());
    users::create(&world.local(), new).await.unwrap();
}

fn readers(sent: &Sent) -> Vec<String> {
    let mut all: Vec<String> = sent.lock().unwrap().iter().map(|mail| mail.to.clone()).collect();
    all.sort();
    all
}

/// Where a mail says that it is unsubscribed from, as a path.
fn way_out(mail: &OutgoingMail) -> String {
    let header =
        |name| mail.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    assert_eq!(header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    let link = header("List-Unsubscribe").unwrap();
    let link = link.strip_prefix('<').and_then(|link| link.strip_suffix('>')).unwrap();
    assert!(mail.text.contains(link) && mail.html.contains(link), "{}", mail.text);
    link.strip_prefix(ISSUER).unwrap().to_owned()
}

/// As a mail program posts (RFC 8058): without a cookie, and from nowhere.
async fn one_click(browser: &Browser, path: &str) -> Page {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("List-Unsubscribe=One-Click"))
        .unwrap();
    browser.send(request).await
}

async fn announce(browser: &Browser, above: &str) -> Json {
    let body = json!({"subject": "News", "text": "# News\n\nThere is <more> & more."});
    browser.make(&format!("{above}announcements"), body).await
}

both_engines! {
    /// It goes to proven addresses of people who agreed, once, and says how to be left alone.
    async fn it_goes_to_who_has_agreed_until_they_take_it_back(place: Fresh) {
        let (world, sent) = world(&place, 0).await;
        let browser = Browser::new(world.clone());
        for (name, agrees, is_verified) in [("ada", true, true), ("bob", false, true), ("cyd", true, false), ("dan", true, true)] {
            person(&world, name, agrees, is_verified).await;
        }
        let said = announce(&browser, "").await;
        for _ in 0..3 {
            Realm::run_due_jobs(&world.call()).await.unwrap();
        }
        assert_eq!(readers(&sent), ["ada@example.com", "dan@example.com"]);
        let id = said["id"].as_str().unwrap();
        let shown = browser.read(&format!("announcements/{id}")).await;
        assert_eq!((&shown["status"], &shown["written"]), (&json!("sent"), &json!(2)));
        let mail = sent.lock().unwrap().iter().find(|mail| mail.to.starts_with("ada")).cloned().unwrap();
        assert_eq!(mail.subject, "News");
        assert!(mail.html.contains("There is &lt;more&gt; &amp; more.") && mail.text.contains("There is <more> & more."));
        let consents = browser.read("announcements/consents").await;
        let who: Vec<_> = consents["items"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap()).collect();
        assert_eq!(who, ["ada@example.com", "cyd@example.com", "dan@example.com"]);
        assert_eq!(consents["items"][0]["words"], "news-1/en");

        let out = way_out(&mail);
        let mut reader = browser.another();
        let page = reader.open(&out).await;
        assert_eq!((page.status, page.title()), (StatusCode::OK, "Get no more of this?"), "{}", page.text);
        assert_eq!(browser.read("announcements/consents").await["items"].as_array().unwrap().len(), 3, "looking changes nothing");
        for _ in 0..2 {
            let left = one_click(&browser, &out).await;
            assert_eq!((left.status, left.title()), (StatusCode::OK, "You get no more of this"), "{}", left.text);
        }
        assert_eq!(browser.stored("ada@example.com").await["marketing_consent_at"], json!(null));
        let events = browser.read("audit/events?code=user.unsubscribed").await;
        assert_eq!(events["items"].as_array().unwrap().len(), 1, "{events}");
        announce(&browser, "").await;
        world.advance(std::time::Duration::from_mins(1));
        Realm::run_due_jobs(&world.call()).await.unwrap();
        assert_eq!(readers(&sent), ["ada@example.com", "dan@example.com", "dan@example.com"]);
        for bad in [out.replace("token=", "token=x"), format!("{out}x"), "/unsubscribe".to_owned()] {
            let refused = one_click(&browser, &bad).await;
            assert!(refused.status.is_client_error(), "{bad}: {}", refused.text);
        }
    }

    /// Whoever takes the consent back while mails wait gets none of them.
    async fn what_waits_is_not_sent_to_who_has_taken_it_back(place: Fresh) {
        let (world, sent) = world(&place, 2).await;
        let browser = Browser::new(world.clone());
        person(&world, "ada", true, true).await;
        person(&world, "bob", true, true).await;
        announce(&browser, "").await;
        Realm::run_due_jobs(&world.call()).await.unwrap();
        assert!(readers(&sent).is_empty(), "the mail server is away");
        let ada = browser.stored("ada@example.com").await["id"].as_str().unwrap().parse().unwrap();
        let back = Change { marketing_consent: Some(None), ..Change::default() };
        users::update(&world.local(), ada, None, back).await.unwrap();
        world.advance(std::time::Duration::from_mins(5));
        Realm::run_due_jobs(&world.call()).await.unwrap();
        assert_eq!(readers(&sent), ["bob@example.com"]);
        let given_up = browser.read("mail?status=given_up").await;
        assert_eq!(given_up["items"][0]["recipient"], "ada@example.com", "{given_up}");
    }

    /// Who runs an organisation writes to its members who agreed, and leads nobody elsewhere; unsubscribing is from
    /// that organisation alone.
    async fn an_organisation_writes_to_its_own(place: Fresh) {
        let (world, sent) = world(&place, 0).await;
        let (mut root, _) = administrator(world.clone()).await;
        for name in ["eva", "ada", "bob"] {
            person(&world, name, name != "eva", true).await;
        }
        let owner = root.stored("eva@example.com").await["id"].clone();
        let org = root.make("orgs", json!({"name": "Acme", "owner": owner})).await["id"].as_str().unwrap().to_owned();
        let ada = root.stored("ada@example.com").await["id"].clone();
        root.make(&format!("orgs/{org}/members"), json!({"user_id": ada, "role": "member"})).await;
        let mut browser = root.another();
        let page = browser.open("/account").await;
        browser.sign_in(&page, "eva@example.com", PASSWORD).await;
        assert_eq!(browser.open("/console/announcements").await.status, StatusCode::FORBIDDEN);
        let its = format!("/console/organizations/{org}/announcements");
        let form = browser.open(&format!("{its}/new")).await;
        assert!(form.text.contains("One person gets it now"), "{}", form.text);
        let bad = browser.submit(&form, &format!("{its}/new"), &[("subject", "Hi"), ("text", "See evil.example")]).await;
        assert!(bad.text.contains("text-error") && bad.text.contains("no addresses"), "{}", bad.text);
        let said = browser.submit(&form, &format!("{its}/new"), &[("subject", "Hi"), ("text", "We meet at nine.")]).await;
        assert!(said.text.contains("It is on its way"), "{}", said.text);
        Realm::run_due_jobs(&world.call()).await.unwrap();
        assert_eq!(readers(&sent), ["ada@example.com"], "members who agreed");
        let mail = sent.lock().unwrap().first().cloned().unwrap();
        assert!(mail.text.contains("in the name of Acme."), "{}", mail.text);
        let page = browser.another().open(&way_out(&mail)).await;
        assert!(page.text.contains("Acme"), "{}", page.text);
        let left = one_click(&root, &way_out(&mail)).await;
        assert_eq!(left.status, StatusCode::OK, "{}", left.text);
        assert!(root.stored("ada@example.com").await["marketing_consent_at"].is_string(), "the server may write still");
        announce(&root, &format!("orgs/{org}/")).await;
        announce(&root, "").await;
        world.advance(std::time::Duration::from_mins(1));
        Realm::run_due_jobs(&world.call()).await.unwrap();
        assert_eq!(readers(&sent), ["ada@example.com", "ada@example.com", "bob@example.com"]);
        let list = root.open("/console/announcements").await;
        assert!(list.text.contains(">News<") && list.text.contains(">Sent<"), "{}", list.text);
        let sheet = root.open("/console/announcements/consents.csv").await;
        assert_eq!(sheet.text.lines().count(), 3, "{}", sheet.text);
        assert!(sheet.text.lines().any(|line| line.contains(",ada@example.com,true,")), "{}", sheet.text);
    }
}
