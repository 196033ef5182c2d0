//! The standard claims of a person: by scope (OpenID Connect Core 5.4), by the `claims` parameter (5.5),
//! and the organisations.

use std::{collections::BTreeMap, sync::Arc};

use doorward_proto::{
    claims::ClaimAsk,
    id::{Id, Org},
    scope::ScopeSet,
};
use serde_json::{Map, Value, json};

use super::{Grant, Live};
use crate::{
    call::Call,
    claims as custom,
    clients::{self, Client},
    db::ReadTx,
    orgs::{self, Membership},
    outcome::{Code, Error, Refusal, Result, refuse},
    users::{self, Facts},
};

/// What the person has answered the active organisation.
const TENANT_PROFILE: &str = "tenant_profile";

/// The claims that each scope asks for.
const BY_SCOPE: &[(&str, &[&str])] = &[
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
            "organization_ids",
            "organization_names",
            TENANT_PROFILE,
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// Every standard claim that this server knows, for its metadata.
pub fn supported_claims() -> impl Iterator<Item = &'static str> {
    let organisations = ["tenant_id", "org_role", "is_anonymous", "organizations_truncated"];
    BY_SCOPE.iter().flat_map(|(_, claims)| claims.iter().copied()).chain(organisations)
}

/// The claims that were asked for by name.
type Asked = BTreeMap<String, ClaimAsk>;

/// A person as an application is told of them, in one organisation.
#[derive(Debug, Clone)]
pub struct Told {
    /// The person.
    pub facts: Facts,
    /// The active organisation.
    org: Id<Org>,
    /// What the person has answered it, where that is asked for.
    tenant_profile: Map<String, Value>,
}

impl Told {
    /// Reads the person of a grant, in one operation: what belongs to an organisation is told with the
    /// membership that it depends on.
    pub(crate) async fn read(
        tx: &mut ReadTx<'_>,
        grant: &Grant,
        (scope, asked): (&ScopeSet, Option<&Asked>),
    ) -> Result<Self> {
        let (user, org) = (grant.user, grant.org);
        let facts = users::facts_in(tx, user).await?;
        let facts = facts.ok_or_else(|| Error::fault("a grant without its person"))?;
        let belongs = facts.orgs.iter().any(|membership| membership.org == org);
        let mut tenant_profile = Map::new();
        if belongs && is_asked(TENANT_PROFILE, scope, asked) {
            tenant_profile = orgs::fields::claims(tx, org, user).await?;
        }
        Ok(Self { facts, org, tenant_profile })
    }
}

/// Whether a claim is asked for, by scope or by name.
fn is_asked(name: &str, scope: &ScopeSet, asked: Option<&Asked>) -> bool {
    let by_scope = |(of, names): &(&str, &[&str])| scope.contains(of) && names.contains(&name);
    asked.is_some_and(|asked| asked.contains_key(name)) || BY_SCOPE.iter().any(by_scope)
}

/// The claims of a person that the scopes and the `claims` parameter ask for, in the active organisation.
/// To which organisations somebody belongs is part of the profile; the operator's own applications know it.
pub fn standard_claims(
    told: &Told,
    scope: &ScopeSet,
    asked: Option<&Asked>,
    client: &Client,
) -> Map<String, Value> {
    let mut claims = Map::new();
    let Told { facts, org, tenant_profile } = told;
    let is_asked = |name: &str| is_asked(name, scope, asked);
    for (name, value) in CLAIMS.iter().filter(|(name, _)| is_asked(name)) {
        let value = value(facts);
        if !value.is_null() {
            claims.insert((*name).to_owned(), value);
        }
    }
    let listed = listed(&facts.orgs, *org);
    for (name, value) in ORGANISATIONS {
        if client.is_first_party || is_asked(name) {
            claims.insert((*name).to_owned(), value(&listed));
            if listed.len() < facts.orgs.len() {
                claims.insert("organizations_truncated".to_owned(), json!(true));
            }
        }
    }
    claims.insert("tenant_id".to_owned(), json!(org));
    if facts.user.is_anonymous {
        claims.insert("is_anonymous".to_owned(), json!(true));
    }
    if let Some(membership) = facts.orgs.iter().find(|membership| membership.org == *org) {
        claims.insert("org_role".to_owned(), json!(membership.role));
    }
    if !tenant_profile.is_empty() {
        claims.insert(TENANT_PROFILE.to_owned(), json!(tenant_profile));
    }
    claims
}

/// A claim, and where it comes from.
type Claim = (&'static str, fn(&Facts) -> Value);

/// The claims of a person; one that is not known is null.
const CLAIMS: &[Claim] = &[
    ("name", |of| json!(of.user.name)),
    ("family_name", |of| json!(of.user.profile.family_name)),
    ("given_name", |of| json!(of.user.profile.given_name)),
    ("middle_name", |of| json!(of.user.profile.middle_name)),
    ("nickname", |of| json!(of.user.profile.nickname)),
    ("preferred_username", |of| json!(of.user.username)),
    ("profile", |of| json!(of.user.profile.profile)),
    ("picture", |of| json!(of.user.profile.picture)),
    ("website", |of| json!(of.user.profile.website)),
    ("gender", |of| json!(of.user.profile.gender)),
    ("birthdate", |of| json!(of.user.profile.birthdate)),
    ("zoneinfo", |of| json!(of.user.zone)),
    ("locale", |of| json!(of.user.locale)),
    ("updated_at", |of| json!(of.user.updated_at.as_seconds())),
    ("email", |of| json!(email_of(of))),
    ("email_verified", |of| json!(email_of(of).map(|_| of.user.email_verified_at.is_some()))),
    ("address", |of| json!(of.user.profile.address)),
    ("phone_number", |of| json!(of.user.profile.phone_number)),
    ("phone_number_verified", |of| {
        let profile = &of.user.profile;
        json!(profile.phone_number.as_ref().map(|_| profile.phone_number_verified.unwrap_or(false)))
    }),
];

/// Whoever has no account has none; applications that need one get the address of nobody.
fn email_of(of: &Facts) -> Option<&str> {
    of.user.email.as_deref().or(of.user.is_anonymous.then_some(users::anonymous::EMAIL))
}

/// Organisations that a token tells of at the most: it travels with every request.
const MOST_ORGANISATIONS: usize = 50;

/// The first of them, and the active one wherever it stands.
fn listed(all: &[Membership], active: Id<Org>) -> Vec<&Membership> {
    let mut listed: Vec<&Membership> = all.iter().take(MOST_ORGANISATIONS).collect();
    if all.len() > listed.len()
        && !listed.iter().any(|one| one.org == active)
        && let (Some(last), Some(one)) = (listed.last_mut(), all.iter().find(|one| one.org == active))
    {
        *last = one;
    }
    listed
}

/// What is said of several organisations.
type OfSeveral = fn(&[&Membership]) -> Value;

/// To which organisations the person belongs.
const ORGANISATIONS: &[(&str, OfSeveral)] = &[
    ("organization_ids", |all| all.iter().map(|one| json!(one.org)).collect()),
    ("organization_names", |all| all.iter().map(|one| json!(one.name)).collect()),
];

/// The userinfo answer for a token that [`super::verify()`] found good (OpenID Connect Core 5.3). Warm
/// calls make nothing anew.
///
/// # Errors
/// `CredentialAudience` for a token that is not for the issuer, `ScopeMissing` without `openid`.
pub async fn userinfo(call: &Call, live: &Live) -> Result<Arc<str>> {
    if let Some(answer) = live.userinfo.get() {
        return Ok(Arc::clone(answer));
    }
    if live.claims.aud != call.realm.issuer {
        return refuse(Code::CredentialAudience);
    }
    let Some(grant) = live.grant.as_ref().filter(|_| live.claims.scope.contains("openid")) else {
        return Err(Refusal::new(Code::ScopeMissing).fact("scope", "openid").into());
    };
    let ask = (grant.clone(), live.claims.scope.clone());
    let read = call.realm.db.read("tokens.userinfo", ask, |tx, (grant, scope)| {
        let asked = grant.facts.claims.as_ref().map(|claims| &claims.userinfo);
        Box::pin(async move { Told::read(tx, grant, (scope, asked)).await })
    });
    let told = read.await?;
    let asked = grant.facts.claims.as_ref().map(|claims| &claims.userinfo);
    let client = clients::get_active(call, &live.claims.client_id).await?;
    let mut claims = standard_claims(&told, &live.claims.scope, asked, &client);
    claims.extend(custom::of_userinfo(call, &client, grant).await?);
    claims.insert("sub".to_owned(), json!(live.claims.sub));
    let answer: Arc<str> = serde_json::to_string(&claims)?.into();
    Ok(Arc::clone(live.userinfo.get_or_init(|| answer)))
}
