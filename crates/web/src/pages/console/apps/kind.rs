//! What an application is, and what follows from it.

use doorward_core::clients::{AuthMethod, Client, Metadata};
use doorward_proto::redirect::{RedirectKind, RedirectUri};
use url::Url;

/// What an application is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A web application that keeps a secret on its server.
    Server,
    /// A single-page application: all of it runs in a browser.
    Browser,
    /// A program on people's own devices.
    Native,
    /// A program that acts by itself.
    Service,
}

impl Kind {
    /// In the order in which they are offered.
    pub(super) const ALL: [Self; 4] = [Self::Server, Self::Browser, Self::Native, Self::Service];

    /// Its word in addresses, and in the keys of the catalogue.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Browser => "browser",
            Self::Native => "native",
            Self::Service => "service",
        }
    }

    /// The key of what it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Server => "apps-kind-server",
            Self::Browser => "apps-kind-browser",
            Self::Native => "apps-kind-native",
            Self::Service => "apps-kind-service",
        }
    }

    /// The key of the heading over a new one.
    pub(super) const fn new_one(self) -> &'static str {
        match self {
            Self::Server => "apps-new-server",
            Self::Browser => "apps-new-browser",
            Self::Native => "apps-new-native",
            Self::Service => "apps-new-service",
        }
    }

    /// The key of what it is.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Server => "apps-what-server",
            Self::Browser => "apps-what-browser",
            Self::Native => "apps-what-native",
            Self::Service => "apps-what-service",
        }
    }

    /// The one of this word.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What a registered one is: as far as that shows.
    pub(super) fn of(client: &Client) -> Self {
        let metadata = &client.metadata;
        // A page that is tried out on somebody's machine has a port; a program takes whichever is free.
        let has_port = |uri: &str| Url::parse(uri).is_ok_and(|uri| uri.port().is_some());
        let is_on_devices = |uri: &String| match uri.parse::<RedirectUri>().map(|uri| uri.kind()) {
            Ok(RedirectKind::PrivateUse) => true,
            Ok(RedirectKind::Loopback) => !has_port(uri),
            Ok(RedirectKind::Https) | Err(_) => false,
        };
        match (client.is_confidential, metadata.allows_grant("authorization_code")) {
            (true, true) => Self::Server,
            (true, false) => Self::Service,
            (false, _) if metadata.redirect_uris.iter().any(is_on_devices) => Self::Native,
            (false, _) => Self::Browser,
        }
    }

    /// Whether it can keep a secret.
    pub(super) const fn is_confidential(self) -> bool {
        matches!(self, Self::Server | Self::Service)
    }

    /// Whether people sign in to it.
    pub(super) const fn signs_in(self) -> bool {
        !matches!(self, Self::Service)
    }

    /// The scopes that it asks for unless others are typed.
    pub(super) const fn scopes(self) -> &'static str {
        match self {
            Self::Server | Self::Native => "openid profile email offline_access",
            Self::Browser => "openid profile email",
            Self::Service => "",
        }
    }

    /// With what it is registered, but for what is typed.
    pub(super) fn metadata(self) -> Metadata {
        let grants: &[&str] =
            if self.signs_in() { &["authorization_code", "refresh_token"] } else { &["client_credentials"] };
        let method = if self.is_confidential() { AuthMethod::ClientSecretBasic } else { AuthMethod::None };
        Metadata {
            grant_types: grants.iter().map(ToString::to_string).collect(),
            token_endpoint_auth_method: method,
            require_pkce: true,
            id_token_on_refresh: true,
            ..Metadata::default()
        }
    }
}
