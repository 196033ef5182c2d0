//! Signing in with what people have: identity providers elsewhere, by OpenID Connect or plain OAuth 2.
//!
//! What a provider says of somebody counts for that provider alone: a person here is meant by provider and
//! subject ([`Connection`]), never by a mail address. An address that the provider has verified makes a new
//! person, or, where somebody here has it, offers to link the two once that person has proven who they are.
//!
//! A provider is the instance's, for everybody, or an organisation's ([`of_org`]), which speaks for addresses of
//! the domains that the organisation has proven and for its members alone.
//!
//! Whoever comes back from a provider holds a `state`, which is a single-use link (see [`crate::links`]) bound
//! to a cookie of the browser that left. Everything that is asked of a provider goes through
//! [`Call::fetch`](crate::call::Call::fetch) and is over in [`PATIENCE`].

mod begin;
mod connections;
mod discovery;
mod exchange;
mod finish;
mod id_token;
mod link;
mod manage;
pub mod of_org;
mod offer;
mod presets;
mod sql;
mod tenancy;

use std::time::Duration;

use doorward_proto::{
    id::{self, Id, Org},
    time::Time,
};
use serde::{Deserialize, Serialize};

pub use begin::{Leaving, begin};
pub use connections::{Connection, connections, disconnect};
pub(crate) use connections::{forget, forget_org};
pub(crate) use discovery::Discovered;
pub use finish::{FEDERATED, Finished, Returned, finish};
pub use link::{Linking, confirm_link, linking};
pub use manage::{NewProvider, Tested, Usage, create, end, list, test, update, usage};
pub use offer::{Button, Offer, buttons, for_address, is_offered};
pub use presets::{PRESETS, Preset, preset};

use crate::{
    call::Call,
    orgs,
    outcome::{Code, Result, refuse},
};

/// How long a provider may take for all that is asked of it.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long somebody may be away at a provider.
pub const AWAY: Duration = Duration::from_secs(10 * 60);

/// How a provider is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// OpenID Connect with discovery: an ID token says who it is.
    #[default]
    Oidc,
    /// Plain OAuth 2: an endpoint of the provider's own says who it is.
    OAuth2,
}

/// How we prove at the token endpoint who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// `client_secret_basic`.
    #[default]
    Basic,
    /// `client_secret_post`.
    Post,
    /// A public client: PKCE alone.
    None,
    /// A short-lived assertion in the place of the secret, made with the key that Apple has given.
    Apple,
}

/// Where a provider without discovery is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoints {
    /// Where people are sent.
    pub authorization: Option<String>,
    /// Where codes are redeemed.
    pub token: Option<String>,
    /// What says who it is.
    pub userinfo: Option<String>,
    /// What lists the mail addresses, each with `email`, `primary` and `verified`.
    pub emails: Option<String>,
}

/// Which members of the provider's answer say what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    /// Who it is, for ever.
    pub subject: String,
    /// The mail address.
    pub email: String,
    /// Whether the provider has verified it; empty where it never says so.
    pub email_verified: String,
    /// The name.
    pub name: String,
}

impl Default for Mapping {
    fn default() -> Self {
        let [subject, email, email_verified, name] =
            ["sub", "email", "email_verified", "name"].map(str::to_owned);
        Self { subject, email, email_verified, name }
    }
}

/// What can be changed of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What people read on the button.
    pub name: String,
    /// How it is spoken with.
    pub kind: Kind,
    /// Its issuer identifier, where it has one.
    pub issuer: Option<String>,
    /// Its endpoints, where it has no discovery.
    pub endpoints: Endpoints,
    /// Our name there.
    pub client_id: String,
    /// How we prove there who we are.
    pub client_auth: ClientAuth,
    /// Apple's name for the team that the key belongs to.
    pub team_id: Option<String>,
    /// Apple's name for the key.
    pub key_id: Option<String>,
    /// What we ask for.
    pub scopes: Vec<String>,
    /// Which members say what.
    pub mapping: Mapping,
    /// Whether whoever comes for the first time gets an account.
    pub creates_accounts: bool,
    /// Domains of mail addresses that may come; every one where there is none.
    pub allowed_domains: Vec<String>,
    /// Whether addresses in those domains count as verified, though the provider does not say so.
    pub trusts_email: bool,
    /// Whether people are offered to sign in there.
    pub is_enabled: bool,
}

/// A place where people sign in elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Our own key for it.
    pub id: Id<id::Provider>,
    /// Whose it is.
    pub org: Id<Org>,
    /// Its name in addresses, and for applications; one of an organisation begins with the organisation's id.
    pub slug: String,
    /// The rest.
    pub settings: Settings,
    /// Whether we have a secret there.
    pub has_secret: bool,
    pub(crate) sealed: Option<Vec<u8>>,
    /// Moves with every change; the entity tag.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

impl Provider {
    /// The address that people come back to, which has to be registered at the provider.
    pub fn redirect_uri(&self, call: &Call) -> String {
        format!("{}/connect/{}/callback", call.realm.issuer, self.slug)
    }

    /// Its name among those of whom it belongs to.
    pub fn short_name(&self) -> &str {
        self.slug.split_once('.').map_or(&self.slug, |(_, short)| short)
    }

    fn place(id: Id<id::Provider>) -> String {
        format!("providers/{id}")
    }
}

/// What a provider says of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claimed {
    pub(crate) subject: String,
    pub(crate) email: Option<String>,
    pub(crate) is_verified: bool,
    pub(crate) name: Option<String>,
    pub(crate) given_name: Option<String>,
    pub(crate) family_name: Option<String>,
    /// How the person has signed in there, as far as it is said.
    pub(crate) amr: Vec<String>,
}

/// A provider by our own key or its name in addresses, which must exist.
///
/// # Errors
/// `NotFound`.
pub async fn get(call: &Call, name: &str) -> Result<Provider> {
    let found = call
        .realm
        .db
        .read("providers.get", name.to_owned(), |tx, name| {
            Box::pin(async move {
                match name.parse() {
                    Ok(id) => sql::find(tx, id).await,
                    Err(_) => sql::find_slug(tx, name).await,
                }
            })
        })
        .await?;
    match found {
        Some(provider) => Ok(provider),
        None => refuse(Code::NotFound),
    }
}

/// One that people may sign in at now.
async fn enabled(call: &Call, name: &str) -> Result<Provider> {
    let found = get(call, name).await?;
    if is_enabled(call, &found).await? { Ok(found) } else { refuse(Code::NotFound) }
}

/// Whether people may sign in there now: not where its organisation is suspended.
async fn is_enabled(call: &Call, provider: &Provider) -> Result<bool> {
    Ok(provider.settings.is_enabled && orgs::get(call, provider.org).await?.is_active)
}

/// Why nobody is signed in; the reason is for the audit trail and the log.
#[derive(Debug, Clone)]
pub(crate) enum Wrong {
    /// No answer.
    Unreachable(String),
    /// An answer that cannot be believed.
    Invalid(String),
    /// The provider, or the person there, said no.
    Refused(String),
}

impl Wrong {
    fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }

    const fn code(&self) -> Code {
        match self {
            Self::Unreachable(_) => Code::ConnectUnreachable,
            Self::Invalid(_) => Code::ConnectInvalid,
            Self::Refused(_) => Code::ConnectRefused,
        }
    }

    /// Why, for who keeps the provider. An organisation is not told what is in the operator's network.
    fn told_to(&self, call: &Call, provider: &Provider) -> &str {
        match self {
            Self::Unreachable(_) if provider.org != call.realm.instance_org => {
                "no answer, or an address that may not be reached from here"
            }
            other => other.why(),
        }
    }

    fn why(&self) -> &str {
        match self {
            Self::Unreachable(why) | Self::Invalid(why) | Self::Refused(why) => why,
        }
    }
}
