//! Where people sign in elsewhere: `/api/v1/providers`.

use axum::extract::Path;
use doorward_core::{
    outcome::{Code, Refusal, Result},
    providers::{self, ClientAuth, Endpoints, Kind, Mapping, NewProvider, Provider, Settings, Tested},
};
use doorward_proto::secret::SecretText;
use http::StatusCode;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, found, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::Caller,
    endpoint::Endpoint,
};
use crate::surface::Failure;

const READ: &str = "admin:providers:read";
const WRITE: &str = "admin:providers:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/providers", list)
            .scope(READ)
            .lists::<ProviderView>(&[])
            .says("Lists the providers that people can sign in at"),
        Endpoint::post("/api/v1/providers", create)
            .grave()
            .scope(WRITE)
            .takes::<ProviderBody>()
            .status(StatusCode::CREATED)
            .answers::<ProviderView>()
            .says("Adds a provider: a preset, an OpenID provider by its issuer, or plain OAuth 2"),
        Endpoint::get("/api/v1/providers/{id}", show)
            .scope(READ)
            .answers::<ProviderView>()
            .says("Shows a provider, by its short name or its id"),
        Endpoint::patch("/api/v1/providers/{id}", change)
            .grave()
            .scope(WRITE)
            .takes::<ProviderBody>()
            .answers::<ProviderView>()
            .says("Changes a provider; without client_secret the present one stays"),
        Endpoint::delete("/api/v1/providers/{id}", end)
            .grave()
            .scope(WRITE)
            .says("Removes a provider; who signed in there alone needs another way"),
        Endpoint::post("/api/v1/providers/{id}/test", test)
            .scope(READ)
            .answers::<TestedProvider>()
            .says("Asks the provider what it says of itself, and says what is wrong"),
        Endpoint::get("/api/v1/providers/{id}/usage", used)
            .scope(READ)
            .answers::<ProviderUsage>()
            .says("Says how many people use a provider, and how often"),
    ]
}

/// Which members of a provider's answer say what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProviderMapping {
    /// Who it is, for ever: `sub`, `id`, `data.id`.
    subject: String,
    /// The mail address.
    email: String,
    /// Whether the provider has verified it; without it no address counts as verified.
    #[serde(default)]
    email_verified: String,
    /// The name.
    #[serde(default)]
    name: String,
}

/// A provider as it is added and changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Provider)]
pub(super) struct ProviderBody {
    /// At creation: `google`, `github`, `microsoft`, `apple` or `gitlab` fills in what is not set here.
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<String>,
    /// Its name in addresses: `/connect/SLUG`; the preset's unless set. Cannot be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    /// What people read on the button.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `oidc` unless set; `oauth2` for one without discovery and ID tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// The issuer identifier of an OpenID provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// For `oauth2`: where people are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_endpoint: Option<String>,
    /// For `oauth2`: where codes are redeemed.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint: Option<String>,
    /// For `oauth2`: what says who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo_endpoint: Option<String>,
    /// For `oauth2`: what lists the mail addresses, each with `email`, `primary` and `verified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    emails_endpoint: Option<String>,
    /// Our name at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// Our secret there, or Apple's key; never told again.
    #[schema(value_type = Option<String>, format = Password)]
    #[serde(default, serialize_with = "nothing", skip_serializing_if = "is_secret")]
    client_secret: Option<SecretText>,
    /// How we prove there who we are: `basic` unless set, `post`, `none` or `apple`.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_auth: Option<String>,
    /// For `apple`: the team that the key belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    team_id: Option<String>,
    /// For `apple`: the name of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// What we ask for; `openid email profile` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// Which members say what; those of OpenID Connect unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    mapping: Option<ProviderMapping>,
    /// Whether whoever comes for the first time gets an account; yes unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    creates_accounts: Option<bool>,
    /// Domains of mail addresses that may come; every one unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_domains: Option<Vec<String>>,
    /// Whether addresses in `allowed_domains` count as verified, though the provider does not say so: only for
    /// a provider that lets nobody choose an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    trusts_email: Option<bool>,
    /// Whether people are offered it; yes unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
}

/// A member that is only taken: with `skip_serializing` the API's description would leave it out as well.
const fn is_secret<T>(_: &T) -> bool {
    true
}

fn nothing<T, S: Serializer>(_: &T, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_none()
}

/// A provider as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredProvider)]
pub(super) struct ProviderView {
    /// Its id.
    id: String,
    /// Whose it is: the instance organisation's, or an organisation's own.
    org_id: String,
    /// What applications name it by (`connection`, `providers`).
    connection: String,
    #[serde(flatten)]
    body: ProviderBody,
    /// Whether we have a secret there.
    has_secret: bool,
    /// The address to register at the provider.
    redirect_uri: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// What came of a try.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TestedProvider {
    /// Whether the provider can be used, as far as that shows without signing anybody in.
    ok: bool,
    /// What is wrong.
    problems: Vec<String>,
    /// Where people would be sent.
    authorization_endpoint: Option<String>,
    /// The address to register at the provider.
    redirect_uri: String,
}

/// A word of a settled list, by its name in JSON.
fn named<T: serde::de::DeserializeOwned>(text: &str, field: &'static str, words: &'static str) -> Result<T> {
    serde_json::from_value(Json::String(text.to_owned())).map_err(|_| wrong(field, words).into())
}

fn name_of<T: Serialize>(word: T) -> Result<Option<String>> {
    Ok(serde_json::to_value(word)?.as_str().map(str::to_owned))
}

impl ProviderBody {
    fn of(provider: &Provider) -> Result<Self> {
        let settings = provider.settings.clone();
        let Endpoints { authorization, token, userinfo, emails } = settings.endpoints;
        let Mapping { subject, email, email_verified, name } = settings.mapping;
        Ok(Self {
            preset: None,
            slug: Some(provider.short_name().to_owned()),
            name: Some(settings.name),
            kind: name_of(settings.kind)?,
            issuer: settings.issuer,
            authorization_endpoint: authorization,
            token_endpoint: token,
            userinfo_endpoint: userinfo,
            emails_endpoint: emails,
            client_id: Some(settings.client_id),
            client_secret: None,
            client_auth: name_of(settings.client_auth)?,
            team_id: settings.team_id,
            key_id: settings.key_id,
            scopes: Some(settings.scopes),
            mapping: Some(ProviderMapping { subject, email, email_verified, name }),
            creates_accounts: Some(settings.creates_accounts),
            allowed_domains: Some(settings.allowed_domains),
            trusts_email: Some(settings.trusts_email),
            enabled: Some(settings.is_enabled),
        })
    }

    /// A provider to add.
    pub(super) fn into_new(mut self) -> Result<NewProvider> {
        let slug = self.slug.clone().or_else(|| self.preset.clone());
        let slug = slug.ok_or_else(|| wrong("slug", "A short name for the address people come back to"))?;
        let secret = self.client_secret.take();
        Ok(NewProvider { slug, secret, settings: self.into_settings()? })
    }

    /// What is set here, over what the preset says.
    fn into_settings(self) -> Result<Settings> {
        let preset = self.preset.as_deref().map(|name| {
            let known = providers::preset(name);
            known
                .ok_or_else(|| wrong("preset", "The presets are google, github, microsoft, apple and gitlab"))
        });
        let base = preset.transpose()?.map(providers::Preset::settings).unwrap_or_default();
        let kind: Kind = match &self.kind {
            Some(kind) => named(kind, "kind", "It is oidc or oauth2")?,
            None => base.kind,
        };
        let client_auth: ClientAuth = match &self.client_auth {
            Some(auth) => named(auth, "client_auth", "It is basic, post, none or apple")?,
            None => base.client_auth,
        };
        let openid = || ["openid", "email", "profile"].map(str::to_owned).to_vec();
        let scopes = self.scopes.unwrap_or(base.scopes);
        let mapping = self.mapping.map_or(base.mapping, |own| Mapping {
            subject: own.subject,
            email: own.email,
            email_verified: own.email_verified,
            name: own.name,
        });
        Ok(Settings {
            name: self.name.unwrap_or(base.name),
            kind,
            issuer: self.issuer.or(base.issuer),
            endpoints: Endpoints {
                authorization: self.authorization_endpoint.or(base.endpoints.authorization),
                token: self.token_endpoint.or(base.endpoints.token),
                userinfo: self.userinfo_endpoint.or(base.endpoints.userinfo),
                emails: self.emails_endpoint.or(base.endpoints.emails),
            },
            client_id: self.client_id.unwrap_or_default(),
            client_auth,
            team_id: self.team_id,
            key_id: self.key_id,
            scopes: if scopes.is_empty() && kind == Kind::Oidc { openid() } else { scopes },
            mapping,
            creates_accounts: self.creates_accounts.unwrap_or(true),
            allowed_domains: self.allowed_domains.unwrap_or_default(),
            trusts_email: self.trusts_email.unwrap_or_default(),
            is_enabled: self.enabled.unwrap_or(true),
        })
    }
}

pub(super) fn view(caller: &Caller, provider: &Provider) -> Result<ProviderView> {
    Ok(ProviderView {
        id: provider.id.to_string(),
        org_id: provider.org.to_string(),
        connection: provider.slug.clone(),
        body: ProviderBody::of(provider)?,
        has_secret: provider.has_secret,
        redirect_uri: provider.redirect_uri(&caller.call),
        created_at: provider.created_at.to_string(),
        updated_at: provider.updated_at.to_string(),
    })
}

async fn list(caller: Caller, listing: Listing) -> Answer {
    let found = providers::list(&caller.call, listing.ask()?).await?;
    page(&found, |provider| view(&caller, provider))
}

async fn create(caller: Caller, Input(body): Input<ProviderBody>) -> Answer {
    let provider = providers::create(&caller.call, body.into_new()?).await?;
    created(&format!("/api/v1/providers/{}", provider.id), &view(&caller, &provider)?, Some(provider.version))
}

async fn show(caller: Caller, Path(name): Path<String>) -> Answer {
    let provider = providers::get(&caller.call, &name).await?;
    versioned(&view(&caller, &provider)?, provider.version)
}

/// What a patch makes of a provider, and its new secret if it names one.
pub(super) fn after(
    provider: &Provider,
    patch: &Map<String, Json>,
) -> std::result::Result<(Settings, Option<SecretText>), Failure> {
    if patch.contains_key("preset") {
        return Err(wrong("preset", "A preset is for a provider that is added").into());
    }
    let before = ProviderBody::of(provider)?;
    let mut after = patched(&before, patch)?;
    if after.slug != before.slug {
        return Err(wrong("slug", "It stays as it is: it is registered at the provider").into());
    }
    let secret = after.client_secret.take();
    Ok((after.into_settings()?, secret))
}

async fn change(caller: Caller, Path(name): Path<String>, seen: IfMatch, Members(patch): Members) -> Answer {
    for _ in 0..TRIES {
        let provider = providers::get(&caller.call, &name).await?;
        seen.check(provider.version)?;
        let (settings, secret) = after(&provider, &patch)?;
        let which = (provider.id, provider.version);
        match providers::update(&caller.call, which, settings, secret).await {
            Ok(provider) => return versioned(&view(&caller, &provider)?, provider.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    let provider = providers::get(&caller.call, &name).await?;
    seen.check(provider.version)?;
    providers::end(&caller.call, provider.id).await?;
    done()
}

async fn test(caller: Caller, Path(name): Path<String>) -> Answer {
    let provider = providers::get(&caller.call, &name).await?;
    let tested = providers::test(&caller.call, &name).await?;
    found(&TestedProvider::of(tested, provider.redirect_uri(&caller.call)))
}

impl TestedProvider {
    pub(super) fn of(tested: Tested, redirect_uri: String) -> Self {
        let Tested { problems, authorization_endpoint } = tested;
        Self { ok: problems.is_empty(), problems, authorization_endpoint, redirect_uri }
    }
}

async fn used(caller: Caller, Path(name): Path<String>) -> Answer {
    let provider = providers::get(&caller.call, &name).await?;
    found(&ProviderUsage::of(providers::usage(&caller.call, provider.id).await?))
}

/// How often a provider is used.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderUsage {
    /// How many people have linked it.
    people: i64,
    /// How often they have signed in there.
    sign_ins: i64,
    /// When that was the last time.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

impl ProviderUsage {
    pub(super) fn of(usage: providers::Usage) -> Self {
        let last_used_at = usage.last_used_at.map(|at| at.to_string());
        Self { people: usage.people, sign_ins: usage.sign_ins, last_used_at }
    }
}
