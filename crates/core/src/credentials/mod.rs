//! What people prove themselves with: passwords now, one table for each kind.
//!
//! Passwords are kept as Argon2id in the PHC string format; hashes from elsewhere verify and are
//! replaced at the next sign-in. Hashing happens only on the [`Pool`]'s own threads, never where
//! requests are served. Nothing here says whether an account exists.

mod change;
mod hash;
mod mailed;
mod offline;
mod policy;
mod pool;
mod reset;
mod sign_in;
mod sql;

#[cfg(test)]
mod tests;

use doorward_proto::{
    id::{Id, User},
    time::Time,
};

pub use change::{change, confirm, set};
pub use hash::{Hashed, Scheme};
pub use mailed::{check_proof, mail_proof, mailable, prove};
pub use offline::mark;
pub use policy::check;
pub use pool::{Pool, Verified};
pub use reset::{Reset, check_reset, forgot, offer, reset, welcome};
pub(crate) use sign_in::{ACR, AMR};
pub use sign_in::{ACR_VALUES, PasswordAsk, SignedIn, sign_in};

use crate::{
    call::Call,
    db::{ReadTx, Tx},
    outcome::Result,
};

/// Stores a password's hash in the place of the present one.
pub(crate) async fn store(tx: &mut Tx<'_>, user: Id<User>, password: &Hashed, now: Time) -> Result<()> {
    sql::store(tx, user, password, now).await
}

/// Notes a way of hashing that passwords have come under which were not stored one by one.
pub(crate) async fn note_scheme(tx: &mut Tx<'_>, example: &Hashed) -> Result<()> {
    sql::note_scheme(tx, example).await
}

/// Takes every credential of a person away.
pub(crate) async fn remove_all(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    sql::remove_all(tx, user).await
}

/// Forgets ways of hashing that no password is kept under any more: they need not be waited for.
pub(crate) async fn clean(tx: &mut Tx<'_>) -> Result<u64> {
    sql::forget_schemes(tx).await
}

/// Whether a person has a password.
pub async fn has_password(call: &Call, user: Id<User>) -> Result<bool> {
    call.realm
        .db
        .read("credentials.has_password", user, |tx, user| {
            Box::pin(async move { has_password_in(tx, *user).await })
        })
        .await
}

/// The same inside an operation.
pub(crate) async fn has_password_in(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<bool> {
    Ok(sql::find(tx, user).await?.is_some())
}
