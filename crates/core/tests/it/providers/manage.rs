//! Adding, changing and trying providers.

use super::kit::{UPSTREAM, Upstream, added, openid, world};
use doorward_core::{
    outcome::Code,
    providers::{self, Kind, Settings},
    settings::SignUpMode,
};
use doorward_proto::secret::SecretText;
use doorward_world::{Fresh, both_engines};
use serde_json::json;

both_engines! {
    /// A name is a button, and stands in mails: what hides in it could say something else there.
    async fn a_name_is_what_it_looks_like(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        for name in ["", " ", " Login", "Log\nin", "\u{202e}nigoL", "Lo\u{200b}gin", "x".repeat(61).as_str()] {
            let mut new = openid();
            new.settings.name = name.to_owned();
            let refused = providers::create(&world.local(), new).await.expect_err("is refused");
            assert_eq!(refused.code(), Some(Code::RequestInvalid), "{name:?}");
        }
    }

    /// Whoever may change providers must not become an administrator by it.
    async fn a_provider_cannot_be_pointed_elsewhere(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.local();
        let changes: [fn(&mut Settings); 3] = [
            |settings| settings.issuer = Some("https://evil.example".to_owned()),
            |settings| settings.mapping.subject = "email".to_owned(),
            |settings| settings.kind = Kind::OAuth2,
        ];
        for change in changes {
            let mut settings = provider.settings.clone();
            change(&mut settings);
            let secret = Some(SecretText::from("new"));
            let moved = providers::update(&call, (provider.id, provider.version), settings, secret).await;
            assert_eq!(moved.expect_err("is refused").code(), Some(Code::RequestInvalid));
        }
        let mut settings = provider.settings.clone();
        settings.name = "Another name".to_owned();
        let renamed = providers::update(&call, (provider.id, provider.version), settings, None).await.expect("is changed");
        assert!(renamed.has_secret && renamed.version == provider.version + 1);
    }

    async fn a_try_says_what_is_wrong(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.local();
        let name = provider.id.to_string();
        let fine = providers::test(&call, &name).await.expect("is tried");
        assert_eq!((fine.problems.len(), fine.authorization_endpoint), (0, Some(format!("{UPSTREAM}/authorize"))));
        for (discovery, what) in [
            (json!({ "issuer": "https://evil.example" }), "speaks for https://evil.example"),
            (json!({ "jwks_uri": null }), "names no jwks_uri"),
            (json!({ "token_endpoint": "http://evil.example/token" }), "no https address"),
        ] {
            upstream.set(|says| says.discovery = discovery.clone());
            let tested = providers::test(&call, "login").await.expect("is tried");
            assert!(tested.problems[0].contains(what), "{:?}", tested.problems);
        }
        upstream.set(|says| {
            says.discovery = json!({});
            says.published = json!({ "keys": [] });
        });
        assert!(providers::test(&call, "login").await.expect("is tried").problems[0].contains("no key"));
    }
}
