//! Choosing the organisation that an application acts for, where the application asks for that.

use askama::Template;
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    authorize::{self, View},
    branding::logo_of_org,
    clients::Organizations,
    orgs::{
        Kind, Membership,
        manage::{self, NewOrg},
    },
    outcome::Code,
    sessions::Account,
    users,
};
use serde::Deserialize;

use super::{
    account::organizations::wrong,
    draft,
    form::{Errors, Field},
    frame::{Frame, initials},
    invitation::role,
    several::{self, Find},
    visit::{Posted, Visit, refusal_of, to},
};
use crate::{app::App, oauth, surface::Failure};

const PATH: &str = "/choose-organization";

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(ask).post(choose))
        .route("/choose-organization/new", post(make).get(async || to("/account/organizations")))
}

/// An organisation to choose.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What the form sends.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What the person is there.
    pub role: String,
    /// The address of its logo, if it has one.
    pub logo: Option<String>,
}

impl Choice {
    fn initial(&self) -> String {
        initials(&self.name, 1)
    }
}

/// The page: one button for each organisation, or what to do without a team.
#[derive(Template)]
#[template(path = "choose_org.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    client: String,
    action: String,
    /// Where a new one is made; nothing where only administrators make them, or there is one to choose.
    new: Option<(String, Field)>,
    choices: Vec<Choice>,
    /// How to find others than these.
    find: Option<Find>,
    errors: Errors,
}

impl<'a> Page<'a> {
    /// The page for an application; `new` is where a team is made, with what was typed.
    pub fn new(
        frame: &'a Frame,
        (client, action): (String, String),
        (choices, find): (Vec<Choice>, Option<Find>),
        new: Option<(String, &str)>,
        errors: Errors,
    ) -> Self {
        let field = |typed: &str| {
            Field::new("name", "text", "organization", frame.t("own-orgs-name"))
                .value(typed)
                .longest(100)
                .checked(&errors)
        };
        let new = new
            .filter(|_| choices.is_empty() && find.is_none())
            .map(|(action, typed)| (action, field(typed)));
        Self { frame, client, action, new, choices, find, errors }
    }
}

#[derive(Deserialize)]
struct ChooseForm {
    #[serde(default)]
    org: String,
    #[serde(default)]
    answer: String,
}

#[derive(Deserialize)]
struct NewForm {
    #[serde(default)]
    name: String,
}

/// The application and the account that an authorization in progress is about.
fn asked(visit: &Visit) -> Result<Option<(&View, &Account)>, Failure> {
    let view = visit.asked.as_ref().ok_or(Code::DraftUnknown)?;
    Ok(draft::account(visit, view).map(|account| (view, account)))
}

async fn ask(mut visit: Visit) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let Some((view, account)) = asked(&visit)? else { return Ok(to(&visit.carry.on("/sign-in"))) };
    let frame = visit.frame();
    let typed = visit.typed("name").unwrap_or_default();
    Ok(visit.show(&page(&visit, &frame, (view, account), (typed, Errors::none())).await?))
}

async fn page<'a>(
    visit: &Visit,
    frame: &'a Frame,
    (view, account): (&View, &Account),
    (typed, errors): (&str, Errors),
) -> Result<Page<'a>, Failure> {
    let facts = users::facts(&visit.call, account.session.user).await?;
    let fits = |own: &Membership| view.organizations != Organizations::Team || own.kind == Kind::Team;
    let all = facts.map(|facts| facts.orgs).unwrap_or_default().into_iter().filter(fits).collect();
    let address = visit.carry.on(PATH);
    let (some, find) = several::some(frame, (&address, visit.query()), all, account.session.org);
    let mut choices = Vec::new();
    for own in some {
        choices.push(Choice {
            id: own.org.to_string(),
            name: own.name,
            role: role(visit.text, &own.role),
            logo: logo_of_org(&visit.call, own.org).await?.map(|logo| logo.path()),
        });
    }
    let may_make = visit.call.realm.settings.orgs.people_may_create;
    let new = may_make.then(|| (visit.carry.on("/choose-organization/new"), typed));
    let about = (view.client_name.clone(), address);
    Ok(Page::new(frame, about, (choices, find), new, errors))
}

async fn choose(Posted { mut visit, form }: Posted<ChooseForm>) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let draft = visit.carry.draft().ok_or(Code::DraftUnknown)?;
    let Some((_, account)) = asked(&visit)? else { return Ok(to(&visit.carry.on("/sign-in"))) };
    if form.answer == "deny" {
        let next = authorize::deny(&visit.call, draft, account.session.id, account).await?;
        return oauth::answer(&visit.app, &visit.call, visit.headers(), next);
    }
    let org = form.org.parse().map_err(|_| Failure::from(Code::RequestInvalid))?;
    authorize::choose_organization(&visit.call, draft, account, org).await?;
    Ok(to(&visit.carry.onward()))
}

async fn make(Posted { mut visit, form }: Posted<NewForm>) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let draft = visit.carry.draft().ok_or(Code::DraftUnknown)?;
    let Some((view, account)) = asked(&visit)? else { return Ok(to(&visit.carry.on("/sign-in"))) };
    let new = NewOrg { name: form.name.clone(), ..NewOrg::default() };
    let refusal = match manage::create_own(&visit.call, account.session.user, new).await {
        Ok(org) => {
            authorize::choose_organization(&visit.call, draft, account, org.id).await?;
            return Ok(to(&visit.carry.onward()));
        }
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let page = page(&visit, &frame, (view, account), (form.name.as_str(), errors)).await?;
    Ok(visit.show_wrong(&page, &refusal))
}
