//! What pages and mails look like: of the instance (`/api/v1/settings/branding`), of an organisation, of an
//! application; and what anybody may know of it, `/api/branding`.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use doorward_core::{
    branding::{self, Brand, COLOR, Change, Color, Look, Picture, Place, Source, Wearer},
    clients,
    outcome::{Refusal, Result},
};
use doorward_proto::form::Params;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, found, versioned, wrong},
    body::{Members, patched},
    caller::{Caller, Entered},
    endpoint::Endpoint,
    orgs::Second,
};
use crate::{app::App, edge::BODY_LIMIT};

const ORG_READ: &str = "org:branding:read";
const ORG_WRITE: &str = "org:branding:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/branding", public)
            .open()
            .answers::<PublicBrand>()
            .says("Shows what the sign-in pages of an application (client_id) look like"),
        Endpoint::get("/api/v1/settings/branding", show_instance)
            .scope("admin:settings:read")
            .answers::<BrandView>()
            .says("Shows what pages and mails look like"),
        Endpoint::patch("/api/v1/settings/branding", change_instance)
            .scope("admin:settings:write")
            .takes::<BrandBody>()
            .answers::<BrandView>()
            .says("Changes what pages and mails look like"),
        Endpoint::get("/api/v1/clients/{id}/branding", show_client)
            .scope("admin:clients:read")
            .answers::<BrandView>()
            .says("Shows what the pages of an application look like"),
        Endpoint::patch("/api/v1/clients/{id}/branding", change_client)
            .scope("admin:clients:write")
            .takes::<BrandBody>()
            .answers::<BrandView>()
            .says("Changes what the pages of an application look like"),
        Endpoint::get("/api/v1/orgs/{org}/branding", show_org)
            .org(ORG_READ)
            .answers::<BrandView>()
            .says("Shows what the pages of an organisation look like"),
        Endpoint::patch("/api/v1/orgs/{org}/branding", change_org)
            .org(ORG_WRITE)
            .takes::<BrandBody>()
            .answers::<BrandView>()
            .says("Changes what the pages of an organisation look like"),
        Endpoint::get("/api/v1/orgs/{org}/clients/{client}/branding", show_org_client)
            .org(ORG_READ)
            .answers::<BrandView>()
            .says("Shows what the pages of an organisation's application look like"),
        Endpoint::patch("/api/v1/orgs/{org}/clients/{client}/branding", change_org_client)
            .org(ORG_WRITE)
            .takes::<BrandBody>()
            .answers::<BrandView>()
            .says("Changes what the pages of an organisation's application look like"),
    ]
}

/// What was chosen in one place; what is left out comes from further out: for an application from its
/// organisation, for an organisation from the instance.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Branding)]
struct BrandBody {
    /// The name of the product: 1 to 60 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// A PNG, JPEG or WebP picture in base64, 64 KiB at most; shown as the address that it is served at.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo: Option<String>,
    /// Of buttons, `#rrggbb`: white text on it has a contrast of 4.5:1.
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_color: Option<String>,
    /// Of links and marks, `#rrggbb`: on the paper of pages (`#f6f6f4`) it has a contrast of 4.5:1.
    #[serde(skip_serializing_if = "Option::is_none")]
    accent_color: Option<String>,
    /// What the sign-in pages lie on, `#rrggbb`: their soft text (`#565b66`) has a contrast of 4.5:1 on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    background_color: Option<String>,
    /// Where help is: `https://…` or `mailto:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    support_uri: Option<String>,
    /// The terms: `https://…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    terms_uri: Option<String>,
    /// The privacy policy: `https://…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy_uri: Option<String>,
}

/// What was chosen in one place, and what follows from all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BrandingView)]
struct BrandView {
    #[serde(flatten)]
    #[schema(value_type = BrandBody)]
    own: BrandBody,
    /// What pages show: each part with where it was chosen.
    effective: Vec<PartView>,
}

/// A part of a brand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BrandingPart)]
struct PartView {
    /// `name`, `logo`, …
    member: &'static str,
    /// What it is.
    value: Option<String>,
    /// `default`, `instance`, `organization` or `client`.
    from: &'static str,
}

/// What anybody may know of a brand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublicBrand {
    /// The name of the product.
    brand_name: String,
    /// The address of its logo.
    brand_logo: Option<String>,
    /// Of buttons.
    brand_primary_color: String,
    /// Of links and marks.
    brand_accent_color: String,
    /// What the sign-in pages lie on.
    brand_background_color: Option<String>,
    /// Whose brand it is.
    organization_id: String,
    /// Where help is.
    support_uri: Option<String>,
    /// The terms.
    terms_uri: Option<String>,
    /// The privacy policy.
    privacy_uri: Option<String>,
}

fn texts(color: Option<Color>) -> Option<String> {
    color.map(|color| color.to_string())
}

impl BrandBody {
    fn of(look: &Look, issuer: &str) -> Self {
        Self {
            name: look.name.clone(),
            logo: look.logo.as_ref().map(|logo| format!("{issuer}{}", logo.path())),
            primary_color: texts(look.primary),
            accent_color: texts(look.accent),
            background_color: texts(look.background),
            support_uri: look.support.clone(),
            terms_uri: look.terms.clone(),
            privacy_uri: look.privacy.clone(),
        }
    }

    /// What it changes, seen from what was there before.
    fn change(self, before: &Self) -> Result<Change> {
        Ok(Change {
            name: Some(self.name),
            logo: match self.logo {
                same if same == before.logo => None,
                None => Some(None),
                Some(text) => Some(Some(decoded(&text)?)),
            },
            primary: Some(colored("primary_color", self.primary_color)?),
            accent: Some(colored("accent_color", self.accent_color)?),
            background: Some(colored("background_color", self.background_color)?),
            support: Some(self.support_uri),
            terms: Some(self.terms_uri),
            privacy: Some(self.privacy_uri),
        })
    }
}

fn colored(member: &'static str, text: Option<String>) -> Result<Option<Color>> {
    let read = |text: String| text.parse().map_err(|_| wrong(member, "A colour is written #rrggbb"));
    Ok(text.map(read).transpose()?)
}

/// A logo in base64, as text or as a `data:` address.
fn decoded(text: &str) -> Result<Picture> {
    Picture::read(&base64("logo", text)?)
}

/// The bytes of a picture in base64, as text or as a `data:` address.
pub(super) fn base64(member: &'static str, text: &str) -> Result<Vec<u8>> {
    let text = match text.strip_prefix("data:") {
        Some(address) => address.split_once(";base64,").map_or("", |(_, text)| text),
        None => text,
    };
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    match data_encoding::BASE64.decode(&text) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(wrong(member, "A picture is written in base64").into()),
    }
}

fn view((look, brand): (&Look, &Brand), issuer: &str) -> BrandView {
    let part = |member, value, source: Source| PartView { member, value, from: source.name() };
    let effective = vec![
        part("name", Some(brand.name().to_owned()), brand.source(|look| look.name.is_some())),
        part(
            "logo",
            brand.logo().map(|logo| format!("{issuer}{}", logo.path())),
            brand.source(|look| look.logo.is_some()),
        ),
        part("primary_color", texts(brand.primary()), brand.source(|look| look.primary.is_some())),
        part("accent_color", texts(brand.accent()), brand.source(|look| branding::accent_of(look).is_some())),
        part("background_color", texts(brand.background()), brand.source(|look| look.background.is_some())),
        part("support_uri", brand.support().map(str::to_owned), brand.source(|look| look.support.is_some())),
        part("terms_uri", brand.terms().map(str::to_owned), brand.source(|look| look.terms.is_some())),
        part("privacy_uri", brand.privacy().map(str::to_owned), brand.source(|look| look.privacy.is_some())),
    ];
    BrandView { own: BrandBody::of(look, issuer), effective }
}

async fn show(caller: &Caller, place: Place) -> Answer {
    let (look, brand) = branding::show(&caller.call, place).await?;
    versioned(&view((&look, &brand), &caller.call.realm.issuer), look.version)
}

async fn change(caller: &Caller, place: Place, seen: &IfMatch, patch: &Map<String, Json>) -> Answer {
    let call = &caller.call;
    let (look, _) = branding::show(call, place).await?;
    seen.check(look.version)?;
    let before = BrandBody::of(&look, &call.realm.issuer);
    let change = patched(&before, patch)?.change(&before)?;
    let look = branding::change(call, place, Some(look.version), change).await?;
    let brand = branding::brand(call, place.wearer()).await?;
    versioned(&view((&look, &brand), &call.realm.issuer), look.version)
}

async fn show_instance(caller: Caller) -> Answer {
    show(&caller, Place::instance(&caller.call)).await
}

async fn change_instance(caller: Caller, seen: IfMatch, Members(patch): Members) -> Answer {
    change(&caller, Place::instance(&caller.call), &seen, &patch).await
}

async fn show_client(caller: Caller, Path(name): Path<String>) -> Answer {
    let client = clients::manage::get(&caller.call, &name).await?;
    show(&caller, Place::client(&client)).await
}

async fn change_client(
    caller: Caller,
    Path(name): Path<String>,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    let client = clients::manage::get(&caller.call, &name).await?;
    super::clients::may_manage(&caller, client.is_first_party, &client.metadata.scopes)?;
    change(&caller, Place::client(&client), &seen, &patch).await
}

async fn show_org(caller: Caller, Entered(scope): Entered) -> Answer {
    show(&caller, Place::org(&scope, ORG_READ)?).await
}

async fn change_org(
    caller: Caller,
    Entered(scope): Entered,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    change(&caller, Place::org(&scope, ORG_WRITE)?, &seen, &patch).await
}

async fn show_org_client(caller: Caller, Entered(scope): Entered, Path((_, client)): Second) -> Answer {
    let place = Place::client_of(&caller.call, &scope, ORG_READ, &client).await?;
    show(&caller, place).await
}

async fn change_org_client(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, client)): Second,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    let place = Place::client_of(&caller.call, &scope, ORG_WRITE, &client).await?;
    change(&caller, place, &seen, &patch).await
}

async fn public(State(app): State<App>, caller: Caller, uri: http::Uri) -> Answer {
    let params = Params::parse(uri.query().unwrap_or_default().as_bytes(), BODY_LIMIT).map_err(|error| {
        Refusal::new(doorward_core::outcome::Code::RequestInvalid).hint(error.to_string())
    })?;
    let client_id = params.one("client_id").ok().flatten().unwrap_or_default();
    let brand = match client_id {
        "" => branding::brand(&caller.call, Wearer::Instance).await?,
        name => branding::brand_of_client(&caller.call, name).await?,
    };
    let issuer = &app.realm.issuer;
    let color = |color: Option<Color>| color.map_or_else(|| COLOR.to_owned(), |color| color.to_string());
    let mut response: Response = found(&PublicBrand {
        brand_name: brand.name().to_owned(),
        brand_logo: brand.logo().map(|logo| format!("{issuer}{}", logo.path())),
        brand_primary_color: color(brand.primary()),
        brand_accent_color: color(brand.accent()),
        brand_background_color: texts(brand.background()),
        organization_id: brand.org.to_string(),
        support_uri: brand.support().map(str::to_owned),
        terms_uri: brand.terms().map(str::to_owned),
        privacy_uri: brand.privacy().map(str::to_owned),
    })?;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    // Nothing here is anybody's own: any page may read it.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response.into_response())
}
