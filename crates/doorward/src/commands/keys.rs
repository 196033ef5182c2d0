//! `doorward keys`: what is not a request of the API by itself. The rest of the area is made from the
//! API's description.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use doorward_core::env::{Env, no_fetch};
use serde_json::{Value as Json, json};

use super::{
    Common, Exit,
    manage::{
        connect::{Api, Ask},
        output::{Format, render},
        profile::Connection,
        target::{self, Locality},
    },
    rekey::Rekey,
};
use crate::data::fault;

/// Signing keys, and master keys.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a master key; nothing is stored.
    Generate,
    /// Make new signing keys, which sign once everybody has had time to learn of them.
    Rotate(Rotate),
    /// Replace the master key, while no server runs; everything that was issued goes on working.
    Rekey(Rekey),
}

/// What `keys rotate` takes.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// Only this algorithm: `RS256`, `ES256` or `EdDSA` [default: every one that signs now].
    #[arg(long)]
    alg: Option<String>,
    /// A private key is known to somebody: the new keys sign at once, the old ones verify nothing.
    #[arg(long)]
    emergency: bool,
    #[command(flatten)]
    connection: Connection,
    /// How to print the new keys.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: Format,
}

impl Keys {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        match self {
            Self::Generate => {
                let key = zeroize::Zeroizing::new(Env::system(no_fetch()).bytes::<32>().map_err(fault)?);
                writeln!(std::io::stdout().lock(), "{}", data_encoding::BASE64URL_NOPAD.encode(&*key))?;
                Ok(Exit::Done)
            }
            Self::Rotate(rotate) => super::block_on(rotate.run(common)),
            Self::Rekey(rekey) => super::block_on(rekey.run(common)),
        }
    }
}

impl Rotate {
    async fn run(&self, common: &Common) -> Result<Exit> {
        let api = target::open(common, &self.connection, Locality::Local).await?;
        let made = self.make(&api).await;
        api.close().await?;
        write!(std::io::stdout().lock(), "{}", render(&json!({ "items": made? }), self.output, "keys"))?;
        Ok(Exit::Done)
    }

    async fn make(&self, api: &Api) -> Result<Vec<Json>> {
        let algs = match &self.alg {
            Some(alg) => vec![alg.clone()],
            None => in_use(&api.send(Ask::get("/api/v1/keys")).await?),
        };
        let mut made = Vec::new();
        for alg in algs {
            let body = json!({ "alg": alg, "emergency": self.emergency });
            let key = api.send(Ask::post("/api/v1/keys/rotate", body)).await;
            made.push(key.with_context(|| format!("{alg} was not rotated"))?);
        }
        Ok(made)
    }
}

/// The algorithms that a key signs with now.
fn in_use(keys: &Json) -> Vec<String> {
    let items = keys.get("items").and_then(Json::as_array).into_iter().flatten();
    let text = |key: &Json, member: &str| key.get(member).and_then(Json::as_str).map(str::to_owned);
    let mut algs: Vec<String> = items
        .filter(|key| text(key, "state").as_deref() == Some("active"))
        .filter_map(|key| text(key, "alg"))
        .collect();
    algs.sort();
    algs.dedup();
    algs
}
