//! What pages and mails look like: name, logo, colours and links of the instance, of an organisation, and of an
//! application.
//!
//! What is not set comes from further out: an application's from its organisation, that one's from the instance,
//! whose brand is the instance organisation's. A brand never says who asks: pages that ask a person for something
//! name the application itself beside it. Whoever is suspended, or does not exist, has no brand.

mod color;
mod logo;
mod manage;
mod sql;

use std::{fmt, sync::Arc};

use doorward_proto::id::{self, Id};

pub use color::{Color, LEAST, Part, Shades, dark_background};
pub use logo::{Bounds, Format, MOST_BYTES, MOST_PIXELS, Picture};
pub use manage::{Change, Place, change, show};

use crate::{
    call::Call,
    clients,
    db::Tx,
    orgs::{self, Kind},
    outcome::Result,
};

/// What our pages have when nobody chose anything.
pub const NAME: &str = "Doorward";
/// The colour of buttons and links, unless one is chosen.
pub const COLOR: &str = "#2b4acb";

/// A logo, as it is referred to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// The name of its content.
    pub hash: String,
    /// What kind of picture it is.
    pub format: Format,
    /// Pixels across and down.
    pub size: (u32, u32),
}

impl Logo {
    /// Its path on this server. What is found there never changes.
    pub fn path(&self) -> String {
        format!("/brand/{}.{}", self.hash, self.format.extension())
    }
}

/// What one place has chosen; what is `None` comes from further out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The name of the product.
    pub name: Option<String>,
    /// Its logo.
    pub logo: Option<Logo>,
    /// Of buttons.
    pub primary: Option<Color>,
    /// Of links and marks; as the primary one, where that alone is chosen.
    pub accent: Option<Color>,
    /// What the sign-in pages lie on.
    pub background: Option<Color>,
    /// Where help is: `https:` or `mailto:`.
    pub support: Option<String>,
    /// The terms.
    pub terms: Option<String>,
    /// The privacy policy.
    pub privacy: Option<String>,
    /// Moves with every change; 0 where nothing was ever chosen.
    pub version: i64,
}

/// Whose brand a page or a mail wears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wearer {
    /// The instance's.
    Instance,
    /// An organisation's.
    Org(Id<id::Org>),
    /// An application's.
    Client(Id<id::Client>),
}

/// Where something of a brand was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Nowhere: it is what we ship with.
    Nobody,
    /// For the instance.
    Instance,
    /// By the organisation.
    Org,
    /// For the application.
    Client,
}

impl Source {
    /// `default`, `instance`, `organization` or `client`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "default",
            Self::Instance => "instance",
            Self::Org => "organization",
            Self::Client => "client",
        }
    }
}

/// The brand that pages wear: what was chosen, the most particular first.
#[derive(Clone, PartialEq, Eq)]
pub struct Brand {
    /// The organisation that the most particular part of it is of.
    pub org: Id<id::Org>,
    /// What was chosen where, the most particular first.
    looks: Vec<(Source, Look)>,
}

impl fmt::Debug for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Brand({}, {})", self.name(), self.org)
    }
}

impl Brand {
    /// What we ship with.
    pub const fn plain(org: Id<id::Org>) -> Self {
        Self { org, looks: Vec::new() }
    }

    /// A brand of these looks, the most particular first.
    pub const fn of(org: Id<id::Org>, looks: Vec<(Source, Look)>) -> Self {
        Self { org, looks }
    }

    /// What it would be if this were chosen at one of its places.
    #[must_use]
    pub fn with(&self, from: Source, look: Look) -> Self {
        let mut looks = self.without(from).looks;
        let at = looks.iter().position(|(other, _)| *other < from).unwrap_or(looks.len());
        looks.insert(at, (from, look));
        Self { org: self.org, looks }
    }

    /// What it would be if nothing were chosen at one of its places.
    #[must_use]
    pub fn without(&self, from: Source) -> Self {
        let looks = self.looks.iter().filter(|(other, _)| *other != from).cloned().collect();
        Self { org: self.org, looks }
    }

    fn first<'b, T>(&'b self, part: impl Fn(&'b Look) -> Option<T>) -> Option<T> {
        self.looks.iter().find_map(|(_, look)| part(look))
    }

    /// Where a part of it was chosen.
    pub fn source(&self, has: impl Fn(&Look) -> bool) -> Source {
        let found = self.looks.iter().find(|(_, look)| has(look));
        found.map_or(Source::Nobody, |(from, _)| *from)
    }

    /// The name of the product.
    pub fn name(&self) -> &str {
        self.first(|look| look.name.as_deref()).unwrap_or(NAME)
    }

    /// Whether somebody chose the name.
    pub fn is_named(&self) -> bool {
        self.first(|look| look.name.as_ref()).is_some()
    }

    /// Its logo.
    pub fn logo(&self) -> Option<&Logo> {
        self.first(|look| look.logo.as_ref())
    }

    /// Of buttons.
    pub fn primary(&self) -> Option<Color> {
        self.first(|look| look.primary)
    }

    /// Of links and marks. A primary colour that is more particular than every accent stands for one.
    pub fn accent(&self) -> Option<Color> {
        self.first(accent_of)
    }

    /// What the sign-in pages lie on.
    pub fn background(&self) -> Option<Color> {
        self.first(|look| look.background)
    }

    /// Where help is.
    pub fn support(&self) -> Option<&str> {
        self.first(|look| look.support.as_deref())
    }

    /// The terms.
    pub fn terms(&self) -> Option<&str> {
        self.first(|look| look.terms.as_deref())
    }

    /// The privacy policy.
    pub fn privacy(&self) -> Option<&str> {
        self.first(|look| look.privacy.as_deref())
    }
}

/// The accent colour of one place: the primary one stands for it where that can be read as a link.
pub fn accent_of(look: &Look) -> Option<Color> {
    look.accent.or_else(|| look.primary.filter(|color| Part::Accent.check(*color).is_ok()))
}

/// The brand of somebody. Warm look-ups do no I/O.
pub async fn brand(call: &Call, wearer: Wearer) -> Result<Arc<Brand>> {
    let realm = &call.realm;
    let changes = realm.db.changes();
    if let Some(brand) = realm.caches.brands.get(&wearer, changes) {
        return Ok(brand);
    }
    let brand = Arc::new(read(call, wearer).await?);
    realm.caches.brands.insert(wearer, changes, Arc::clone(&brand));
    Ok(brand)
}

/// The logo that an organisation has chosen for itself: where several stand together, each is known by its own.
pub async fn logo_of_org(call: &Call, org: Id<id::Org>) -> Result<Option<Logo>> {
    let brand = brand(call, Wearer::Org(org)).await?;
    let is_own = brand.source(|look| look.logo.is_some()) == Source::Org;
    Ok(brand.logo().filter(|_| is_own).cloned())
}

/// The brand of the application of this public name; the instance's where there is none.
pub async fn brand_of_client(call: &Call, client_id: &str) -> Result<Arc<Brand>> {
    let found = clients::find(call, client_id).await?;
    let wearer = found.map_or(Wearer::Instance, |client| Wearer::Client(client.id));
    brand(call, wearer).await
}

async fn read(call: &Call, wearer: Wearer) -> Result<Brand> {
    let client = match wearer {
        Wearer::Client(id) => clients::find_by_id(call, id).await?.filter(clients::Client::is_active),
        Wearer::Instance | Wearer::Org(_) => None,
    };
    let org = match wearer {
        Wearer::Org(org) => Some(org),
        Wearer::Client(_) => client.as_ref().map(|client| client.org),
        Wearer::Instance => None,
    };
    let instance = call.realm.instance_org;
    let org = match org.filter(|org| *org != instance) {
        Some(org) => orgs::find(call, &org.to_string()).await?.filter(|org| org.is_active),
        None => None,
    };
    // What is in a personal organisation wears the instance's: a name of one's own choice is for teams.
    let is_personal = org.as_ref().is_some_and(|org| org.kind == Kind::Personal);
    let is_branded = |client: &clients::Client| org.as_ref().map_or(client.org == instance, |_| !is_personal);
    let client = client.filter(is_branded).map(|client| (client.org, client.id));
    let ask = (client, org.filter(|_| !is_personal).map(|org| org.id), instance);
    call.realm
        .db
        .read("branding.brand", ask, |tx, (client, org, instance)| {
            Box::pin(async move {
                let mut looks = Vec::new();
                if let Some((org, client)) = client {
                    let own = sql::look(tx, *org, Some(*client)).await?;
                    looks.extend(own.map(|look| (Source::Client, *org, look)));
                }
                if let Some(org) = org {
                    let look = sql::look(tx, *org, None).await?;
                    looks.extend(look.map(|look| (Source::Org, *org, look)));
                }
                let look = sql::look(tx, *instance, None).await?;
                looks.extend(look.map(|look| (Source::Instance, *instance, look)));
                let org = looks.first().map_or(*instance, |(_, org, _)| *org);
                let looks = looks.into_iter().map(|(from, _, look)| (from, look)).collect();
                Ok(Brand { org, looks })
            })
        })
        .await
}

/// The picture of a logo, by the name of its content.
pub async fn picture(call: &Call, hash: &str) -> Result<Option<Picture>> {
    call.realm
        .db
        .read("branding.picture", hash.to_owned(), |tx, hash| {
            Box::pin(async move { sql::picture(tx, hash).await })
        })
        .await
}

/// Takes the brands of an organisation that ends, and of its applications.
pub(crate) async fn remove_all_of(tx: &mut Tx<'_>, org: Id<id::Org>) -> Result<()> {
    sql::remove_all(tx, org).await
}
