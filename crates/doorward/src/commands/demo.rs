//! `doorward demo`: the same server on a throw-away folder, with people and an application in it.

use std::{io::Write as _, net::SocketAddr};

use anyhow::{Context as _, Result};
use clap::Args;
use doorward_core::env::{Env, no_fetch};
use doorward_proto::{jose::sha256_base64url, secret::Kind};
use serde_json::{Value as Json, json};

use super::{
    Common, Exit,
    manage::connect::{Api, Ask},
};
use crate::{
    data::{Scratch, fault},
    serve::{self, Greeting},
};

const ADMINISTRATOR: &str = "admin@example.com";
const PERSON: &str = "ada@example.com";
const RESOURCE: &str = "https://api.example.com";
const CALLBACK: &str = "http://127.0.0.1/callback";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// What `demo` takes.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl Demo {
    pub(super) fn run(self, common: &Common) -> Result<Exit> {
        let env = Env::system(no_fetch());
        let folder = Scratch::new(&env)?;
        let password = password(&env)?;
        let place = folder.path().display();
        // Everything that could point at something real is set here.
        let settings = [
            ("data_dir", place.to_string()),
            ("database.url", format!("sqlite://{place}/doorward.db")),
            ("listen", self.listen.to_string()),
            ("setup.email", ADMINISTRATOR.to_owned()),
            ("setup.password", password.clone()),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value));
        let mut loaded = common.load(settings.to_vec())?;
        (loaded.config.public_url, loaded.config.mail.url) = (None, None);
        (loaded.config.master_key, loaded.config.master_key_file) = (None, None);
        let _log = serve::logs::start(&loaded.config)?;
        let greeting = Greeting::Own(Box::new(move |api, issuer| Box::pin(greet(api, issuer, password))));
        serve::runtime()?.block_on(serve::run(loaded, greeting))?;
        Ok(Exit::Done)
    }
}

/// 95 random bits.
fn password(env: &Env) -> Result<String> {
    let secret = env.secret(Kind::Link).map_err(fault)?;
    secret.expose().get(6..22).map(str::to_owned).context("a secret is longer than that")
}

async fn greet(api: Api, issuer: String, admin_password: String) -> Result<()> {
    let person_password = password(&Env::system(no_fetch()))?;
    let person = json!({
        "email": PERSON, "name": "Ada Lovelace", "password": person_password, "email_verified": true,
    });
    api.send(Ask::post("/api/v1/users", person)).await?;
    let resource = json!({
        "identifier": RESOURCE, "name": "Orders",
        "scopes": [
            { "name": "orders:read", "description": "See your orders" },
            { "name": "orders:write", "description": "Place orders for you" },
        ],
    });
    api.send(Ask::post("/api/v1/apis", resource)).await?;
    let client = json!({
        "client_id": "demo-shop", "name": "Demo shop", "type": "confidential", "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "scopes": ["openid", "profile", "email", "offline_access", "orders:read", "orders:write"],
    });
    let client = api.send(Ask::post("/api/v1/clients", client)).await?;
    let secret = client.get("client_secret").and_then(Json::as_str).unwrap_or_default();
    let tour = tour(&issuer, secret);
    let mut out = std::io::stdout().lock();
    writeln!(out, "Doorward's demo is ready at {issuer}. Everything in it goes when it stops.\n")?;
    writeln!(out, "  Administrator  {ADMINISTRATOR}  {admin_password}")?;
    writeln!(out, "  Person         {PERSON}    {person_password}")?;
    writeln!(out, "  Application    demo-shop          {secret}")?;
    writeln!(out, "  API            {RESOURCE}  (orders:read, orders:write)\n")?;
    writeln!(out, "{tour}")?;
    out.flush()?;
    Ok(())
}

/// Commands stand alone on their lines, and so do addresses for a browser.
fn tour(issuer: &str, secret: &str) -> String {
    let challenge = sha256_base64url(VERIFIER.as_bytes());
    let sign_in = format!(
        "{issuer}/oauth2/authorize?response_type=code&client_id=demo-shop&redirect_uri=http%3A%2F%2F127.0.0.1%2F\
         callback&scope=openid%20profile%20orders%3Aread&resource=https%3A%2F%2Fapi.example.com&state=demo&\
         code_challenge={challenge}&code_challenge_method=S256"
    );
    format!(
        "A tour, to be pasted line by line:\n
  # What applications read first, and the keys that verify tokens.
  curl -sS {issuer}/.well-known/openid-configuration
  curl -sS {issuer}/.well-known/jwks.json
  # A token for the application itself.
  curl -sS -u demo-shop:{secret} {issuer}/oauth2/token -d grant_type=client_credentials -d scope=orders:read \
         -d resource={RESOURCE}
  # In a browser, as Ada. Nothing answers at {CALLBACK}: the code is in the address where it ends.
  {sign_in}
  # Within a minute, with that code in place of CODE.
  curl -sS -u demo-shop:{secret} {issuer}/oauth2/token -d grant_type=authorization_code \
         -d redirect_uri={CALLBACK} -d code_verifier={VERIFIER} -d code=CODE
  # In a browser: Ada's own page, and the management API.
  {issuer}/account
  {issuer}/api/docs"
    )
}
