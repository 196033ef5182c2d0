//! The console's pages of what is going on: who is signed in, and what was written to people.

use std::time::Duration;

use crate::{
    pages_console::{administrator, link},
    pages_kit::{Browser, PASSWORD},
};
use doorward_core::{audit, page::PageAsk};
use doorward_world::{World, both_engines};
use http::StatusCode;

const ADA: &str = "ada@example.com";

async fn with_ada(world: World) -> (Browser, Browser) {
    let (browser, _) = administrator(world).await;
    browser.person(ADA, "Ada Lovelace").await;
    let mut ada = browser.another();
    let account = ada.open("/account").await;
    ada.sign_in(&account, ADA, PASSWORD).await;
    (browser, ada)
}

/// The newest event of this code.
async fn event(browser: &Browser, code: &str) -> audit::Entry {
    let which = audit::Filter { code: Some(code.to_owned()), ..audit::Filter::default() };
    let rows = usize::try_from(PageAsk { limit: 1, ..PageAsk::default() }.rows()).unwrap();
    audit::list(&browser.world.realm, which, None, rows).await.unwrap().remove(0)
}

both_engines! {
    async fn anybody_is_signed_out_with_a_reason(world: World) {
        let (mut browser, mut ada) = with_ada(world.clone()).await;
        let all = browser.open("/console/sessions").await;
        assert_eq!(all.text.matches("scope=\"row\"").count(), 2, "{}", all.text);
        for (person, rows) in [(ADA, 1), ("nobody@example.com", 0), ("what is this", 0)] {
            let list = browser.open(&format!("/console/sessions?person={}", person.replace(' ', "+"))).await;
            assert_eq!((list.status, list.text.matches("scope=\"row\"").count()), (StatusCode::OK, rows), "{person}");
        }
        let hers = browser.open("/console/sessions?person=ada%40example.com").await;
        let sheet = browser.open("/console/sessions.csv?person=ada%40example.com").await;
        assert!(sheet.text.lines().count() == 2 && sheet.text.contains(",ada@example.com,"), "{}", sheet.text);
        let path = link(&hers, "/console/sessions/ses_");
        let page = browser.open(&path).await;
        assert!(page.title() == ADA && page.text.contains("pwd"), "{}", page.text);
        let to = format!("{path}/end");
        let form = browser.open(&to).await;
        let wrong = browser.submit(&form, &to, &[("reason", " ")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("reason-error"), "{}", wrong.text);
        assert_eq!(ada.open("/account").await.title(), "Profile", "nothing has ended yet");
        let done = browser.submit(&form, &to, &[("reason", "A laptop was stolen")]).await;
        assert!(done.text.contains("The session has ended") && !done.text.contains(ADA), "{}", done.text);
        assert_eq!(ada.open("/account").await.title(), "Sign in");
        assert_eq!(browser.open(&path).await.status, StatusCode::NOT_FOUND);
        let event = event(&browser, "session.ended").await;
        assert_eq!(event.detail.unwrap()["reason"], "A laptop was stolen");
    }

    async fn a_mail_is_read_after_a_fresh_sign_in_only(world: World) {
        let (mut browser, mut ada) = with_ada(world.clone()).await;
        let forgot = ada.open("/forgot").await;
        ada.submit(&forgot, "/forgot", &[("email", ADA)]).await;
        let list = browser.open("/console/mail?status=waiting").await;
        assert!(list.text.contains("reset-password"), "{}", list.text);
        assert_eq!(browser.open("/console/mail?status=lost").await.status, StatusCode::BAD_REQUEST);
        assert!(browser.open("/console/mail.csv").await.text.contains(",reset-password,en,waiting,0,"));
        let path = link(&list, "/console/mail/eml_");
        let page = browser.open(&path).await;
        assert!(!page.text.contains("/reset") && page.text.contains("Try again now"), "{}", page.text);
        let words = format!("{path}/words");
        world.advance(Duration::from_mins(11));
        let asked = browser.open(&words).await;
        assert_eq!(asked.title(), "Enter your password", "{}", asked.text);
        let read = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert!(read.path == words && read.text.contains("/reset"), "{}", read.text);
        assert_eq!(event(&browser, "mail.read").await.facts["template"], "reset-password");
        let page = browser.open(&path).await;
        let again = browser.submit(&page, &format!("{path}/retry"), &[]).await;
        assert!(again.path == path && again.text.contains("It is tried again now"), "{}", again.text);
    }
}
