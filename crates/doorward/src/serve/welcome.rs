//! The first administrator, and what a start prints on standard output: where to go.

use std::{io::Write as _, sync::Arc};

use anyhow::{Result, anyhow, bail};
use doorward_core::{
    call::Call,
    db::Place,
    orgs,
    outcome::Error,
    realm::Realm,
    users::{
        Email,
        setup::{self, Administrator},
    },
};
use doorward_web::explain;

use crate::{
    config::Config,
    data::{self, fault},
};

/// Makes the administrator that the configuration names, unless there is one.
///
/// # Errors
/// When the mail address or the password is refused.
pub(super) async fn set_up(realm: &Arc<Realm>, config: &Config) -> Result<()> {
    let (Some(email), Some(password)) = (&config.setup.email, &config.setup.password) else { return Ok(()) };
    let email = Email::parse(email).map_err(explained)?;
    let who = Administrator { email, password: password.clone(), name: None };
    let made = setup::ensure(&Call::system(realm), who).await.map_err(explained)?;
    if let Some(id) = made {
        tracing::info!(user = %id, "the first administrator was made");
    }
    Ok(())
}

/// Nobody sees a form here: a refusal says which setting it is about and what to do.
fn explained(error: Error) -> anyhow::Error {
    let Error::Refused(refusal) = error else { return fault(error).context("unattended set-up") };
    let about = refusal.field.as_deref().map_or_else(|| "setup".to_owned(), |field| format!("setup.{field}"));
    let (happened, to_do) = explain::of(refusal.code).map_or(("", ""), |line| (line.happened, line.to_do));
    anyhow!("{about}: {happened} {to_do} ({})", refusal.code.name())
}

/// Whether newcomers can join the organisation that the configuration names; only the database knows.
///
/// # Errors
/// When there is none of that id or short name, or it is somebody's own.
pub(super) async fn check_default_org(realm: &Arc<Realm>) -> Result<()> {
    let Some(name) = realm.settings.sign_up.default_org.as_deref() else { return Ok(()) };
    match orgs::find(&Call::system(realm), name).await.map_err(fault)? {
        Some(org) if org.kind == orgs::Kind::Personal => {
            bail!("sign_up.default_org: `{name}` is one person's own organisation")
        }
        Some(_) => Ok(()),
        None => bail!("sign_up.default_org: there is no organisation with the id or short name `{name}`"),
    }
}

/// Says where everything is; while there is no administrator, with a one-time link that makes one.
///
/// # Errors
/// When the link cannot be kept, or standard output is closed.
pub(super) async fn greet(realm: &Arc<Realm>, config: &Config) -> Result<()> {
    let link = setup::link(&Call::system(realm)).await.map_err(fault)?;
    let issuer = &realm.issuer;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Doorward {} is ready.\n", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  Sign in    {issuer}/sign-in")?;
    writeln!(out, "  Account    {issuer}/account")?;
    writeln!(out, "  Console    {issuer}/console")?;
    writeln!(out, "  API        {issuer}/api/docs")?;
    let folder = std::path::absolute(&config.data_dir)?;
    let place = match data::place(config)? {
        Place::Sqlite(path) if path.parent() == Some(&config.data_dir) => String::new(),
        Place::Sqlite(path) => format!(", database {}", std::path::absolute(path)?.display()),
        Place::Postgres(_) => ", database in PostgreSQL".to_owned(),
    };
    writeln!(out, "  Data       {}{place}", folder.display())?;
    if config.mail.url.is_none() {
        writeln!(out, "  Mail       is not set up (mail.url) and waits: doorward mail list")?;
    }
    if let Some(link) = link {
        writeln!(
            out,
            "\nCreate the first administrator (this link works once, for 24 hours):\n\n  {link}\n"
        )?;
    }
    out.flush()?;
    Ok(())
}
