//! What the person has answered an organisation, to read and to change.

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};
use doorward_core::{
    orgs::fields::{self, Answer},
    outcome::Code,
};
use doorward_proto::id::{Id, Org};

use super::{Done, House, Resident, Room};
use crate::{
    app::App,
    pages::{
        form::{Errors, Field},
        questions::{self, Typed},
        visit::{Posted, to},
    },
    surface::Failure,
};

/// The page and its form.
pub fn routes() -> Router<App> {
    Router::new().route("/account/organizations/{org}/profile", get(look).post(say))
}

/// The page.
#[derive(Template)]
#[template(path = "account/answers.html")]
pub struct Page<'a> {
    frame: &'a crate::pages::frame::Frame,
    house: &'a House<'a>,
    errors: Errors,
    org: String,
    action: String,
    fields: Vec<Field>,
}

/// What one of the person's organisations asks; nothing where it asks nothing, or is none of theirs.
async fn asked(resident: &Resident, org: &str) -> Result<Option<(Id<Org>, String, Vec<Answer>)>, Failure> {
    let Some(own) = resident.orgs.iter().find(|own| own.org.to_string() == org) else { return Ok(None) };
    let answers = fields::own(&resident.visit.call, own.org, resident.account.session.user).await?;
    Ok((!answers.is_empty()).then(|| (own.org, own.name.clone(), answers)))
}

fn page<'a>(
    house: &'a House<'a>,
    (id, name, answers): (Id<Org>, String, &[Answer]),
    (typed, errors): (&Typed, Errors),
) -> Page<'a> {
    let fields = questions::shown(house.frame, answers, typed, &errors);
    let action = format!("/account/organizations/{id}/profile");
    Page { frame: house.frame, house, errors, org: name, action, fields }
}

async fn look(Path(org): Path<String>, resident: Resident) -> Result<Response, Failure> {
    let Some((id, name, answers)) = asked(&resident, &org).await? else {
        return Ok(to(Room::Organizations.path()));
    };
    let typed = questions::typed(&resident.visit, &answers, None);
    let (frame, errors) = (resident.visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Organizations, &errors);
    Ok(resident.show(&page(&house, (id, name, &answers), (&typed, errors))))
}

async fn say(Path(org): Path<String>, posted: Posted<Typed>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Organizations).await {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &resident.visit;
    let (id, name, answers) = asked(&resident, &org).await?.ok_or(Code::NotFound)?;
    let typed = questions::typed(visit, &answers, Some(&form));
    match questions::read(visit.text, &answers, &typed)? {
        Ok(said) => {
            fields::answer(&visit.call, id, resident.account.session.user, said).await?;
            Ok(Done::Profile.at(visit, Room::Organizations.path()))
        }
        Err(errors) => {
            let frame = visit.frame();
            let house = resident.house(&frame, Room::Organizations, &errors);
            Ok(visit.show_wrong(&page(&house, (id, name, &answers), (&typed, errors)), &questions::refusal()))
        }
    }
}
