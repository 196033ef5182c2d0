//! What redeeming a code and refreshing have in common: tokens for the person whose grant it is.
//!
//! All that they depend on is read in the operation that uses the credential up; custom claims and signatures are
//! made after it.

use std::{sync::Arc, time::Duration};

use doorward_proto::{
    scope::ScopeSet,
    secret::{Opaque, TokenHash},
};

use super::sql::Presented;
use crate::{
    apis,
    audit::{self, Event},
    call::Call,
    claims::{self, Unsaid},
    clients::Client,
    db::Tx,
    orgs,
    outcome::{Code, Result, refuse},
    sessions,
    tokens::{
        self, Claims, Grant, Target, Tokens, Told,
        issue::{self, IdTokenFacts},
    },
};

/// Who presents a credential, and for what it shall be exchanged.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) call: Call,
    pub(super) client: Arc<Client>,
    /// The credential's hash.
    pub(super) hash: TokenHash,
    /// The audience, one at the most.
    pub(super) resources: Vec<String>,
    /// The DPoP key of the proof.
    pub(super) jkt: Option<String>,
}

/// What the credential was exchanged for, before it is signed.
pub(super) struct Issued {
    claims: Claims,
    /// The custom claims in it.
    custom: Unsaid,
    scope: ScopeSet,
    ttl: Duration,
    grant: Grant,
    /// What an ID token says of the person, where there is one, and the custom claims in it.
    person: Option<(Told, Unsaid)>,
    /// The `nonce` of the authorization request.
    pub(super) nonce: Option<String>,
    pub(super) refresh: Option<Opaque>,
}

/// The access token that a credential is exchanged for, before anything is written.
pub(super) struct Made {
    claims: Claims,
    custom: Unsaid,
    event: Event,
}

impl Ask {
    /// The audience of the access token, under a grant for these resources.
    pub(super) async fn target(&self, tx: &mut Tx<'_>, grant: &Grant) -> Result<Target> {
        let granted = issue::granted_of(&self.call, &self.client, grant.resources.clone());
        let mut target = tokens::target_in(tx, (&self.call, &self.client), &self.resources, &granted).await?;
        if target.api.is_some() {
            target.beside = apis::scopes_beside(tx, &self.call, (grant.org, &target.audience)).await?;
        }
        Ok(target)
    }

    /// Refuses once the session is over that the grant may not outlive, and where its organisation may not be
    /// used.
    pub(super) async fn carried(&self, tx: &mut Tx<'_>, grant: &Grant) -> Result<()> {
        orgs::must_admit(tx, grant.org, self.call.origin.address).await?;
        let now = self.call.now;
        let idle_since = now - self.call.realm.settings.session.idle;
        match grant.needs_session() {
            Some(session) if !sessions::carries(tx, session, (now, idle_since)).await? => {
                refuse(Code::GrantEnded)
            }
            _ => Ok(()),
        }
    }

    /// What is to be issued, and the event that says so.
    pub(super) async fn prepare<R>(
        &self,
        tx: &mut Tx<'_>,
        found: &Presented<R>,
        (target, scope): (&Target, &ScopeSet),
        grant_type: &str,
    ) -> Result<Made> {
        let claims = found.access_claims(&self.call, &self.client, (target, scope), self.jkt.as_deref())?;
        let place = (target.api.as_deref(), claims::Target::AccessToken);
        let custom = claims::of_person(tx, (&self.call, &self.client), place, (&found.grant, scope)).await?;
        let event = claims.event(&self.call, &self.client, &found.grant)?.fact("grant", grant_type);
        Ok(Made { claims, custom, event })
    }

    /// Writes what is issued. Whether the person may have it was decided when the credential was used up.
    pub(super) async fn record<R>(
        &self,
        tx: &mut Tx<'_>,
        found: &Presented<R>,
        Made { claims, event, .. }: &Made,
    ) -> Result<()> {
        audit::record(tx, event).await?;
        if let Some((hash, body)) = claims.stored(&self.call) {
            let person = found.grant.user.to_string();
            let owner = (person.as_str(), found.grant.client, found.epoch);
            tokens::sql::insert_access(tx, hash, &body, owner, self.call.now).await?;
        }
        Ok(())
    }

    /// What the caller has to sign, with an ID token or without.
    pub(super) async fn issued(
        &self,
        tx: &mut Tx<'_>,
        grant: Grant,
        (made, target, scope): (Made, Target, ScopeSet),
        wants_id_token: bool,
    ) -> Result<Issued> {
        let mut person = None;
        if wants_id_token && grant.scope.contains("openid") {
            let asked = grant.facts.claims.as_ref().map(|claims| &claims.id_token);
            let told = Told::read(tx, &grant, (&grant.scope, asked)).await?;
            let place = (None, claims::Target::IdToken);
            let custom =
                claims::of_person(tx, (&self.call, &self.client), place, (&grant, &grant.scope)).await?;
            person = Some((told, custom));
        }
        let Made { claims, custom, .. } = made;
        Ok(Issued { claims, custom, scope, ttl: target.ttl, grant, person, nonce: None, refresh: None })
    }
}

impl Issued {
    /// Signs the tokens; `code` is the one that was redeemed.
    pub(super) async fn sign(self, call: &Call, client: &Client, code: Option<&Opaque>) -> Result<Tokens> {
        let Self { mut claims, custom, .. } = self;
        let is_dpop = claims.body.cnf.is_some();
        claims.body.extra = custom.say(call, client).await?;
        complete(call, &claims).await?;
        let access_token = tokens::sign(call, claims).await?;
        let mut id_token = None;
        if let Some((person, custom)) = self.person {
            let about = IdTokenFacts {
                nonce: self.nonce,
                access_token: Some(&access_token),
                code: code.map(Opaque::expose),
                custom: custom.say(call, client).await?,
            };
            id_token = Some(issue::id_token(call, client, &self.grant, &person, about).await?);
        }
        let (expires_in, refresh_token, scope) = (self.ttl, self.refresh, self.scope);
        Ok(Tokens { access_token, is_dpop, expires_in, refresh_token, id_token, scope })
    }
}

/// What is stored of an opaque token says the custom claims as well, before anybody has the token.
async fn complete(call: &Call, claims: &Claims) -> Result<()> {
    let Some((hash, body)) = claims.stored(call).filter(|(_, body)| !body.extra.is_empty()) else {
        return Ok(());
    };
    call.realm
        .db
        .write("tokens.complete_access", (hash, body), |tx, (hash, body)| {
            Box::pin(async move { tokens::sql::complete_access(tx, *hash, body).await })
        })
        .await
}
