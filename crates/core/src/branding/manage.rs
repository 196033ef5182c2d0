//! Seeing and changing what was chosen in one place.

use doorward_proto::id::{self, Id};
use url::Url;

use super::{Brand, Color, Logo, Look, Part, Picture, Source, Wearer, brand, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    clients::{self, Client},
    db::Tx,
    orgs::{Kind, OrgScope},
    outcome::{Code, Refusal, Result, refuse},
};

/// The longest address of a link.
const LONGEST_LINK: usize = 2048;
/// The longest name of a product, in characters.
const LONGEST_NAME: usize = 60;

/// Where something is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    org: Id<id::Org>,
    client: Option<Id<id::Client>>,
    wearer: Wearer,
}

impl Place {
    /// The instance, for who administers it.
    pub fn instance(call: &Call) -> Self {
        Self { org: call.realm.instance_org, client: None, wearer: Wearer::Instance }
    }

    /// An application, for who administers the instance.
    pub const fn client(client: &Client) -> Self {
        Self { org: client.org, client: Some(client.id), wearer: Wearer::Client(client.id) }
    }

    /// The organisation that was entered. That of the instance looks like the server, which is not its
    /// people's to say.
    ///
    /// # Errors
    /// `ScopeMissing`; `Conflict` for a personal one.
    pub fn org(scope: &OrgScope, permission: &'static str) -> Result<Self> {
        scope.runs(permission, "admin:settings:write")?;
        if scope.org().kind == Kind::Personal {
            let hint = "A personal organisation has no brand of its own";
            return Err(Refusal::new(Code::Conflict).hint(hint).into());
        }
        let is_instance = scope.org().kind == Kind::Instance;
        let wearer = if is_instance { Wearer::Instance } else { Wearer::Org(scope.id()) };
        Ok(Self { org: scope.id(), client: None, wearer })
    }

    /// An application of the organisation that was entered, by its public name or id.
    ///
    /// # Errors
    /// As [`Place::org`]; `NotFound` for an application that is not the organisation's.
    pub async fn client_of(
        call: &Call,
        scope: &OrgScope,
        permission: &'static str,
        name: &str,
    ) -> Result<Self> {
        Self::org(scope, permission)?;
        let client = clients::manage::get(call, name).await?;
        if client.org != scope.id() {
            return refuse(Code::NotFound);
        }
        Ok(Self::client(&client))
    }

    /// As what it is chosen here.
    pub const fn source(self) -> Source {
        match self.wearer {
            Wearer::Instance => Source::Instance,
            Wearer::Org(_) => Source::Org,
            Wearer::Client(_) => Source::Client,
        }
    }

    /// Whose brand it decides.
    pub const fn wearer(self) -> Wearer {
        self.wearer
    }
}

/// What shall change; `None` leaves a part as it is, `Some(None)` leaves it to further out.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The name of the product.
    pub name: Option<Option<String>>,
    /// Its logo.
    pub logo: Option<Option<Picture>>,
    /// Of buttons.
    pub primary: Option<Option<Color>>,
    /// Of links and marks.
    pub accent: Option<Option<Color>>,
    /// What the sign-in pages lie on.
    pub background: Option<Option<Color>>,
    /// Where help is.
    pub support: Option<Option<String>>,
    /// The terms.
    pub terms: Option<Option<String>>,
    /// The privacy policy.
    pub privacy: Option<Option<String>>,
}

/// What was chosen in a place, and the brand that follows.
pub async fn show(call: &Call, place: Place) -> Result<(Look, std::sync::Arc<Brand>)> {
    let look = call
        .realm
        .db
        .read("branding.show", (place.org, place.client), |tx, (org, client)| {
            Box::pin(async move { sql::look(tx, *org, *client).await })
        })
        .await?;
    Ok((look.unwrap_or_default(), brand(call, place.wearer).await?))
}

struct Update {
    call: Call,
    place: Place,
    seen: Option<i64>,
    change: Change,
}

impl Change {
    /// What becomes of what was chosen before.
    pub fn made(&self, before: &Look) -> Look {
        let change = self.clone();
        let logo = change.logo.map(|picture| picture.as_ref().map(logo_of));
        Look {
            name: change.name.unwrap_or_else(|| before.name.clone()),
            logo: logo.unwrap_or_else(|| before.logo.clone()),
            primary: change.primary.unwrap_or(before.primary),
            accent: change.accent.unwrap_or(before.accent),
            background: change.background.unwrap_or(before.background),
            support: change.support.unwrap_or_else(|| before.support.clone()),
            terms: change.terms.unwrap_or_else(|| before.terms.clone()),
            privacy: change.privacy.unwrap_or_else(|| before.privacy.clone()),
            version: before.version,
        }
    }

    /// Refuses what cannot be shown.
    ///
    /// # Errors
    /// `RequestInvalid` for a name, colour or link that is not taken, with the contrast and the nearest shade
    /// for a colour on which nobody could read.
    pub fn check(&self) -> Result<()> {
        let colors =
            [(Part::Primary, self.primary), (Part::Accent, self.accent), (Part::Background, self.background)];
        for (part, color) in colors {
            color.flatten().map_or(Ok(()), |color| part.check(color))?;
        }
        let links =
            [("support_uri", &self.support), ("terms_uri", &self.terms), ("privacy_uri", &self.privacy)];
        for (member, link) in links {
            link.iter().flatten().try_for_each(|link| check_link(member, link))?;
        }
        self.name.iter().flatten().try_for_each(|name| check_name(name))
    }
}

/// Changes what was chosen in a place; with `seen` only while it is still at that version.
///
/// # Errors
/// As [`Change::check`]; `VersionMismatch`.
pub async fn change(call: &Call, place: Place, seen: Option<i64>, change: Change) -> Result<Look> {
    change.check()?;
    let ask = Update { call: call.clone(), place, seen, change };
    call.realm.db.write("branding.change", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Update {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Look> {
        let Place { org, client, .. } = self.place;
        tx.lock_exclusive(&[&format!("doorward.branding.{org}")]).await?;
        let before = sql::look(tx, org, client).await?.unwrap_or_default();
        if self.seen.is_some_and(|seen| seen != before.version) {
            return refuse(Code::VersionMismatch);
        }
        let after = self.change.made(&before);
        if after == before {
            return Ok(before);
        }
        let after = Look { version: before.version + 1, ..after };
        sql::save(tx, (org, client), &after, self.call.now).await?;
        if let Some(picture) = &self.change.logo {
            sql::save_picture(tx, (org, client), picture.as_ref()).await?;
        }
        tx.raise_changes().await?;
        let mut event = Event::new(&self.call, "branding.changed")?.subject(org).org(org);
        if let Some(client) = client {
            event = event.subject(client).client(client);
        }
        audit::record(tx, &event.fact("members", changed(&before, &after))).await?;
        Ok(after)
    }
}

fn logo_of(picture: &Picture) -> Logo {
    Logo { hash: picture.hash(), format: picture.format, size: picture.size }
}

fn changed(before: &Look, after: &Look) -> Vec<&'static str> {
    let parts = [
        ("name", before.name != after.name),
        ("logo", before.logo != after.logo),
        (Part::Primary.member(), before.primary != after.primary),
        (Part::Accent.member(), before.accent != after.accent),
        (Part::Background.member(), before.background != after.background),
        ("support_uri", before.support != after.support),
        ("terms_uri", before.terms != after.terms),
        ("privacy_uri", before.privacy != after.privacy),
    ];
    parts.into_iter().filter_map(|(name, is)| is.then_some(name)).collect()
}

fn check_name(name: &str) -> Result<()> {
    let leads = name.contains("//") || name.contains('@');
    if clients::is_name(name) && name.chars().count() <= LONGEST_NAME && !leads {
        return Ok(());
    }
    let hint = format!(
        "A name has 1 to {LONGEST_NAME} characters that can be seen, no // and no @: it stands in mails"
    );
    Err(Refusal::new(Code::RequestInvalid).field("name").hint(hint).into())
}

/// A link is for people to follow: to a page over https, and for help to a mail address, too.
fn check_link(member: &'static str, link: &str) -> Result<()> {
    let url = Url::parse(link).ok().filter(|_| link.len() <= LONGEST_LINK && link.trim() == link);
    let is_link = url.is_some_and(|url| match url.scheme() {
        "https" => url.username().is_empty() && url.password().is_none(),
        "mailto" => member == "support_uri" && url.path().contains('@'),
        _ => false,
    });
    if is_link {
        return Ok(());
    }
    let hint = if member == "support_uri" {
        "A link begins with https:// or mailto:"
    } else {
        "A link begins with https://"
    };
    Err(Refusal::new(Code::RequestInvalid).field(member).hint(hint).into())
}
