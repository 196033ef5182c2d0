//! What is done to a person by one button.

use axum::{extract::Path, response::Response};
use doorward_core::{
    credentials,
    outcome::{Code, Refusal, Result as Outcome},
    principals::Status,
    sessions,
    users::{self, Email, User},
};

use super::{PATH, name, page, person, trail};
use crate::{
    pages::{
        console::{Administrator, Area, part::form::FormPage, said},
        form::Errors,
        visit::{Nothing, Posted, Visit, to},
    },
    surface::Failure,
};

/// The buttons stand on the person's page.
pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    Ok(to(&page(&person(&administrator.visit, &id).await?)))
}

async fn done<F>(id: &str, posted: Posted<Nothing>, word: &'static str, work: F) -> Result<Response, Failure>
where
    F: AsyncFnOnce(&Visit, &User) -> Outcome<()>,
{
    let (administrator, _) = match Administrator::of(posted, &format!("{PATH}/{id}")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let user = person(visit, id).await?;
    work(visit, &user).await?;
    Ok(said::at(visit, word, &page(&user)))
}

/// Asks before somebody is shut out. Who is already has the button that lets them in again.
pub(super) async fn ask(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let user = person(visit, &id).await?;
    let page = page(&user);
    if user.status == Status::Suspended {
        return Ok(to(&page));
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let title = frame.tv("users-suspend-of", "name", &name(&user));
    let mut shell = administrator.shell(&frame, Area::Users, title, &errors);
    shell.trail = vec![trail(&administrator), (page.clone(), name(&user))];
    let form = FormPage::new(&shell, format!("{page}/suspend"), page, errors)
        .what(frame.t("users-suspend-what"))
        .danger(frame.t("users-suspend"));
    Ok(administrator.show(&form))
}

pub(super) async fn suspend(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    done(&id, posted, "did-user-suspended", async |visit, user| {
        users::suspend(&visit.call, user.id).await.map(drop)
    })
    .await
}

pub(super) async fn resume(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    done(&id, posted, "did-user-resumed", async |visit, user| {
        users::resume(&visit.call, user.id).await.map(drop)
    })
    .await
}

pub(super) async fn end_sessions(
    Path(id): Path<String>,
    posted: Posted<Nothing>,
) -> Result<Response, Failure> {
    done(&id, posted, "did-user-sessions", async |visit, user| {
        sessions::end_others(&visit.call, user.id, None).await.map(drop)
    })
    .await
}

pub(super) async fn send_link(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    done(&id, posted, "did-user-mailed", async |visit, user| {
        let email = user.email.as_deref().ok_or(Refusal::new(Code::NotFound))?;
        credentials::offer(&visit.call, Email::parse(email)?, user.locale.as_deref()).await
    })
    .await
}
