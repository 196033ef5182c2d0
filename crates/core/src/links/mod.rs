//! Single-use links: set-up, sign-up, reset, change of address.
//!
//! A link carries a random secret of which only the keyed hash is kept. What it will do is sealed under
//! that secret, so a copied database tells neither whom the links are for nor what they would set. One
//! guarded statement decides who uses a link; everybody else is told that it is not valid, whether it
//! never existed, is used or too old.

mod sql;

use doorward_proto::{
    id::{Id, User},
    secret::{Kind, Opaque, TokenHash},
    time::Time,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    call::Call,
    db::{ReadTx, Tx},
    outcome::{Code, Error, Result, refuse},
    vault::Vault,
};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Makes the first administrator.
    SetUp,
    /// Makes an account for a proven address.
    SignUp,
    /// Sets a new password.
    Reset,
    /// Proves a new address of an account.
    ChangeEmail,
    /// Comes back from an identity provider; no mail, but a `state`.
    Connect,
    /// Proves again who somebody is that is signed in.
    Prove,
    /// Links what came back from there; no mail, but a cookie.
    Link,
}

impl Purpose {
    /// The page behind the link.
    const fn path(self) -> &'static str {
        match self {
            Self::SetUp => "/setup",
            Self::SignUp => "/verify",
            Self::Reset => "/reset",
            Self::ChangeEmail => "/verify-email",
            Self::Connect => "/connect",
            Self::Link => "/connect/link",
            Self::Prove => "/sign-in/mailed",
        }
    }

    /// The address of the link.
    pub(crate) fn address(self, call: &Call, secret: &Opaque) -> String {
        format!("{}{}?token={}", call.realm.issuer, self.path(), secret.expose())
    }

    const fn number(self) -> i64 {
        match self {
            Self::SetUp => 0,
            Self::SignUp => 1,
            Self::Reset => 2,
            Self::ChangeEmail => 3,
            Self::Connect => 4,
            Self::Link => 5,
            Self::Prove => 6,
        }
    }
}

/// A link about to be kept.
#[derive(Debug, Clone)]
pub(crate) struct NewLink {
    hash: TokenHash,
    purpose: Purpose,
    user: Option<Id<User>>,
    payload: Vec<u8>,
    now: Time,
    expires_at: Time,
}

impl NewLink {
    /// What it takes up, about.
    pub(crate) fn size(&self) -> u64 {
        const AROUND: u64 = 256;
        self.payload.len() as u64 + AROUND
    }
}

/// A link that was presented: its hash, and the secret that opens its payload.
#[derive(Clone)]
pub(crate) struct Presented {
    secret: Opaque,
    hash: TokenHash,
    purpose: Purpose,
    now: Time,
}

/// Makes a link that does `payload` once, within `lives`.
pub(crate) fn make<P: Serialize>(
    call: &Call,
    purpose: Purpose,
    payload: &P,
    lives: std::time::Duration,
) -> Result<(NewLink, Opaque)> {
    let (vault, secret) = (&call.realm.vault, call.secret(Kind::Link)?);
    let hash = vault.hash(&secret);
    let payload = zeroize::Zeroizing::new(serde_json::to_vec(payload)?);
    let payload = vault.seal_under(&call.realm.env, &secret, &place(hash), &payload)?;
    let link = NewLink { hash, purpose, user: None, payload, now: call.now, expires_at: call.now + lives };
    Ok((link, secret))
}

impl NewLink {
    /// A link about an account.
    #[must_use]
    pub(crate) fn of(mut self, user: Id<User>) -> Self {
        self.user = Some(user);
        self
    }
}

/// A link's life in whole minutes, for the words of a mail.
pub(crate) fn minutes(lives: std::time::Duration) -> String {
    lives.as_secs().div_ceil(60).to_string()
}

/// Keeps a link. An account has one live link of each purpose: an older one ends.
pub(crate) async fn insert(tx: &mut Tx<'_>, link: &NewLink) -> Result<()> {
    if let Some(user) = link.user {
        sql::end_of(tx, user, link.purpose.number(), link.now).await?;
    } else if link.purpose == Purpose::SetUp {
        sql::end_set_up(tx, link.now).await?;
    }
    sql::insert(tx, link).await
}

impl Presented {
    /// A link's secret as it came in.
    pub(crate) fn new(call: &Call, purpose: Purpose, secret: &Opaque) -> Self {
        Self { secret: secret.clone(), hash: call.realm.vault.hash(secret), purpose, now: call.now }
    }

    /// When it was presented.
    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    /// Whom a live link is about and what it would do, without using it.
    async fn look<P: DeserializeOwned>(&self, tx: &mut ReadTx<'_>, vault: &Vault) -> Result<Opened<P>> {
        let found = sql::find(tx, self.hash, self.purpose.number(), self.now).await?;
        self.open(vault, found)
    }

    /// Uses the link. Exactly one caller gets what it does.
    pub(crate) async fn consume<P: DeserializeOwned>(
        &self,
        tx: &mut Tx<'_>,
        vault: &Vault,
    ) -> Result<Opened<P>> {
        let found = sql::consume(tx, self.hash, self.purpose.number(), self.now).await?;
        self.open(vault, found)
    }

    fn open<P: DeserializeOwned>(&self, vault: &Vault, found: Option<sql::Found>) -> Result<Opened<P>> {
        let Some((user, sealed)) = found else { return refuse(Code::LinkInvalid) };
        let opened = vault.open_under(&self.secret, &place(self.hash), &sealed)?;
        let payload =
            serde_json::from_slice(&opened).map_err(|_| Error::fault("a link's payload cannot be read"))?;
        Ok((user, payload))
    }
}

/// Whom a link is about, and what it does.
pub(crate) type Opened<P> = (Option<Id<User>>, P);

/// Whom a live link is about and what it would do, without using it: for the page behind it.
pub(crate) async fn look<P>(call: &Call, purpose: Purpose, secret: &Opaque) -> Result<Opened<P>>
where
    P: DeserializeOwned + Send + 'static,
{
    let ask = (Presented::new(call, purpose, secret), std::sync::Arc::clone(&call.realm));
    call.realm
        .db
        .read("links.look", ask, |tx, (link, realm)| {
            Box::pin(async move { link.look(tx, &realm.vault).await })
        })
        .await
}

fn place(hash: TokenHash) -> String {
    format!("links/{}", data_encoding::HEXLOWER.encode(&hash.0))
}

/// Ends every live link of a person.
pub(crate) async fn end_all_of(tx: &mut Tx<'_>, user: Id<User>, now: Time) -> Result<()> {
    sql::end_all_of(tx, user, now).await
}

/// Removes a batch of links that are over; answers how many went.
pub(crate) async fn clean(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    sql::clean(tx, before).await
}
