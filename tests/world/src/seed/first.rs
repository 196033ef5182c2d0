//! The first of each kind, made by the product's own use cases: who is asked as, and what the others are like.

use anyhow::Result;
use doorward_core::{
    api_keys::{self, NewKey, Permissions, Terms, Whose},
    call::{Actor, Call},
    clients::{Metadata, manage},
    credentials::{self, PasswordAsk},
    orgs::{self, manage::NewOrg},
    outcome::Result as Outcome,
    page::PageAsk,
    realm::Realm,
    rights::Rights,
    service_tokens::{self, NewToken},
    users::{self, Email, NewUser, PlatformRole, User},
};
use doorward_proto::scope::ScopeSet;

use super::{
    fault,
    store::{Model, Store},
};

/// Everybody's password.
pub const PASSWORD: &str = "seeded-Kestrel-47-orchard-Quiet";
pub(super) const ADMINISTRATOR: &str = "administrator@seed.example";
pub(super) const OWNER: &str = "owner@seed.example";
pub(super) const BUSY: &str = "busy@seed.example";

/// Ids of the first of each.
pub(super) struct Made {
    instance: String,
    owner: User,
    busy: User,
    largest: String,
    client: String,
    client_id: String,
    token: String,
    key: String,
    session: String,
    browser: String,
}

/// What the others are like.
pub(super) struct First {
    pub(super) instance: String,
    pub(super) owner: String,
    pub(super) busy: String,
    pub(super) largest: String,
    pub(super) client_id: String,
    pub(super) personal: Model,
    pub(super) team: Model,
    pub(super) person: Model,
    pub(super) user: Model,
    pub(super) email: Model,
    pub(super) password: Model,
    pub(super) application: Model,
    pub(super) client: Model,
    pub(super) service: Model,
    pub(super) token: Model,
    pub(super) key: Model,
    pub(super) session: Model,
    pub(super) browser: Model,
}

/// Whether nobody is there yet.
pub(super) async fn is_empty(realm: &std::sync::Arc<Realm>) -> Result<bool> {
    let call = Call::system(realm);
    let page = PageAsk { limit: 1, ..PageAsk::default() };
    let people = users::list(&call, page.clone()).await.map_err(fault)?;
    let teams =
        orgs::manage::list(&call, orgs::manage::ListAsk { page, is_active: None }).await.map_err(fault)?;
    Ok(people.items.is_empty() && teams.items.iter().all(|org| org.kind == orgs::Kind::Instance))
}

/// Makes them.
pub(super) async fn make(call: &Call) -> Outcome<Made> {
    let call = call.by(Actor::LocalAdministrator);
    let password = call.realm.passwords.make(&PASSWORD.into()).await?;
    let person = |address: &str, name: &str| {
        let email = Email::parse(address)?;
        Ok::<_, doorward_core::outcome::Error>(NewUser {
            email_verified: true,
            name: Some(name.to_owned()),
            password: Some(password.clone()),
            ..NewUser::new(email)
        })
    };
    let administrator =
        NewUser { platform_role: PlatformRole::Administrator, ..person(ADMINISTRATOR, "Administrator")? };
    users::create(&call, administrator).await?;
    let owner = users::create(&call, person(OWNER, "Owner of the largest")?).await?;
    let busy = users::create(&call, person(BUSY, "Member of many")?).await?;
    let largest =
        NewOrg { name: "Largest".to_owned(), slug: Some("largest".to_owned()), owner: Some(owner.id) };
    let largest = orgs::manage::create(&call, largest).await?;
    let application = manage::NewClient {
        client_id: Some("seeded".to_owned()),
        org: Some(largest.id),
        registration: manage::Registration {
            name: "Seeded application".to_owned(),
            is_confidential: true,
            is_first_party: false,
            metadata: Metadata {
                redirect_uris: vec!["https://app.seed.example/callback".to_owned()],
                grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
                scopes: ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec(),
                require_pkce: true,
                ..Metadata::default()
            },
        },
    };
    let client = manage::register(&call, application).await?.client;
    let all = Rights { scopes: vec!["admin:*".to_owned()], workspaces: None };
    let token = NewToken { name: Some("seeded".to_owned()), org: Some(largest.id), ..NewToken::default() };
    let token = service_tokens::create(&call, token, &all).await?.token;
    let terms = Terms {
        name: "seeded".to_owned(),
        scopes: ScopeSet::default(),
        permissions: Permissions::default(),
        workspace_ids: Vec::new(),
        allowed_addresses: Vec::new(),
        metadata: serde_json::Map::new(),
        rate_limit: None,
        is_enabled: true,
    };
    let key = NewKey { whose: Whose::Person(owner.id, None), terms, expires_in: None };
    let key = api_keys::create(&call, key, all).await?.key;
    let ask = PasswordAsk { identifier: OWNER.to_owned(), password: PASSWORD.into(), cookie: None };
    let session = credentials::sign_in(&call.by(Actor::Anonymous), ask).await?.session;
    Ok(Made {
        instance: call.realm.instance_org.to_string(),
        largest: largest.id.to_string(),
        client: client.id.to_string(),
        client_id: client.client_id,
        token: token.id.to_string(),
        key: key.id.to_string(),
        session: session.id.to_string(),
        browser: session.browser.to_string(),
        owner,
        busy,
    })
}

impl Made {
    /// The rows that they are.
    pub(super) async fn look(self, store: &Store) -> Result<First> {
        let by_id = |id: &str| format!("id = '{id}'");
        let (owner, org) = (self.owner.id.to_string(), self.owner.org.to_string());
        let of_owner = format!("user_id = '{owner}'");
        Ok(First {
            personal: store.model("orgs", &by_id(&org)).await?,
            team: store.model("orgs", &by_id(&self.largest)).await?,
            person: store.model("principals", &by_id(&owner)).await?,
            user: store.model("users", &by_id(&owner)).await?,
            email: store.model("emails", &of_owner).await?,
            password: store.model("passwords", &of_owner).await?,
            application: store.model("principals", &by_id(&self.client)).await?,
            client: store.model("clients", &by_id(&self.client)).await?,
            service: store.model("principals", &by_id(&self.token)).await?,
            token: store.model("service_tokens", &by_id(&self.token)).await?,
            key: store.model("api_keys", &by_id(&self.key)).await?,
            session: store.model("sessions", &by_id(&self.session)).await?,
            browser: store.model("browsers", &by_id(&self.browser)).await?,
            instance: self.instance,
            busy: self.busy.id.to_string(),
            owner,
            largest: self.largest,
            client_id: self.client_id,
        })
    }
}
