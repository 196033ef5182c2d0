//! What scenarios of authorization share: a person, an application, a code.

use std::sync::Arc;

use doorward_core::{
    apis::{self, NewApi, Scope, Settings, TokenFormat},
    authorize::{self, Next},
    call::Call,
    clients::{self, Client, Metadata, manage},
    credentials::{self, PasswordAsk, SignedIn},
    grants::code::{self, CodeAsk},
    outcome::Result,
    sessions::{self, Signed},
    tokens::Tokens,
    users::{self, Email, NewUser},
};
use doorward_proto::{
    form::Params,
    id::{Id, Org},
    jose::Alg,
    pkce::Verifier,
    redirect::with_query,
};
use doorward_world::World;

pub(crate) const PASSWORD: &str = "correct-Horse7-battery";
pub(crate) const CALLBACK: &str = "https://app.example/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A person who has just signed in.
pub(crate) struct Alice {
    pub(crate) user: users::User,
    pub(crate) signed_in: SignedIn,
}

impl Alice {
    pub(crate) async fn signed(&self, call: &Call) -> Signed {
        sessions::find(call, &self.signed_in.cookie).await.expect("reads").expect("known")
    }
}

pub(crate) async fn alice(world: &World) -> Alice {
    person(world, "alice@example.org", None).await
}

/// Another person, who signs in at the browser of the cookie if there is one.
pub(crate) async fn person(world: &World, email: &str, browser: Option<&SignedIn>) -> Alice {
    let call = world.call();
    let mut new = NewUser::new(Email::parse(email).expect("an address"));
    new.password = Some(call.realm.passwords.make(&PASSWORD.into()).await.expect("hashes"));
    let user = users::create(&call, new).await.expect("is made");
    let signed_in = sign_in_at(&call, email, browser).await;
    Alice { user, signed_in }
}

/// Alice signs in at another browser.
pub(crate) async fn sign_in(call: &Call) -> SignedIn {
    sign_in_at(call, "alice@example.org", None).await
}

/// Somebody with the usual password signs in.
pub(crate) async fn sign_in_as(call: &Call, email: &str) -> SignedIn {
    sign_in_at(call, email, None).await
}

async fn sign_in_at(call: &Call, email: &str, browser: Option<&SignedIn>) -> SignedIn {
    let cookie = browser.map(|browser| browser.cookie.clone());
    let ask = PasswordAsk { identifier: email.to_owned(), password: PASSWORD.into(), cookie };
    credentials::sign_in(call, ask).await.expect("signs in")
}

/// An API of the instance with these scopes.
pub(crate) async fn api(world: &World, identifier: &str, scopes: &[&str]) {
    api_of(world, None, identifier, scopes).await;
}

/// The same of an organisation.
pub(crate) async fn api_of(world: &World, org: Option<Id<Org>>, identifier: &str, scopes: &[&str]) {
    let scope = |name: &&str| Scope { name: (*name).to_owned(), description: String::new() };
    let settings = Settings {
        name: "An API".to_owned(),
        signing_alg: Alg::ES256,
        token_format: TokenFormat::Jwt,
        access_ttl: None,
        scopes: scopes.iter().map(scope).collect(),
    };
    let new = NewApi { identifier: identifier.to_owned(), org, settings };
    apis::create(&world.local(), new).await.expect("is made");
}

/// An application with a name of its own; `change` sets what a scenario is about.
pub(crate) async fn application(
    world: &World,
    name: &str,
    change: impl FnOnce(&mut manage::NewClient),
) -> Arc<Client> {
    let call = world.local();
    let metadata = Metadata {
        redirect_uris: vec![CALLBACK.to_owned()],
        grant_types: ["authorization_code", "refresh_token", "client_credentials"]
            .map(str::to_owned)
            .to_vec(),
        scopes: ["openid", "profile", "email", "offline_access", "tasks:read"].map(str::to_owned).to_vec(),
        require_pkce: true,
        id_token_on_refresh: true,
        ..Metadata::default()
    };
    let mut new = manage::NewClient {
        client_id: Some(name.to_owned()),
        org: None,
        registration: manage::Registration {
            name: name.to_owned(),
            is_confidential: true,
            is_first_party: true,
            metadata,
        },
    };
    change(&mut new);
    manage::register(&call, new).await.expect("is registered");
    clients::get_active(&call, name).await.expect("is active")
}

/// A usual request, with these parameters set or (when empty) left out.
pub(crate) fn request(client: &Client, changes: &[(&str, &str)]) -> Params {
    let mut pairs: Vec<(String, String)> = [
        ("client_id", client.client_id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email offline_access"),
        ("state", "s1"),
        ("nonce", "n1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        if !value.is_empty() {
            pairs.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    let query = with_query("", pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Params::parse(query.trim_start_matches('?').as_bytes(), 32 * 1024).expect("is a form")
}

/// The code that the request is answered with at once.
pub(crate) async fn code_for(
    call: &Call,
    client: &Client,
    signed: &Signed,
    changes: &[(&str, &str)],
) -> String {
    match authorize::begin(call, &request(client, changes), Some(signed)).await.expect("is answered") {
        Next::Grant { code, .. } => code.expose().to_owned(),
        other => panic!("no code but {other:?}"),
    }
}

pub(crate) fn code_ask(code: &str) -> CodeAsk {
    CodeAsk {
        code: code.to_owned(),
        redirect_uri: Some(CALLBACK.to_owned()),
        verifier: Some(VERIFIER.parse::<Verifier>().expect("a verifier")),
        resources: Vec::new(),
        jkt: None,
        device: None,
    }
}

pub(crate) async fn redeem(call: &Call, client: &Arc<Client>, code: &str) -> Result<Tokens> {
    code::redeem(call, client, code_ask(code)).await
}

/// Tokens of a whole flow.
pub(crate) async fn tokens_for(call: &Call, client: &Arc<Client>, signed: &Signed) -> Tokens {
    let code = code_for(call, client, signed, &[]).await;
    redeem(call, client, &code).await.expect("is redeemed")
}

/// What a token says.
pub(crate) fn inside(jwt: &str) -> serde_json::Value {
    let body = jwt.split('.').nth(1).expect("a JWT").as_bytes();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(body).expect("base64")).expect("JSON")
}
