//! Everything that can be changed of an application, as it is typed.

use doorward_core::{
    addresses,
    clients::{
        AuthMethod, Client, Metadata,
        manage::{GRANT_TYPES, Registration},
    },
    outcome::{Code, Refusal, Result as Outcome},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use super::kind::Kind;
use crate::pages::{
    console::{
        part::form::{Choice, FormPage, version_after},
        words::{joined, lines, some, words},
    },
    form::Field,
    frame::Frame,
};

/// What is typed. A box that is not ticked is not sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    name: String,
    pub(super) redirect_uris: String,
    pub(super) signed_out: String,
    scopes: String,
    first_party: String,
    grant_code: String,
    grant_refresh: String,
    grant_credentials: String,
    method: String,
    jwks: String,
    jwks_uri: String,
    pub(super) addresses: String,
    pkce: String,
    par: String,
    dpop: String,
    id_token_alg: String,
    id_token_on_refresh: String,
    refresh_policy: String,
    access_ttl: String,
    refresh_ttl: String,
    max_age: String,
    default_api: String,
    apis: String,
    organizations: String,
    every_provider: String,
    providers: String,
    backchannel: String,
    backchannel_session: String,
    logo_uri: String,
    client_uri: String,
    policy_uri: String,
    tos_uri: String,
    version: String,
}

fn tick(is: bool) -> String {
    if is { "yes".to_owned() } else { String::new() }
}

/// The registered word of one of several.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Json::String(word)) => word,
        _ => String::new(),
    }
}

fn wrong(member: &'static str) -> Refusal {
    Refusal::new(Code::ClientMetadataInvalid).field(member)
}

fn read_word<T: DeserializeOwned>(text: &str, member: &'static str) -> Outcome<T> {
    serde_json::from_value(Json::String(text.to_owned())).map_err(|_| wrong(member).into())
}

fn read_number(text: &str, member: &'static str) -> Outcome<Option<u64>> {
    let number = some(text).map(|text| text.parse()).transpose();
    number.map_err(|_| wrong(member).into())
}

impl Form {
    /// As the application stands.
    pub(super) fn of(client: &Client) -> Self {
        let metadata = &client.metadata;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let grant = |grant: &str| tick(metadata.allows_grant(grant));
        Self {
            name: client.name.clone(),
            redirect_uris: metadata.redirect_uris.join("\n"),
            signed_out: metadata.post_logout_redirect_uris.join("\n"),
            scopes: metadata.scopes.join(" "),
            first_party: tick(client.is_first_party),
            grant_code: grant(GRANT_TYPES[0]),
            grant_refresh: grant(GRANT_TYPES[1]),
            grant_credentials: grant(GRANT_TYPES[2]),
            method: metadata.token_endpoint_auth_method.name().to_owned(),
            jwks: metadata.jwks.as_ref().map(ToString::to_string).unwrap_or_default(),
            jwks_uri: text(&metadata.jwks_uri),
            addresses: joined(&metadata.allowed_addresses),
            pkce: tick(metadata.require_pkce),
            par: tick(metadata.require_pushed_authorization_requests),
            dpop: tick(metadata.dpop_bound_access_tokens),
            id_token_alg: text(&metadata.id_token_signed_response_alg),
            id_token_on_refresh: tick(metadata.id_token_on_refresh),
            refresh_policy: word(metadata.refresh_policy),
            access_ttl: number(metadata.access_ttl),
            refresh_ttl: number(metadata.refresh_ttl),
            max_age: number(metadata.default_max_age),
            default_api: text(&metadata.default_api),
            apis: metadata.apis.join("\n"),
            organizations: word(metadata.organizations),
            every_provider: tick(metadata.providers.is_none()),
            providers: metadata.providers.as_deref().unwrap_or_default().join(" "),
            backchannel: text(&metadata.backchannel_logout_uri),
            backchannel_session: tick(metadata.backchannel_logout_session_required),
            logo_uri: text(&metadata.logo_uri),
            client_uri: text(&metadata.client_uri),
            policy_uri: text(&metadata.policy_uri),
            tos_uri: text(&metadata.tos_uri),
            version: client.version.to_string(),
        }
    }

    /// The same after a refusal.
    pub(super) fn again(self, refusal: &Refusal, client: &Client) -> Self {
        let version = version_after(refusal, self.version, client.version);
        Self { version, ..self }
    }

    /// The version that was seen, and what shall be.
    /// That nobody is asked is the instance's to say, and otherwise stays as it is.
    pub(super) fn read(&self, client: &Client, is_instances: bool) -> Outcome<(i64, Registration)> {
        let seen = self.version.parse().map_err(|_| wrong("version"))?;
        let grants = [&self.grant_code, &self.grant_refresh, &self.grant_credentials];
        let grants = GRANT_TYPES.iter().zip(grants).filter(|(_, is)| !is.is_empty());
        let jwks = some(&self.jwks).map(|jwks| serde_json::from_str(&jwks)).transpose();
        let metadata = Metadata {
            redirect_uris: lines(&self.redirect_uris),
            grant_types: grants.map(|(grant, _)| (*grant).to_owned()).collect(),
            scopes: words(&self.scopes),
            token_endpoint_auth_method: read_word(&self.method, "token_endpoint_auth_method")?,
            jwks: jwks.map_err(|_| wrong("jwks"))?,
            jwks_uri: some(&self.jwks_uri),
            post_logout_redirect_uris: lines(&self.signed_out),
            backchannel_logout_uri: some(&self.backchannel),
            backchannel_logout_session_required: !self.backchannel_session.is_empty(),
            id_token_signed_response_alg: some(&self.id_token_alg),
            id_token_on_refresh: !self.id_token_on_refresh.is_empty(),
            require_pkce: !self.pkce.is_empty(),
            require_pushed_authorization_requests: !self.par.is_empty(),
            dpop_bound_access_tokens: !self.dpop.is_empty(),
            refresh_policy: read_word(&self.refresh_policy, "refresh_policy")?,
            organizations: read_word(&self.organizations, "organizations")?,
            // Without the tick and without a name it is offered with none.
            providers: self.every_provider.is_empty().then(|| words(&self.providers)),
            allowed_addresses: addresses::read(&words(&self.addresses))?,
            default_max_age: read_number(&self.max_age, "default_max_age")?,
            default_api: some(&self.default_api),
            apis: words(&self.apis),
            access_ttl: read_number(&self.access_ttl, "access_ttl")?,
            refresh_ttl: read_number(&self.refresh_ttl, "refresh_ttl")?,
            logo_uri: some(&self.logo_uri),
            client_uri: some(&self.client_uri),
            policy_uri: some(&self.policy_uri),
            tos_uri: some(&self.tos_uri),
        };
        let registration = Registration {
            name: self.name.trim().to_owned(),
            is_confidential: client.is_confidential,
            is_first_party: if is_instances { !self.first_party.is_empty() } else { client.is_first_party },
            metadata,
        };
        Ok((seen, registration))
    }

    /// Every control, under headings.
    pub(super) fn controls<'a>(
        &self,
        form: FormPage<'a>,
        frame: &Frame,
        (client, is_instances): (&Client, bool),
    ) -> FormPage<'a> {
        let form = self.about_people(form, frame, (client, is_instances));
        let form = self.about_proof(form, frame, client);
        let form = self.about_tokens(form, frame);
        self.about_pages(form, frame)
    }

    fn about_people<'a>(
        &self,
        form: FormPage<'a>,
        frame: &Frame,
        (client, is_instances): (&Client, bool),
    ) -> FormPage<'a> {
        let native = Kind::of(client) == Kind::Native;
        let hint = if native { "apps-redirects-native" } else { "apps-redirects-what" };
        let mut form = form
            .hidden("version", self.version.clone())
            .field(text(frame, "name", "apps-name", &self.name).longest(200))
            .field(area(frame, "redirect_uris", "apps-redirects", &self.redirect_uris).hint(frame.t(hint)))
            .field(
                area(frame, "signed_out", "apps-signed-out", &self.signed_out)
                    .hint(frame.t("apps-signed-out-what")),
            )
            .field(
                text(frame, "scopes", "apps-scopes", &self.scopes)
                    .hint(frame.t("apps-scopes-what"))
                    .longest(8000)
                    .optional(),
            );
        if is_instances {
            form = form.tick("first_party", frame.t("apps-first-party-do"), !self.first_party.is_empty());
        }
        form.choice(choice(
            frame,
            ("organizations", "apps-organizations"),
            &self.organizations,
            ORGANIZATIONS,
        ))
        .tick("every_provider", frame.t("apps-every-provider"), !self.every_provider.is_empty())
        .field(
            text(frame, "providers", "apps-providers", &self.providers)
                .hint(frame.t("apps-providers-what"))
                .longest(4000)
                .optional(),
        )
    }

    fn about_proof<'a>(&self, form: FormPage<'a>, frame: &Frame, client: &Client) -> FormPage<'a> {
        let methods =
            AuthMethod::ALL.into_iter().filter(|it| client.is_confidential != (*it == AuthMethod::None));
        let options = methods.map(|it| (it.name().to_owned(), it.name().to_owned())).collect();
        let method = Choice {
            id: "method",
            label: frame.t("apps-method"),
            hint: String::new(),
            value: self.method.clone(),
            options,
            error: None,
        };
        form.heading(frame.t("apps-proof"))
            .tick("grant_code", frame.t("apps-grant-code"), !self.grant_code.is_empty())
            .tick("grant_refresh", frame.t("apps-grant-refresh"), !self.grant_refresh.is_empty())
            .tick("grant_credentials", frame.t("apps-grant-credentials"), !self.grant_credentials.is_empty())
            .choice(method)
            .field(area(frame, "jwks", "apps-jwks", &self.jwks).hint(frame.t("apps-jwks-what")))
            .field(text(frame, "jwks_uri", "apps-jwks-uri", &self.jwks_uri).optional().longest(2048))
            .field(
                area(frame, "addresses", "apps-addresses", &self.addresses)
                    .hint(frame.t("apps-addresses-what")),
            )
            .tick("pkce", frame.t("apps-pkce"), !self.pkce.is_empty())
            .tick("par", frame.t("apps-par"), !self.par.is_empty())
            .tick("dpop", frame.t("apps-dpop"), !self.dpop.is_empty())
    }

    fn about_tokens<'a>(&self, form: FormPage<'a>, frame: &Frame) -> FormPage<'a> {
        let number = |id, label: &str, value: &str| {
            text(frame, id, label, value)
                .hint(frame.t("apps-seconds-what"))
                .keyboard("numeric")
                .longest(12)
                .optional()
        };
        form.heading(frame.t("apps-tokens"))
            .field(area(frame, "apis", "apps-apis", &self.apis).hint(frame.t("apps-apis-what")))
            .field(
                text(frame, "default_api", "apps-default-api", &self.default_api)
                    .hint(frame.t("apps-default-api-what"))
                    .longest(512)
                    .optional(),
            )
            .field(number("access_ttl", "apps-access-ttl", &self.access_ttl))
            .field(number("refresh_ttl", "apps-refresh-ttl", &self.refresh_ttl))
            .choice(choice(frame, ("refresh_policy", "apps-refresh-policy"), &self.refresh_policy, POLICIES))
            .field(number("max_age", "apps-max-age", &self.max_age))
            .choice(choice(frame, ("id_token_alg", "apps-id-token-alg"), &self.id_token_alg, ALGS))
            .tick(
                "id_token_on_refresh",
                frame.t("apps-id-token-on-refresh"),
                !self.id_token_on_refresh.is_empty(),
            )
    }

    fn about_pages<'a>(&self, form: FormPage<'a>, frame: &Frame) -> FormPage<'a> {
        let address = |id, label: &str, value: &str| text(frame, id, label, value).longest(2048).optional();
        form.heading(frame.t("apps-pages"))
            .field(address("logo_uri", "apps-logo", &self.logo_uri))
            .field(address("client_uri", "apps-home", &self.client_uri))
            .field(address("policy_uri", "apps-policy", &self.policy_uri))
            .field(address("tos_uri", "apps-terms", &self.tos_uri))
            .field(
                address("backchannel", "apps-backchannel", &self.backchannel)
                    .hint(frame.t("apps-backchannel-what")),
            )
            .tick(
                "backchannel_session",
                frame.t("apps-backchannel-session"),
                !self.backchannel_session.is_empty(),
            )
    }
}

const ORGANIZATIONS: &[(&str, &str)] = &[
    ("session", "apps-organizations-session"),
    ("ask", "apps-organizations-ask"),
    ("team", "apps-organizations-team"),
];
const POLICIES: &[(&str, &str)] =
    &[("offline_access", "apps-refresh-offline"), ("always", "apps-refresh-always")];
const ALGS: &[(&str, &str)] = &[("", "apps-alg-usual"), ("RS256", ""), ("ES256", ""), ("EdDSA", "")];

fn text(frame: &Frame, id: &'static str, label: &str, value: &str) -> Field {
    Field::new(id, "text", "off", frame.t(label)).value(value)
}

fn area(frame: &Frame, id: &'static str, label: &str, value: &str) -> Field {
    text(frame, id, label, value).rows(3).longest(40_000).optional()
}

/// One of several, each with the key of its words; without a key it is its own word.
fn choice(frame: &Frame, (id, label): (&'static str, &str), value: &str, all: &[(&str, &str)]) -> Choice {
    let name = |word: &str, key: &str| if key.is_empty() { word.to_owned() } else { frame.t(key) };
    let options = all.iter().map(|(word, key)| ((*word).to_owned(), name(word, key))).collect();
    Choice { id, label: frame.t(label), hint: String::new(), value: value.to_owned(), options, error: None }
}
