//! Statements on passwords and the schemes they are kept under.

use doorward_proto::{
    id::{Id, User},
    time::Time,
};

use super::Hashed;
use crate::{
    args,
    db::{ReadTx, Tx},
    outcome::Result,
};

const FIND: &str = "SELECT phc FROM passwords WHERE user_id = $1";
const STORE: &str = "INSERT INTO passwords (user_id, phc, scheme, updated_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id) DO UPDATE SET phc = $2, scheme = $3, updated_at = $4";
const UPGRADE: &str = "UPDATE passwords SET phc = $3, scheme = $4, updated_at = $5
    WHERE user_id = $1 AND phc = $2";
const NOTE_SCHEME: &str =
    "INSERT INTO password_schemes (scheme, example) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const EXAMPLES: &str = "SELECT example FROM password_schemes ORDER BY scheme";
const FORGET_SCHEMES: &str = "DELETE FROM password_schemes WHERE NOT EXISTS (
    SELECT 1 FROM passwords WHERE passwords.scheme = password_schemes.scheme)";
const REMOVE_PASSWORD: &str = "DELETE FROM passwords WHERE user_id = $1";
const REMOVE_PASSKEYS: &str = "DELETE FROM passkeys WHERE user_id = $1";
const REMOVE_TOTP: &str = "DELETE FROM totps WHERE user_id = $1";
const REMOVE_RECOVERY_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";

/// A stored text that cannot be verified is no password: its owner is refused like anybody, and asks for
/// a new one.
pub(super) async fn find(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Option<Hashed>> {
    let text = tx.opt(FIND, args![user], |row| row.text(0)).await?;
    let stored = text.map(|text| Hashed::parse(&text));
    if let Some(Err(_)) = stored {
        tracing::warn!(%user, "a stored password hash cannot be verified; only a reset lets this person in");
    }
    Ok(stored.and_then(Result::ok))
}

pub(super) async fn store(tx: &mut Tx<'_>, user: Id<User>, password: &Hashed, now: Time) -> Result<()> {
    note_scheme(tx, password).await?;
    tx.exec(STORE, args![user, password.text(), password.scheme().name(), now]).await?;
    Ok(())
}

/// Replaces a hash by a better one of the same password, unless the password was changed meanwhile.
pub(super) async fn upgrade(
    tx: &mut Tx<'_>,
    user: Id<User>,
    (old, new): (&Hashed, &Hashed),
    now: Time,
) -> Result<()> {
    note_scheme(tx, new).await?;
    tx.exec(UPGRADE, args![user, old.text(), new.text(), new.scheme().name(), now]).await?;
    Ok(())
}

/// Every scheme that is in use, by a hash of nobody's password under it.
pub(super) async fn examples(tx: &mut ReadTx<'_>) -> Result<Vec<Hashed>> {
    let texts = tx.all(EXAMPLES, &[], |row| row.text(0)).await?;
    Ok(texts.iter().filter_map(|text| Hashed::parse(text).ok()).collect())
}

/// Held while a scheme is noted for a password that is not visible to others yet.
const SCHEMES: &str = "doorward.password_schemes";

pub(super) async fn note_scheme(tx: &mut Tx<'_>, password: &Hashed) -> Result<()> {
    tx.lock_shared(&[SCHEMES]).await?;
    let scheme = password.scheme().name();
    tx.exec(NOTE_SCHEME, args![scheme, password.example()]).await?;
    Ok(())
}

/// Forgets schemes that no password is kept under any more.
pub(super) async fn forget_schemes(tx: &mut Tx<'_>) -> Result<u64> {
    tx.lock_exclusive(&[SCHEMES]).await?;
    tx.exec(FORGET_SCHEMES, &[]).await
}

pub(super) async fn remove_all(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    for statement in [REMOVE_PASSWORD, REMOVE_PASSKEYS, REMOVE_TOTP, REMOVE_RECOVERY_CODES] {
        tx.exec(statement, args![user]).await?;
    }
    Ok(())
}
