//! The organisations that the person belongs to: which one is active, another, a new one, leaving, and
//! invitations to accept.

use askama::Template;
use axum::{
    Router,
    extract::Path,
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    branding,
    orgs::{
        Kind, fields,
        invitations::{self, By, Offer},
        manage::{self, NewOrg},
        members,
        workspaces::{self, Own as OwnWorkspace},
    },
    outcome::{Code, Refusal, Result as Outcome},
    sessions,
};
use doorward_proto::id::{Id, Org};
use serde::Deserialize;

use super::{Done, House, Place, Resident, Room};
use crate::{
    app::App,
    pages::{
        form::{Errors, Field},
        frame::{Frame, initials},
        invitation::role,
        several::{self, Find},
        text::Text,
        visit::{Nothing, Posted, Visit, refusal_of, to},
        when::When,
    },
    surface::Failure,
};

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/organizations", get(look).post(make))
        .route("/account/organizations/active", post(switch).get(Room::Organizations.door()))
        .route("/account/organizations/{org}/leave", get(ask).post(leave))
        .route("/account/invitations/{invitation}/accept", post(accept).get(Room::Organizations.door()))
}

/// An organisation that the person belongs to.
#[derive(Debug, Clone)]
pub struct Own {
    /// Where it is, and whether it is the active one.
    pub place: Place,
    /// What the person is there.
    pub role: String,
    /// The workspaces that the person is in there, each with the role.
    pub workspaces: Vec<String>,
    /// Whether it is the person's own, which nobody leaves.
    pub is_personal: bool,
    /// The address of its logo, if it has one.
    pub logo: Option<String>,
    /// Whether it asks its people anything.
    pub asks: bool,
}

impl Own {
    fn initial(&self) -> String {
        initials(&self.place.name, 1)
    }
}

/// An invitation to accept.
#[derive(Debug, Clone)]
pub struct Open {
    /// What forms send.
    pub id: String,
    /// The organisation.
    pub org: String,
    /// As what.
    pub role: String,
    /// Until when.
    pub until: When,
    /// The address of its logo, if it has one.
    pub logo: Option<String>,
}

impl Open {
    async fn of(visit: &Visit, offer: &Offer) -> Outcome<Self> {
        let invitation = &offer.invitation;
        Ok(Self {
            id: invitation.id.to_string(),
            org: offer.org.name.clone(),
            role: role(visit.text, &invitation.role),
            until: When::new(visit.text, invitation.expires_at, visit.call.now),
            logo: logo_of(visit, offer.org.id).await?,
        })
    }

    fn initial(&self) -> String {
        initials(&self.org, 1)
    }
}

/// The page.
#[derive(Template)]
#[template(path = "account/organizations.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    orgs: Vec<Own>,
    /// How to find others than these.
    find: Option<Find>,
    open: Vec<Open>,
    /// To make one; nothing where only administrators do.
    fields: Option<[Field; 2]>,
}

impl<'a> Page<'a> {
    /// The page; `typed` is a name and a short name as typed before, and nothing where the person makes
    /// no organisations.
    pub fn new(
        house: &'a House<'a>,
        (orgs, find, open): (Vec<Own>, Option<Find>, Vec<Open>),
        (typed, errors): (Option<(&str, &str)>, Errors),
    ) -> Self {
        let frame = house.frame;
        let fields = typed.map(|(name, slug)| fields(frame, (name, slug), &errors));
        Self { frame, house, errors, orgs, find, open, fields }
    }
}

/// A name and a short name.
pub(super) fn fields(frame: &Frame, (name, slug): (&str, &str), errors: &Errors) -> [Field; 2] {
    [
        Field::new("name", "text", "organization", frame.t("own-orgs-name"))
            .value(name)
            .longest(100)
            .checked(errors),
        Field::new("slug", "text", "off", frame.t("own-orgs-slug"))
            .hint(frame.t("own-orgs-slug-what"))
            .value(slug)
            .longest(48)
            .optional()
            .checked(errors),
    ]
}

/// Asks whether the person wants to leave.
#[derive(Template)]
#[template(path = "account/leave.html")]
pub struct LeavePage<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    org: Place,
}

impl<'a> LeavePage<'a> {
    /// The page about one organisation.
    pub fn new(house: &'a House<'a>, org: Place, errors: Errors) -> Self {
        Self { frame: house.frame, house, errors, org }
    }
}

#[derive(Deserialize)]
struct NewForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    slug: String,
}

#[derive(Deserialize)]
struct SwitchForm {
    #[serde(default)]
    org: String,
    #[serde(default)]
    back: String,
}

async fn lists(resident: &Resident, frame: &Frame) -> Outcome<(Vec<Own>, Option<Find>, Vec<Open>)> {
    let visit = &resident.visit;
    let address = (Room::Organizations.path(), visit.query());
    let (some, find) = several::some(frame, address, resident.orgs.clone(), resident.account.session.org);
    let user = resident.account.session.user;
    let asking = fields::asking(&visit.call, user).await?;
    let all = workspaces::of_person(&visit.call, user).await?;
    let called = |one: &OwnWorkspace| format!("{} ({})", one.name, visit.text.get(workspace_role(one.role)));
    let mut orgs = Vec::new();
    for membership in &some {
        let place = resident.place(membership);
        orgs.push(Own {
            place,
            role: role(visit.text, &membership.role),
            workspaces: all.iter().filter(|one| one.org == membership.org).map(called).collect(),
            is_personal: membership.kind == Kind::Personal,
            logo: logo_of(visit, membership.org).await?,
            asks: asking.contains(&membership.org),
        });
    }
    let mut open = Vec::new();
    for offer in invitations::of_person(&visit.call, user).await? {
        open.push(Open::of(visit, &offer).await?);
    }
    Ok((orgs, find, open))
}

async fn logo_of(visit: &Visit, org: Id<Org>) -> Outcome<Option<String>> {
    Ok(branding::logo_of_org(&visit.call, org).await?.map(|logo| logo.path()))
}

/// What a role in a workspace is called.
pub const fn workspace_role(role: workspaces::Role) -> &'static str {
    match role {
        workspaces::Role::Viewer => "workspaces-viewer",
        workspaces::Role::Editor => "workspaces-editor",
        workspaces::Role::Admin => "workspaces-admin",
    }
}

fn may_make(visit: &Visit) -> bool {
    visit.call.realm.settings.orgs.people_may_create
}

async fn look(resident: Resident) -> Result<Response, Failure> {
    let visit = &resident.visit;
    let (frame, errors) = (visit.frame(), Errors::none());
    let lists = lists(&resident, &frame).await?;
    let house = resident.house(&frame, Room::Organizations, &errors);
    let kept = |field| visit.typed(field).unwrap_or_default();
    let typed = may_make(visit).then(|| (kept("name"), kept("slug")));
    Ok(resident.show(&Page::new(&house, lists, (typed, errors))))
}

async fn make(posted: Posted<NewForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Organizations).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, slug) = (&resident.visit, form.slug.trim());
    let slug_given = Some(slug.to_owned()).filter(|slug| !slug.is_empty());
    let new = NewOrg { name: form.name.clone(), slug: slug_given, owner: None };
    let refusal = match manage::create_own(&visit.call, resident.account.session.user, new).await {
        Ok(org) => return Ok(Done::OrgMade.at(visit, &format!("/console/organizations/{}", org.id))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let lists = lists(&resident, &frame).await?;
    let house = resident.house(&frame, Room::Organizations, &errors);
    let typed = may_make(visit).then_some((form.name.as_str(), slug));
    Ok(visit.show_wrong(&Page::new(&house, lists, (typed, errors)), &refusal))
}

/// What a refusal means for a form about an organisation.
pub fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("name")) => ("name", "own-orgs-name-wrong"),
        (Code::RequestInvalid, Some("slug")) => ("slug", "own-orgs-slug-wrong"),
        (Code::Conflict, Some("slug")) => ("slug", "own-orgs-slug-taken"),
        (Code::LastOwner, _) => ("", "own-orgs-last-owner"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}

/// Makes another organisation the active one, and stays on the page from which that was asked.
async fn switch(posted: Posted<SwitchForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Organizations).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let session = &resident.account.session;
    let org = form.org.parse().map_err(|_| Failure::from(Code::NotFound))?;
    sessions::act_for(&resident.visit.call, (session.id, session.user), org).await?;
    let room = Room::ALL.into_iter().find(|room| room.path() == form.back);
    Ok(Done::OrgSwitched.at(&resident.visit, room.unwrap_or(Room::Organizations).path()))
}

async fn ask(Path(org): Path<String>, resident: Resident) -> Response {
    let Some(place) = left(&resident, &org) else { return to(Room::Organizations.path()) };
    let (frame, errors) = (resident.visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Organizations, &errors);
    resident.show(&LeavePage::new(&house, place, errors))
}

/// The organisation that the person may be about to leave.
fn left(resident: &Resident, org: &str) -> Option<Place> {
    let lists = resident.orgs.iter().zip(resident.places());
    let mut teams = lists.filter(|(own, _)| own.kind != Kind::Personal).map(|(_, place)| place);
    teams.find(|place| place.id == org)
}

async fn leave(Path(org): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Organizations).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &resident.visit;
    let done = || Done::OrgLeft.at(visit, Room::Organizations.path());
    // Left already, by a second click.
    let Some(place) = left(&resident, &org) else { return Ok(done()) };
    let id = org.parse().map_err(|_| Failure::from(Code::NotFound))?;
    let refusal = match members::leave(&visit.call, id, resident.account.session.user).await {
        Ok(()) => return Ok(done()),
        Err(error) if error.code() == Some(Code::NotFound) => return Ok(done()),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let house = resident.house(&frame, Room::Organizations, &errors);
    Ok(visit.show_wrong(&LeavePage::new(&house, place, errors), &refusal))
}

async fn accept(Path(invitation): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Organizations).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let id = invitation.parse().map_err(|_| Failure::from(Code::NotFound))?;
    let user = resident.account.session.user;
    invitations::accept(&resident.visit.call, By::Account(id), user).await?;
    Ok(Done::Joined.at(&resident.visit, Room::Organizations.path()))
}
