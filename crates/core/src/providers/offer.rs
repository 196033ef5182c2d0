//! Which providers people are offered: those of the instance and of the organisation that is meant, as far as
//! the application leaves it to them.

use doorward_proto::id::{Id, Org};

use super::{Provider, enabled, sql};
use crate::{
    call::Call,
    orgs::{self, domains},
    outcome::{Code, Result},
    users::Email,
};

/// A button on the sign-in page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// Its name in addresses.
    pub slug: String,
    /// What people read.
    pub name: String,
}

impl From<Provider> for Button {
    fn from(provider: Provider) -> Self {
        Self { slug: provider.slug, name: provider.settings.name }
    }
}

/// For whom providers are offered.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// The organisation that the application means, by id or short name.
    pub organization: Option<String>,
    /// The only ones that the application offers, by name.
    pub only: Option<Vec<String>>,
}

impl Offer {
    fn takes(&self, slug: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == slug))
    }
}

/// The providers that people are offered: the organisation's first, then the instance's, each by name.
pub async fn buttons(call: &Call, offer: &Offer) -> Result<Vec<Button>> {
    let named = match &offer.organization {
        Some(name) => orgs::find(call, name).await?,
        None => None,
    };
    let mut buttons = match named {
        Some(org) if org.id != call.realm.instance_org && org.is_active => of(call, org.id).await?,
        _ => Vec::new(),
    };
    buttons.extend(of(call, call.realm.instance_org).await?);
    buttons.retain(|button| offer.takes(&button.slug));
    Ok(buttons)
}

async fn of(call: &Call, org: Id<Org>) -> Result<Vec<Button>> {
    let read = call
        .realm
        .db
        .read("providers.enabled", org, |tx, org| Box::pin(async move { sql::enabled(tx, *org).await }));
    let mut buttons: Vec<Button> = read.await?.into_iter().map(Button::from).collect();
    buttons.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(buttons)
}

/// Whether an application may send people to the provider of this name.
pub async fn is_offered(call: &Call, offer: &Offer, name: &str) -> Result<bool> {
    match enabled(call, name).await {
        Ok(provider) => Ok(offer.takes(&provider.slug)),
        Err(error) if error.code() == Some(Code::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The provider at which people of this address sign in: the first by name of the organisation that has proven
/// its domain. Whether the address has an account is not looked at.
pub async fn for_address(call: &Call, offer: &Offer, typed: &str) -> Result<Option<Button>> {
    let Ok(email) = Email::parse(typed) else { return Ok(None) };
    let read = call.realm.db.read("providers.for_address", email, |tx, email| {
        Box::pin(async move { domains::proven_by(tx, email).await })
    });
    let Some(org) = read.await? else { return Ok(None) };
    if !orgs::get(call, org).await?.is_active {
        return Ok(None);
    }
    Ok(of(call, org).await?.into_iter().find(|button| offer.takes(&button.slug)))
}
