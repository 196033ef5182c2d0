//! One request's facts: the realm it is for, its one `now`, who asks, and from where.

use std::{net::IpAddr, sync::Arc};

use doorward_proto::{
    id::{ApiKey, Client, Id, Kind, ServiceToken, Session, User},
    secret::{self, Opaque},
    time::Time,
    trace::TraceParent,
};

use crate::{
    env::{FetchRequest, FetchResponse},
    outcome::Result,
    realm::Realm,
};

/// One request. Built once by the edge, passed by reference to every use case.
#[derive(Clone)]
pub struct Call {
    /// The issuer this request is for.
    pub realm: Arc<Realm>,
    /// The one instant of this request.
    pub now: Time,
    /// Who asks.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
    /// The application whose sign-in is in progress: what is mailed meanwhile wears its brand. It decides nothing.
    pub asked_by: Option<Id<Client>>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Nobody has proven anything yet.
    Anonymous,
    /// A person in a session.
    User {
        /// The person.
        id: Id<User>,
        /// The session.
        session: Id<Session>,
    },
    /// An application that has authenticated.
    Client(Id<Client>),
    /// A service token.
    ServiceToken(Id<ServiceToken>),
    /// A person by a key of theirs.
    PersonalKey {
        /// The person.
        user: Id<User>,
        /// The key.
        key: Id<ApiKey>,
    },
    /// An organisation's API key.
    ApiKey(Id<ApiKey>),
    /// The bootstrap token of the environment.
    Bootstrap,
    /// Somebody on the server's own machine, through the socket or the database.
    LocalAdministrator,
    /// Doorward itself: jobs, start-up.
    System,
}

impl Actor {
    /// How the audit trail names the actor: an id, or one of `anonymous bootstrap local system`.
    pub fn name(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::User { id, .. } => id.to_string(),
            Self::Client(id) => id.to_string(),
            Self::ServiceToken(id) => id.to_string(),
            Self::PersonalKey { user, .. } => user.to_string(),
            Self::ApiKey(id) => id.to_string(),
            Self::Bootstrap => "bootstrap".to_owned(),
            Self::LocalAdministrator => "local".to_owned(),
            Self::System => "system".to_owned(),
        }
    }

    /// The person who asks, by whatever they do.
    pub const fn person(&self) -> Option<Id<User>> {
        match self {
            Self::User { id, .. } | Self::PersonalKey { user: id, .. } => Some(*id),
            _ => None,
        }
    }
}

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The client's address, decided once from trusted peers.
    pub address: IpAddr,
    /// The request's reference, in the log, the audit trail and on error pages.
    pub request_id: String,
    /// `User-Agent`, cut to 512 bytes.
    pub user_agent: Option<String>,
    /// The trace that the request belongs to; it goes on in what we ask of others.
    pub trace: Option<TraceParent>,
}

impl Origin {
    /// Whom the address stands for: an IPv4 address, or the /64 of an IPv6 one, which is what one
    /// household or server has.
    pub fn network(&self) -> String {
        match self.address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        }
    }

    /// Doorward itself.
    pub fn internal() -> Self {
        let request_id = "internal".to_owned();
        Self { address: IpAddr::from([127, 0, 0, 1]), request_id, user_agent: None, trace: None }
    }
}

impl Call {
    /// A call that Doorward makes itself: jobs, start-up.
    pub fn system(realm: &Arc<Realm>) -> Self {
        let now = realm.env.now();
        Self {
            realm: Arc::clone(realm),
            now,
            actor: Actor::System,
            origin: Origin::internal(),
            asked_by: None,
        }
    }

    /// The same request, by somebody who has now been recognised.
    #[must_use]
    pub fn by(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    /// A new id.
    pub fn id<K: Kind>(&self) -> Result<Id<K>> {
        self.realm.env.id(self.now)
    }

    /// A new secret.
    pub fn secret(&self, kind: secret::Kind) -> Result<Opaque> {
        self.realm.env.secret(kind)
    }

    /// Sends an outbound request, as a step of the trace that this one belongs to.
    pub async fn fetch(&self, mut request: FetchRequest) -> Result<FetchResponse> {
        if let Some(trace) = &self.origin.trace {
            let step = trace.step(self.realm.env.bytes()?);
            request.headers.push(("traceparent", step.to_string()));
        }
        Ok(self.realm.env.fetch(request).await?)
    }
}
