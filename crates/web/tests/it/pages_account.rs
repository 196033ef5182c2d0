//! The pages of one's own account, as a person without script meets them.

use crate::pages_kit::{Browser, PASSWORD, Page};
use doorward_proto::zone::Zone;
use doorward_world::{ISSUER, World, both_engines};
use http::StatusCode;
use serde_json::json;

const ADA: &str = "ada@example.com";

both_engines! {
    /// What a person says of themselves is what applications are told, and no more than that.
    async fn a_person_says_who_they_are(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let said = [
            ("name", "Ada Lovelace"),
            ("given_name", "Ada"),
            ("family_name", "Lovelace"),
            ("picture", "https://pictures.example/ada.png"),
            ("phone_number", "+44 20 7946 0000"),
            ("locale", "en-GB"),
            ("zone", "Europe/London"),
        ];
        let saved = browser.submit(&page, "/account/profile", &said).await;
        assert!(saved.text.contains("Your profile is saved."), "{}", saved.text);
        for (name, value) in said {
            assert!(saved.text.contains(&format!("value=\"{value}\"")), "{name}: {}", saved.text);
        }
        let stored = browser.stored(ADA).await;
        assert_eq!((stored["locale"].as_str(), stored["zoneinfo"].as_str()), (Some("en-GB"), Some("Europe/London")));
        assert_eq!(stored["profile"]["phone_number"], "+44 20 7946 0000");
        let wrong = [
            ("picture", "javascript:alert(1)"),
            ("phone_number", "call me"),
            ("locale", "klingon speech"),
            ("zone", "the moon"),
        ];
        for (name, value) in wrong {
            let page = browser.open("/account").await;
            let refused = browser.submit(&page, "/account/profile", &[(name, value)]).await;
            assert!(refused.text.contains(&format!("{name}-error\"")), "{name}: {}", refused.text);
            assert!(refused.text.contains(&format!("value=\"{value}\"")), "{name} stays to be mended");
        }
        let page = browser.open("/account").await;
        browser.submit(&page, "/account/profile", &[("phone_number", " "), ("zone", "")]).await;
        let stored = browser.stored(ADA).await;
        assert!(stored["profile"].get("phone_number").is_none() && stored.get("zoneinfo").is_none(), "{stored}");
        assert_eq!(stored["profile"]["given_name"], "Ada", "what was not sent stays");
    }

    /// A picture is what its bytes say, is served as nothing else, and goes when it is not wanted any more.
    async fn a_person_hands_in_a_picture(world: World) {
        const PNG: &[u8] = include_bytes!("../../../../tests/data/pictures/logo.png");
        const JPEG: &[u8] = include_bytes!("../../../../tests/data/pictures/photo.jpg");
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let path_of = |page: &Page| {
            let path = page.text.split("<img src=\"/pictures/").nth(1).map(|rest| rest.split('"').next().unwrap());
            path.map(|path| format!("/pictures/{path}"))
        };
        assert_eq!(path_of(&page), None);
        let saved = browser.hand_in(&page, "/account/picture", ("upload", PNG)).await;
        let first = path_of(&saved).unwrap_or_else(|| panic!("{}", saved.text));
        let stored = browser.stored(ADA).await;
        assert_eq!(stored["profile"]["picture"], format!("{ISSUER}{first}"));
        let picture = browser.another().open(&first).await;
        assert_eq!((picture.status, picture.header("content-type")), (StatusCode::OK, "image/png"), "whatever the form said");
        assert_eq!(picture.header("x-content-type-options"), "nosniff");
        assert!(picture.header("content-security-policy").contains("sandbox"));
        for wrong in [format!("{}.jpg", first.trim_end_matches(".png")), "/pictures/0.png".to_owned(), "/pictures/x".to_owned()] {
            assert_eq!(browser.open(&wrong).await.status, StatusCode::NOT_FOUND, "{wrong}");
        }
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        for bad in [&svg[..], b"", &vec![0xff; 200 * 1024]] {
            let refused = browser.hand_in(&saved, "/account/picture", ("upload", bad)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
            assert!(refused.text.contains("id=\"upload-error\"") && path_of(&refused).is_some(), "{}", refused.text);
        }
        let mut forger = browser.another();
        forger.open("/sign-in").await;
        let forged = forger.hand_in(&saved, "/account/picture", ("upload", PNG)).await;
        assert_eq!(forged.title(), "Sign in", "{}", forged.text);
        assert_eq!(browser.open(&first).await.status, StatusCode::OK, "it stays as it is");

        let saved = browser.hand_in(&saved, "/account/picture", ("upload", JPEG)).await;
        let second = path_of(&saved).unwrap();
        assert_eq!(browser.open(&first).await.status, StatusCode::NOT_FOUND, "replaced");
        let data = browser.open("/account/data").await;
        let file = browser.submit(&data, "/account/data/download", &[]).await;
        assert!(file.text.contains("\"format\":\"jpg\""), "{}", file.text);
        let saved = browser.submit(&saved, "/account/profile", &[("picture", "https://pictures.example/ada.png")]).await;
        assert_eq!((path_of(&saved), browser.open(&second).await.status), (None, StatusCode::NOT_FOUND));
        let saved = browser.hand_in(&saved, "/account/picture", ("upload", PNG)).await;
        let third = path_of(&saved).unwrap();
        let removed = browser.submit(&saved, "/account/picture/remove", &[]).await;
        assert_eq!((path_of(&removed), browser.open(&third).await.status), (None, StatusCode::NOT_FOUND));
        assert!(browser.stored(ADA).await["profile"].get("picture").is_none());
    }

    /// What is long ago is told as a date, in the person's zone; without one in UTC, which is said.
    async fn a_person_is_told_times_in_their_zone(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        browser.submit(&page, "/account/news", &[("news", "yes")]).await;
        let agreed = browser.world.realm.env.now();
        browser.world.advance(std::time::Duration::from_hours(40 * 24));
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let exact = format!("title=\"{}\">", agreed.to_human());
        let utc = format!("{exact}{}</time>", agreed.to_human_in(Zone::UTC));
        assert!(utc.ends_with(" UTC</time>") && page.text.contains(&utc), "{utc}: {}", page.text);
        let page = browser.submit(&page, "/account/profile", &[("zone", "Asia/Tokyo")]).await;
        let tokyo = format!("{exact}{}</time>", agreed.to_human_in(Zone::find("Asia/Tokyo").unwrap()));
        assert!(tokyo.ends_with(" JST</time>"), "{tokyo}");
        let page = browser.open(&page.path).await;
        assert!(page.text.contains(&tokyo), "{tokyo}: {}", page.text);
        let refused = browser.submit(&page, "/account/profile", &[("zone", "Mars/Olympus")]).await;
        assert!(refused.text.contains("zone-error\""), "{}", refused.text);
    }

    /// Everything in one file, for who has just proven who they are.
    async fn a_person_downloads_everything(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        browser.sign_in(&page, ADA, PASSWORD).await;
        let page = browser.open("/account/data").await;
        let file = browser.submit(&page, "/account/data/download", &[]).await;
        assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "application/json"));
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"my-data.json\"");
        assert_eq!((file.header("cache-control"), file.header("x-content-type-options")), ("no-store", "nosniff"));
        let json: serde_json::Value = serde_json::from_str(&file.text).unwrap();
        assert_eq!((&json["profile"][0]["name"], &json["addresses"][0]["address"]), (&json!("Ada"), &json!(ADA)));

        browser.world.advance(std::time::Duration::from_mins(11));
        let page = browser.open("/account/data").await;
        let again = browser.submit(&page, "/account/data/download", &[]).await;
        assert!(again.path.starts_with("/sign-in/password"), "{}", again.path);
        let back = browser.submit(&again, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(back.path, "/account/data");
        let file = browser.submit(&back, "/account/data/download", &[]).await;
        assert!(serde_json::from_str::<serde_json::Value>(&file.text).is_ok(), "{}", file.text);
    }

    /// The account's forms.
    async fn a_person_looks_after_the_account(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let mut other = browser.another();
        let page = other.open("/sign-in").await;
        other.sign_in(&page, ADA, PASSWORD).await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let page = browser.submit(&page, "/account/profile", &[("name", "Ada <Lovelace>")]).await;
        assert!(page.text.contains("Your profile is saved."), "{}", page.text);
        assert!(page.text.contains("Ada &#60;Lovelace&#62;") || page.text.contains("Ada &lt;Lovelace&gt;"));
        assert!(!browser.open("/account").await.text.contains("Your profile is saved."), "said once");

        let page = browser.open("/account/sessions").await;
        assert_eq!(page.text.matches("This device").count(), 1);
        let page = browser.submit(&page, "/account/sessions/ses_", &[]).await;
        assert!(page.text.contains("That device is signed out."));
        assert_eq!(other.open("/account").await.title(), "Sign in");

        let page = browser.open("/account").await;
        let wrong = [("email", "new@example.com"), ("current_password", "wrong")];
        let refused = browser.submit(&page, "/account/email", &wrong).await;
        assert!(refused.text.contains("aria-describedby=\"current_password-error\""), "{}", refused.text);
        let fields = [("email", "new@example.com"), ("current_password", PASSWORD)];
        let page = browser.submit(&refused, "/account/email", &fields).await;
        assert!(page.text.contains("We have sent a link to the new address."));
        let page = browser.open(&browser.mailed("new@example.com").await).await;
        let page = browser.submit(&page, "/verify-email", &[]).await;
        assert!(page.text.contains("new@example.com") && page.text.contains("Your new address is confirmed."));

        let page = browser.open("/.well-known/change-password").await;
        let fresh = "violet harbour 71 teapot engine";
        let fields = [("current_password", PASSWORD), ("new_password", fresh)];
        let page = browser.submit(&page, "/account/security/password", &fields).await;
        assert!(page.text.contains("Your password is changed"));

        let page = browser.open("/account/data").await;
        let fields = [("confirm", "else@example.com"), ("current_password", fresh)];
        let page = browser.submit(&page, "/account/delete", &fields).await;
        assert!(page.text.contains("aria-describedby=\"confirm-error\""));
        let fields = [("confirm", "New@Example.com"), ("current_password", fresh)];
        let page = browser.submit(&page, "/account/delete", &fields).await;
        assert_eq!(page.title(), "Your account is deleted");
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, "new@example.com", fresh).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

both_engines! {}
