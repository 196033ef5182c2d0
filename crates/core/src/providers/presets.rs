//! What is the same for everybody who signs people in at a well-known provider.

use super::{ClientAuth, Endpoints, Kind, Mapping, Settings};

/// A well-known provider.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// What it is asked for by.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    kind: Kind,
    /// For a provider with discovery; one that has a part of the operator's own is not named here.
    issuer: Option<&'static str>,
    endpoints: [Option<&'static str>; 4],
    scopes: &'static [&'static str],
    mapping: [&'static str; 3],
    client_auth: ClientAuth,
}

const OPENID: &[&str] = &["openid", "email", "profile"];
const CLAIMS: [&str; 3] = ["sub", "email", "email_verified"];

/// Every preset.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "google",
        title: "Google",
        kind: Kind::Oidc,
        issuer: Some("https://accounts.google.com"),
        endpoints: [None; 4],
        scopes: OPENID,
        mapping: CLAIMS,
        client_auth: ClientAuth::Basic,
    },
    Preset {
        name: "github",
        title: "GitHub",
        kind: Kind::OAuth2,
        issuer: None,
        endpoints: [
            Some("https://github.com/login/oauth/authorize"),
            Some("https://github.com/login/oauth/access_token"),
            Some("https://api.github.com/user"),
            Some("https://api.github.com/user/emails"),
        ],
        scopes: &["read:user", "user:email"],
        mapping: ["id", "email", ""],
        client_auth: ClientAuth::Post,
    },
    // The address in `email` may be anything that an administrator of a tenant has written; only where
    // Microsoft says that the owner of the domain was verified does it say whose it is.
    Preset {
        name: "microsoft",
        title: "Microsoft",
        kind: Kind::Oidc,
        issuer: None,
        endpoints: [None; 4],
        scopes: OPENID,
        mapping: ["sub", "email", "xms_edov"],
        client_auth: ClientAuth::Post,
    },
    Preset {
        name: "apple",
        title: "Apple",
        kind: Kind::Oidc,
        issuer: Some("https://appleid.apple.com"),
        endpoints: [None; 4],
        scopes: &["openid", "email", "name"],
        mapping: CLAIMS,
        client_auth: ClientAuth::Apple,
    },
    Preset {
        name: "gitlab",
        title: "GitLab",
        kind: Kind::Oidc,
        issuer: Some("https://gitlab.com"),
        endpoints: [None; 4],
        scopes: OPENID,
        mapping: CLAIMS,
        client_auth: ClientAuth::Basic,
    },
];

/// The preset of that name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The settings of a provider of which nothing else is known.
    pub fn settings(&self) -> Settings {
        let text = |text: &&str| (*text).to_owned();
        let [authorization, token, userinfo, emails] =
            self.endpoints.map(|endpoint| endpoint.map(str::to_owned));
        let [subject, email, email_verified] = self.mapping.map(str::to_owned);
        Settings {
            name: self.title.to_owned(),
            kind: self.kind,
            issuer: self.issuer.map(str::to_owned),
            endpoints: Endpoints { authorization, token, userinfo, emails },
            client_auth: self.client_auth,
            scopes: self.scopes.iter().map(text).collect(),
            mapping: Mapping { subject, email, email_verified, name: "name".to_owned() },
            ..Settings::default()
        }
    }
}
