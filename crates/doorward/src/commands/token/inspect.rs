//! Looking into a JWT: header and claims in words, and whether the server's keys vouch for it.
//!
//! The token goes nowhere: the server is asked for its public keys. The signature is never printed.

use std::io::Write as _;

use anyhow::{Result, bail};
use clap::Args;
use doorward_core::env::{Env, no_fetch};
use doorward_proto::{
    jose::{Jwks, KeySet, Unverified, decode_base64url},
    time::Time,
};
use serde_json::{Map, Value as Json, json};

use crate::commands::{
    Common, Exit,
    manage::{
        connect::Ask,
        output::{Format, render},
        profile::Connection,
        read_text,
        target::{self, Locality},
    },
};

/// Claims that are times in seconds since 1970.
const TIMES: [&str; 5] = ["exp", "iat", "nbf", "auth_time", "updated_at"];

/// What `token inspect` takes.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The JWT; `-` asks for it, `@FILE` reads a file: other people on this machine see a command line.
    #[arg(value_name = "JWT|-|@FILE")]
    jwt: String,
    #[command(flatten)]
    connection: Connection,
    /// How to print the answer.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: Format,
}

/// What is known of the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Signature {
    /// A key of this issuer made it.
    Good(String),
    /// None of this issuer's keys made it.
    Bad(String),
    /// Nobody checked, and why.
    Unchecked(String),
}

impl Signature {
    fn words(&self) -> String {
        match self {
            Self::Good(issuer) => format!("good, by a key of {issuer}"),
            Self::Bad(issuer) => format!("WRONG: no key of {issuer} made it"),
            Self::Unchecked(why) => format!("NOT VERIFIED: {why}. Nothing above can be believed"),
        }
    }

    const fn is_good(&self) -> Option<bool> {
        match self {
            Self::Good(_) => Some(true),
            Self::Bad(_) => Some(false),
            Self::Unchecked(_) => None,
        }
    }
}

impl Inspect {
    pub(super) async fn run(&self, common: &Common) -> Result<Exit> {
        let jwt = read_text("JWT", &self.jwt)?;
        let jwt = jwt.trim();
        let (header, claims) = parts(jwt)?;
        let signature = self.check(common, jwt, &claims).await;
        let now = Env::system(no_fetch()).now();
        let mut out = std::io::stdout().lock();
        match self.output {
            Format::Table => write!(out, "{}", words(&header, &claims, &signature, now))?,
            format => {
                let answer = json!({
                    "header": header, "claims": claims, "verified": signature.is_good(),
                    "signature": signature.words(),
                });
                write!(out, "{}", render(&answer, format, "inspect"))?;
            }
        }
        Ok(if signature.is_good() == Some(false) { Exit::Failed } else { Exit::Done })
    }

    /// Checks the signature with the keys of the server that the command line talks to.
    async fn check(&self, common: &Common, jwt: &str, claims: &Map<String, Json>) -> Signature {
        match self.keys(common).await {
            Ok((issuer, keys)) => judged(jwt, claims, issuer, &keys),
            Err(error) => Signature::Unchecked(format!("no server gave its keys ({error:#})")),
        }
    }

    async fn keys(&self, common: &Common) -> Result<(String, KeySet)> {
        let api = target::open(common, &self.connection, Locality::Remote).await?;
        let asked = async {
            let about = api.send(Ask::get("/.well-known/openid-configuration")).await?;
            let keys = api.send(Ask::get("/.well-known/jwks.json")).await?;
            Ok((about, keys))
        };
        let outcome: Result<(Json, Json)> = asked.await;
        api.close().await?;
        let (about, keys) = outcome?;
        let issuer = about.get("issuer").and_then(Json::as_str).unwrap_or_default().to_owned();
        Ok((issuer, KeySet::from_jwks(&Jwks::parse(keys.to_string().as_bytes())?)))
    }
}

fn judged(jwt: &str, claims: &Map<String, Json>, issuer: String, keys: &KeySet) -> Signature {
    let said = claims.get("iss").and_then(Json::as_str);
    if said.is_some_and(|said| said != issuer) {
        return Signature::Unchecked(format!("it names another issuer than {issuer}"));
    }
    let Ok(token) = Unverified::decode(jwt) else {
        return Signature::Unchecked("its algorithm is not one that is signed with here".to_owned());
    };
    if keys.verify(&token).is_ok() { Signature::Good(issuer) } else { Signature::Bad(issuer) }
}

/// Header and claims of a compact token, whatever it was signed with.
fn parts(jwt: &str) -> Result<(Map<String, Json>, Map<String, Json>)> {
    if jwt.starts_with("dw_") {
        bail!("this is a secret of Doorward's own, not a JWT; `doorward whoami` tells whose it is");
    }
    let parts: Vec<&str> = jwt.split('.').collect();
    let &[header, claims, _] = parts.as_slice() else {
        bail!("a JWT has three parts with dots between them, and this has {}", parts.len());
    };
    let read = |what: &str, part: &str| -> Result<Map<String, Json>> {
        let object = decode_base64url(part.as_bytes()).ok();
        match object.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            Some(members) => Ok(members),
            None => bail!("the {what} is not JSON in base64url"),
        }
    };
    Ok((read("header", header)?, read("payload", claims)?))
}

fn words(header: &Map<String, Json>, claims: &Map<String, Json>, signature: &Signature, now: Time) -> String {
    let mut out = String::from("Header\n");
    for (name, value) in header {
        out += &line(name, &plain(value));
    }
    out += "\nClaims\n";
    for (name, value) in claims {
        let told = match value.as_i64().filter(|_| TIMES.contains(&name.as_str())) {
            Some(seconds) => instant(Time::from_seconds(seconds), now),
            None => plain(value),
        };
        out += &line(name, &told);
    }
    out + "\nSignature\n" + &line("", &signature.words())
}

fn line(name: &str, value: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if name.is_empty() { format!("  {value}\n") } else { format!("  {name}: {value}\n") }
}

/// Control characters of strangers must not reach a terminal.
fn plain(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn instant(time: Time, now: Time) -> String {
    let distance = if time >= now {
        format!("in {}", span(time.since(now).as_secs()))
    } else {
        format!("{} ago", span(now.since(time).as_secs()))
    };
    format!("{}, {distance}", time.to_human())
}

fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
