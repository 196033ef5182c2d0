//! Authorization requests (RFC 6749 4.1, OpenID Connect Core 3.1.2), from the first look to the code.
//!
//! A request first proves where its answer may go ([`Trusted`]); only from then on can a refusal be sent
//! there. Then every check of [`checks`] runs. What a person must do in between is a *draft*: the
//! checked request, stored, with the steps taken. Each return to it decides anew from what stands.

mod begin;
mod checks;
mod choice;
mod consent;
mod decide;
mod draft;
mod issue;
mod push;
mod sql;
mod whom;

use doorward_proto::{
    authorize::{AuthorizationRequest, Prompt, ResponseMode},
    id::{self, Id},
    scope::ScopeSet,
    secret::Opaque,
    time::Time,
};
use serde::{Deserialize, Serialize};

pub use begin::{begin, resume};
pub(crate) use checks::repeats_redirect_uri;
pub use checks::{RESPONSE_MODES, STANDARD_SCOPES};
pub use choice::{acting_for, choose_organization, on_behalf_of};
pub use consent::{
    Connected, Consented, allowed_in_words, approve, connected, deny, revoke, skip, would_join,
};
pub(crate) use draft::TTL as DRAFT_TTL;
pub use draft::{View, chose_account, signed_in, view};
pub use push::{PUSHED_TTL, Pushed, push, store_posted};
pub use whom::{Found, Whom};

use crate::outcome::Refusal;

/// Where answers may go: an active client and one of its own redirect URIs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusted {
    /// The application.
    pub client: Id<id::Client>,
    /// Its public name.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// How it travels.
    pub mode: ResponseMode,
    /// Given back unchanged.
    pub state: Option<String>,
}

/// A checked request, as it is stored in a draft.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Where the answer goes.
    pub trusted: Trusted,
    /// What was asked.
    pub ask: AuthorizationRequest,
    /// What may be granted: the scopes asked for, or the client's own.
    pub scope: ScopeSet,
    /// The audiences asked for.
    pub resources: Vec<String>,
    /// Whose ID token came as a hint.
    pub hinted_subject: Option<String>,
    /// Who registers by it, having been at the application without an account.
    #[serde(default)]
    pub registers: Option<Id<id::User>>,
    /// The organisation that the person was invited to, which the request is then for.
    #[serde(default)]
    pub invited: Option<Id<id::Org>>,
    /// The link of that invitation: told to the browser at once, and never stored.
    #[serde(skip)]
    pub invitation: Option<Opaque>,
}

impl Request {
    /// Whether it asks for registration first.
    fn wants_sign_up(&self) -> bool {
        self.ask.prompt.contains(Prompt::Create) || self.ask.screen_hint.as_deref() == Some("signup")
    }

    /// The organisation that the request is for, by id or short name, if it says so. It is never meant by what
    /// people read: anybody may call theirs so.
    pub(crate) fn organization(&self) -> Option<String> {
        self.invited.map(|org| org.to_string()).or_else(|| self.names().next().map(str::to_owned))
    }

    /// What the request calls its organisation.
    fn names(&self) -> impl Iterator<Item = &str> {
        [&self.ask.organization, &self.ask.organization_name].into_iter().flatten().map(String::as_str)
    }
}

/// What the person must do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Sign in, or sign in again.
    SignIn,
    /// Register.
    SignUp,
    /// Choose one of several accounts.
    ChooseAccount,
    /// Choose the organisation that the application acts for.
    ChooseOrganization,
    /// Answer what that organisation asks of its people.
    CompleteProfile,
    /// Say yes or no.
    Consent,
}

/// The answer to an authorization request.
#[derive(Debug)]
pub enum Next {
    /// A page first.
    Show {
        /// The authorization in progress.
        draft: Id<id::Draft>,
        /// Which page.
        step: Step,
    },
    /// An invitation first.
    Invite {
        /// The authorization in progress.
        draft: Id<id::Draft>,
        /// The invitation's link, where the request has just brought it.
        link: Option<Opaque>,
    },
    /// A code for the application.
    Grant {
        /// Where it goes.
        trusted: Trusted,
        /// The code.
        code: Opaque,
    },
    /// A refusal for the application.
    Refuse {
        /// Where it goes.
        trusted: Trusted,
        /// Why.
        refusal: Refusal,
    },
}

/// How far a draft has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) draft: Option<Id<id::Draft>>,
    pub(crate) session: Option<Id<id::Session>>,
    pub(crate) org: Option<Id<id::Org>>,
    pub(crate) login_at: Option<Time>,
    pub(crate) consented_at: Option<Time>,
    /// When the draft was made.
    pub(crate) began_at: Option<Time>,
}

impl Progress {
    /// Whether a session has said yes. A draft's address can be handed on: the yes counts for the session that
    /// gave it only.
    fn is_agreed(&self, session: Id<id::Session>) -> bool {
        self.consented_at.is_some() && self.session == Some(session)
    }

    /// When the authorization began in which a session has said yes.
    fn agreed_at(&self, session: Id<id::Session>) -> Option<Time> {
        self.began_at.filter(|_| self.is_agreed(session))
    }
}
