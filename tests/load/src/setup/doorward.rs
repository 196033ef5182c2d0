//! Doorward as a load target: a fresh data folder, set up through its management API.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::{Context as _, Result, bail};
use doorward_proto::secret::{Kind, Opaque};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::{
    SERVER_CORE,
    process::{Server, free_port, pinned},
};
use crate::{
    drive::Connection,
    plan::{Client, Clients, Guarded, Person, Plan},
};

/// People who sign in: several, so that one account's throttle is not what is measured.
const PEOPLE: usize = 16;
const PASSWORD: &str = "load-Kestrel-47-orchard-Quiet";
const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
/// The protected resource whose access tokens are signed with RS256.
const RS256_RESOURCE: &str = "https://rs256.load.test";

/// How to run Doorward.
pub(crate) struct Doorward {
    pub(crate) program: PathBuf,
    pub(crate) data_dir: PathBuf,
    /// PostgreSQL instead of a file in the data folder.
    pub(crate) database: Option<String>,
    port: u16,
    bootstrap: Opaque,
}

impl Doorward {
    pub(crate) fn new(program: PathBuf, data_dir: PathBuf, database: Option<String>) -> Result<Self> {
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random).ok().context("no randomness")?;
        let bootstrap = Opaque::new(Kind::ServiceToken, &random);
        Ok(Self { program, data_dir, database, port: free_port()?, bootstrap })
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Starts the server on its data folder; its log goes into the folder beside.
    pub(crate) async fn start(&self) -> Result<Server> {
        let log = File::create(self.data_dir.with_extension("log"))?;
        let mut command = pinned(SERVER_CORE, &self.program);
        command
            .arg("serve")
            .env("DOORWARD_DATA_DIR", &self.data_dir)
            .env("DOORWARD_LISTEN", self.address().to_string())
            .env("DOORWARD_PUBLIC_URL", self.origin())
            .env("DOORWARD_AUTH_BOOTSTRAP_SERVICE_TOKEN", self.bootstrap.expose())
            .env("DOORWARD_LOG_LEVEL", "warn")
            .stdout(log.try_clone()?)
            .stderr(log);
        if let Some(database) = &self.database {
            command.env("DOORWARD_DATABASE_URL", database);
        }
        Server::start(&mut command, self.address()).await
    }
}

/// Gives a running Doorward its clients and people.
/// It stands before the application at `upstream`.
pub(crate) async fn doorward(doorward: &Doorward, server: &Server, upstream: SocketAddr) -> Result<Plan> {
    let connection = Connection::to(server.address, &doorward.origin()).await?;
    let mut api = Api { connection, token: doorward.bootstrap.expose().to_owned() };
    api.create(
        "/api/v1/apis",
        json!({"identifier": RS256_RESOURCE, "name": "Signed with RS256", "signing_alg": "RS256",
               "scopes": ["load:read"]}),
    )
    .await?;
    let machine_es256 = api.machine("load-machine-es256", "me:read", None).await?;
    let machine_rs256 = api.machine("load-machine-rs256", "load:read", Some(RS256_RESOURCE)).await?;
    let clients = Clients {
        machine_es256,
        machine_rs256,
        web_rs256: api.web("load-web-rs256", json!({"id_token_signed_response_alg": "RS256"})).await?,
        web_es256: api.web("load-web-es256", json!({"id_token_signed_response_alg": "ES256"})).await?,
        web_none: api.web("load-web-none", json!({"id_token_on_refresh": false})).await?,
    };
    let token =
        api.create("/api/v1/service-tokens", json!({"name": "load", "scopes": ["load:read"]})).await?;
    let token = token.get("secret").and_then(Value::as_str).context("no secret of the service token")?;
    let guarded = Guarded::by(token);
    let route = json!({"name": "load", "hosts": [guarded.host], "upstream": format!("http://{upstream}")});
    api.create("/api/v1/routes", route).await?;
    let mut people = Vec::with_capacity(PEOPLE);
    for number in 0..PEOPLE {
        let email = format!("person-{number}@load.test");
        let person = json!({"email": email, "password": PASSWORD, "name": "Person", "email_verified": true});
        api.create("/api/v1/users", person).await?;
        people.push(Person { email, password: PASSWORD.to_owned() });
    }
    Ok(Plan {
        address: server.address,
        origin: doorward.origin(),
        pid: server.pid(),
        sign_in: "/sign-in".to_owned(),
        redirect_uri: REDIRECT_URI.to_owned(),
        clients,
        people,
        guarded,
    })
}

struct Api {
    connection: Connection,
    token: String,
}

impl Api {
    async fn create(&mut self, path: &str, body: Value) -> Result<Value> {
        let answer = self.connection.post_json(path, &self.token, &body).await?;
        if answer.status != StatusCode::CREATED {
            bail!("POST {path} {body} {}", answer.describe());
        }
        answer.json()
    }

    async fn machine(&mut self, id: &str, scope: &str, resource: Option<&str>) -> Result<Client> {
        let body = json!({
            "client_id": id, "name": id, "type": "confidential", "redirect_uris": [],
            "grant_types": ["client_credentials"], "scopes": [scope],
            "token_endpoint_auth_method": "client_secret_basic",
        });
        let created = self.create("/api/v1/clients", body).await?;
        client(&created, scope, resource)
    }

    async fn web(&mut self, id: &str, own: Value) -> Result<Client> {
        let scope = "openid email offline_access";
        let mut body = json!({
            "client_id": id, "name": id, "type": "confidential", "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scopes": ["openid", "email", "offline_access"],
            "token_endpoint_auth_method": "client_secret_basic", "first_party": true,
        });
        if let (Some(body), Value::Object(own)) = (body.as_object_mut(), own) {
            body.extend(own);
        }
        let created = self.create("/api/v1/clients", body).await?;
        client(&created, scope, None)
    }
}

fn client(created: &Value, scope: &str, resource: Option<&str>) -> Result<Client> {
    let text = |name: &str| {
        let value = created.get(name).and_then(Value::as_str).map(str::to_owned);
        value.with_context(|| format!("no {name} in {created}"))
    };
    Ok(Client {
        id: text("client_id")?,
        secret: text("client_secret")?,
        scope: scope.to_owned(),
        resource: resource.map(str::to_owned),
    })
}
