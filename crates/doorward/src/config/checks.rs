//! What is unsafe in a configuration: some of it refuses a start, the rest is explained.

mod lifetimes;
mod limits;
mod network;

use std::path::Path;

use doorward_core::{apis::catalog, db::Place, users::Email};
use doorward_proto::scope::is_scope_name;

pub(crate) use self::network::exposure;
use super::{Config, redact, values::BreachCheck};
use crate::{data, serve::tls, smtp};

/// Everybody may choose a password of this length (NIST SP 800-63B 3.1.1), and need not choose a longer one.
const LONGEST_MINIMUM: usize = 64;
/// PostgreSQL has no more (`max_connections`).
const MOST_CONNECTIONS: usize = 262_143;

/// Something an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// The key that would have to change.
    pub key: &'static str,
    /// What is wrong and what to do, in a sentence.
    pub what: String,
    /// Whether a start is refused.
    pub refuses: bool,
}

/// Everything that is unsafe or contradicts itself. What refuses a start comes first.
pub fn concerns(config: &Config) -> Vec<Concern> {
    let mut found = Vec::new();
    network::plain_http(config, &mut found);
    network::listeners(config, &mut found);
    network::client_certificates(config, &mut found);
    origins(config, &mut found);
    contacts(config, &mut found);
    pairs(config, &mut found);
    places(config, &mut found);
    mail(config, &mut found);
    passwords(config, &mut found);
    newcomers(config, &mut found);
    network::peers(config, &mut found);
    network::gateway(config, &mut found);
    limits::failures(config, &mut found);
    lifetimes::tokens(config, &mut found);
    lifetimes::usage(config, &mut found);
    lifetimes::signing_keys(config, &mut found);
    allowances(config, &mut found);
    found.sort_by_key(|concern| !concern.refuses);
    found
}

fn refuse(key: &'static str, what: impl Into<String>) -> Concern {
    Concern { key, what: what.into(), refuses: true }
}

fn note(key: &'static str, what: impl Into<String>) -> Concern {
    Concern { key, what: what.into(), refuses: false }
}

fn origins(config: &Config, found: &mut Vec<Concern>) {
    for origin in &config.cors.allowed_origins {
        if origin == "*" && !config.allow.any_origin {
            found.push(refuse(
                "allow.any_origin",
                "cors.allowed_origins holds `*`: scripts of every site could read answers. Name the origins, or \
                 allow it with allow.any_origin = true",
            ));
        } else if origin != "*" && !is_origin(origin) {
            found.push(refuse(
                "cors.allowed_origins",
                format!(
                    "`{}` is not an origin; write https://app.example.com without a path",
                    redact::address(origin)
                ),
            ));
        }
    }
}

fn contacts(config: &Config, found: &mut Vec<Concern>) {
    for contact in config.security.contact.iter().filter(|contact| !is_contact(contact)) {
        found.push(refuse(
            "security.contact",
            format!(
                "`{}` is nowhere to write to; write mailto:security@example.com, tel:+1-201-555-0123 or \
                 https://example.com/report",
                redact::address(contact)
            ),
        ));
    }
}

/// RFC 9116 2.5.3, on a line of its own.
fn is_contact(text: &str) -> bool {
    let is_one_line = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_one_line
        && url::Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "mailto" | "tel" | "https") && url.path() != "")
}

fn is_origin(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| url.origin().is_tuple() && url.origin().ascii_serialization() == text)
}

fn pairs(config: &Config, found: &mut Vec<Concern>) {
    if config.tls.cert.is_some() != config.tls.key.is_some() {
        found.push(refuse("tls.key", "tls.cert and tls.key belong together; only one of them is set"));
    }
    if config.master_key.is_some() && config.master_key_file.is_some() {
        found.push(refuse("master_key", "master_key and master_key_file are both set; keep one"));
    }
    if config.setup.email.is_some() != config.setup.password.is_some() {
        found.push(refuse(
            "setup.password",
            "setup.email and setup.password belong together; only one of them is set",
        ));
    }
    if let Some(email) = config.setup.email.as_ref().filter(|email| Email::parse(email).is_err()) {
        let what = format!("`{}` is no mail address; write name@example.com", redact::address(email));
        found.push(refuse("setup.email", what));
    }
    if config.setup.password.is_some() {
        found.push(note(
            "setup.password",
            "setup.password is only needed for the first start; remove it from the environment",
        ));
    }
    if config.auth.bootstrap_service_token.is_some() {
        found.push(note(
            "auth.bootstrap_service_token",
            "the bootstrap token is a root credential; remove it as soon as there is an administrator",
        ));
    }
}

/// What is outside of this configuration: files, other servers' addresses.
fn places(config: &Config, found: &mut Vec<Concern>) {
    if let Some(file) = config.data_dir.ancestors().find(|it| it.exists()).filter(|it| !it.is_dir()) {
        found.push(refuse(
            "data_dir",
            format!("{} is a file, and must be a folder; name another", file.display()),
        ));
    }
    match data::place(config) {
        Err(error) => found.push(refuse("database.url", error.root_cause().to_string())),
        Ok(Place::Sqlite(path)) => {
            if let Some(folder) = path.parent().filter(|folder| lacks(folder, config)) {
                let what =
                    format!("there is no folder {}; make it, or name a file in another", folder.display());
                found.push(refuse("database.url", what));
            }
        }
        Ok(Place::Postgres(_)) if config.database.pool == 0 => {
            let what = "without a connection nothing can be asked; set 1 at least, or leave it out for 10";
            found.push(refuse("database.pool", what));
        }
        Ok(Place::Postgres(_)) if config.database.pool > MOST_CONNECTIONS => {
            let what = format!(
                "PostgreSQL has {MOST_CONNECTIONS} connections at the most; set fewer than its max_connections"
            );
            found.push(refuse("database.pool", what));
        }
        Ok(Place::Postgres(postgres)) => {
            if let Err((key, error)) = postgres.check() {
                found.push(refuse(
                    key,
                    format!("{:#}; write postgres://name:password@host:5432/database", data::fault(error)),
                ));
            }
        }
    }
    if let Some(Err(error)) = config.master_key.as_ref().map(data::master::check) {
        found.push(refuse(
            "master_key",
            format!("the master key {error:#}; make one with: doorward keys generate"),
        ));
    }
    if let (Some(cert), Some(key)) = (&config.tls.cert, &config.tls.key) {
        match tls::Certificate::read(cert, key) {
            Ok(certificate) => network::client_authorities(config, certificate, found),
            Err(error) => found.push(refuse("tls.cert", format!("{error:#}"))),
        }
    }
}

/// Whether this folder of the database is missing, and is not the one that a start makes.
fn lacks(folder: &Path, config: &Config) -> bool {
    !folder.as_os_str().is_empty() && folder != config.data_dir && !folder.is_dir()
}

fn mail(config: &Config, found: &mut Vec<Concern>) {
    if let Err(error) = smtp::check_sender(&config.mail.from) {
        let what = format!("{error:#}").replace(&config.mail.from, &redact::text(&config.mail.from));
        found.push(refuse("mail.from", what));
    }
    let Some(url) = &config.mail.url else { return };
    if let Err(error) = smtp::check(url) {
        found.push(refuse("mail.url", format!("{error:#}")));
    }
    if config.mail.from.contains("@localhost") {
        found.push(note(
            "mail.from",
            format!("mails go out as {}, which other servers take for spam; set mail.from", config.mail.from),
        ));
    }
}

fn passwords(config: &Config, found: &mut Vec<Concern>) {
    let password = &config.password;
    if password.breach_check == BreachCheck::RangeApi && password.breach_api.is_none() {
        found.push(refuse("password.breach_api", "password.breach_check is range-api, and no API is set"));
    }
    if let Some(api) = password.breach_api.as_ref().map(|api| &api.0)
        && (!matches!(api.scheme(), "http" | "https")
            || !api.username().is_empty()
            || api.password().is_some())
    {
        let what = "password.breach_api is an http or https address without a user or a password";
        found.push(refuse("password.breach_api", what));
    }
    if password.breach_check == BreachCheck::Off {
        found.push(note(
            "password.breach_check",
            "passwords that everybody knows from break-ins are accepted",
        ));
    }
    if password.min_strength > 4 {
        found.push(refuse("password.min_strength", "password.min_strength goes from 0 to 4"));
    }
    if password.min_strength < 2 {
        found.push(note("password.min_strength", "passwords that fall in minutes of guessing are accepted"));
    }
    if password.min_length > LONGEST_MINIMUM {
        found.push(refuse(
            "password.min_length",
            format!(
                "nobody could choose a password of {} characters; ask for {LONGEST_MINIMUM} at the most, which is \
                 more than can be guessed (NIST SP 800-63B 3.1.1)",
                password.min_length
            ),
        ));
    }
    if password.min_length < 8 {
        found.push(note(
            "password.min_length",
            "passwords shorter than 8 are accepted (NIST SP 800-63B 3.1.1)",
        ));
    }
}

fn newcomers(config: &Config, found: &mut Vec<Concern>) {
    for domain in &config.sign_up.allowed_domains {
        let compared = Email::parse(&format!("a@{domain}")).map(|email| email.domain().to_owned()).ok();
        if compared.as_ref() != Some(&domain.to_lowercase()) {
            let instead = compared.as_deref().unwrap_or("example.com");
            found.push(refuse(
                "sign_up.allowed_domains",
                format!(
                    "`{}` is the domain of no mail address, so nobody could sign up with it; write {instead}",
                    redact::address(domain)
                ),
            ));
        }
    }
    for scope in &config.auth.bootstrap_token_scopes {
        let shown = redact::address(scope);
        let what = if !is_scope_name(scope) {
            format!(
                "`{shown}` is no scope: one consists of printable ASCII without quotes and backslashes, such as \
                 admin:users:read"
            )
        } else if catalog::is_management(scope) && !catalog::is_own(scope) {
            let known: Vec<&str> = catalog::MANAGEMENT.iter().map(|(name, _)| *name).collect();
            format!("there is no scope `{shown}`; those of the administration are {}", known.join(" "))
        } else {
            continue;
        };
        found.push(refuse("auth.bootstrap_token_scopes", what));
    }
}

fn allowances(config: &Config, found: &mut Vec<Concern>) {
    let on = [
        ("allow.plain_http", config.allow.plain_http, "passwords and tokens may travel unencrypted"),
        ("allow.any_origin", config.allow.any_origin, "scripts of every site may read answers"),
        (
            "allow.private_fetch",
            config.allow.private_fetch,
            "URLs that clients supply may reach this server's own network",
        ),
        (
            "allow.open_gateway",
            config.allow.open_gateway,
            "the gateway may ask for no credential where other machines reach it",
        ),
    ];
    for (key, _, what) in on.into_iter().filter(|(_, is_on, _)| *is_on) {
        found.push(note(key, format!("{key} is on: {what}")));
    }
}

#[cfg(test)]
mod tests;
