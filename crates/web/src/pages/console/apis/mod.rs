//! APIs: what tokens are made for, and the scopes that each knows. Administrators keep every one; whoever runs an
//! organisation keeps its own by the same pages.

use axum::{Router, routing::get};
use doorward_core::{
    apis::{
        self, Api, ListAsk, NewApi, Scope, Settings, TokenFormat,
        of_org::{self, New},
    },
    orgs::{Kind, OrgScope},
    outcome::{Code, Result as Found, refuse},
    page::{Page, PageAsk},
};

use super::{Area, Operator, orgs};
use crate::{app::App, pages::text::Text};

mod connect;
mod edit;
mod end;
mod list;
mod show;

const PATH: &str = Area::Apis.path();

/// Every page of the area, and the same of one organisation.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/apis", get(list::look))
        .route("/console/apis.csv", get(list::export))
        .route("/console/apis/new", get(edit::look_new).post(edit::make))
        .route("/console/apis/{id}", get(show::look))
        .route("/console/apis/{id}/connect", get(connect::look))
        .route("/console/apis/{id}/edit", get(edit::look).post(edit::save))
        .route("/console/apis/{id}/delete", get(end::look).post(end::end))
        .route("/console/organizations/{org}/apis", get(list::look_at))
        .route("/console/organizations/{org}/apis/new", get(edit::look_new_at).post(edit::make_at))
        .route("/console/organizations/{org}/apis/{id}", get(show::look_at))
        .route("/console/organizations/{org}/apis/{id}/connect", get(connect::look_at))
        .route("/console/organizations/{org}/apis/{id}/edit", get(edit::look_at).post(edit::save_at))
        .route("/console/organizations/{org}/apis/{id}/delete", get(end::look_at).post(end::end_at))
}

/// Whose APIs are kept: all of them, or those of an organisation that was entered.
struct Place {
    path: String,
    org: Option<OrgScope>,
}

impl Place {
    /// All of them, which is for administrators.
    fn server(operator: &Operator) -> Found<Self> {
        if !operator.is_administrator() {
            return refuse(Code::Forbidden);
        }
        Ok(Self { path: PATH.to_owned(), org: None })
    }

    async fn of(operator: &Operator, org: &str, permission: &'static str) -> Found<Self> {
        let scope = orgs::enter(operator, org, permission).await?;
        Ok(Self { path: format!("{}/apis", orgs::page(scope.org())), org: Some(scope) })
    }

    fn trail(&self, operator: &Operator) -> Vec<(String, String)> {
        self.org.as_ref().map(|scope| orgs::trail_to(operator, scope.org())).unwrap_or_default()
    }

    fn trail_to(&self, operator: &Operator) -> Vec<(String, String)> {
        let mut trail = self.trail(operator);
        trail.push((self.path.clone(), operator.visit.text.get(Area::Apis.key())));
        trail
    }

    fn title(&self, text: Text) -> String {
        match &self.org {
            None => text.get(Area::Apis.key()),
            Some(scope) => text.with("apis-of", "name", &scope.org().name),
        }
    }

    /// The address of an API's page.
    fn page(&self, api: &Api) -> String {
        format!("{}/{}", self.path, api.id)
    }

    fn may_change(&self) -> bool {
        self.org.as_ref().is_none_or(|scope| scope.may(of_org::WRITE))
    }

    fn may_make(&self) -> bool {
        self.may_change() && self.org.as_ref().is_none_or(|scope| scope.org().kind != Kind::Personal)
    }

    async fn list(&self, operator: &Operator, page: PageAsk) -> Found<Page<Api>> {
        let call = &operator.visit.call;
        match &self.org {
            None => apis::list(call, ListAsk { page, org: None }).await,
            Some(scope) => of_org::list(call, scope, page).await,
        }
    }

    async fn find(&self, operator: &Operator, id: &str) -> Found<Api> {
        let call = &operator.visit.call;
        match &self.org {
            None => apis::get(call, id).await,
            Some(scope) => of_org::find(call, scope, id).await,
        }
    }

    async fn create(&self, operator: &Operator, identifier: String, settings: Settings) -> Found<Api> {
        let call = &operator.visit.call;
        match &self.org {
            None => apis::create(call, NewApi { identifier, org: None, settings }).await,
            Some(scope) => of_org::create(call, scope, New { name: identifier, settings }).await,
        }
    }

    async fn update(&self, operator: &Operator, api: &Api, seen: i64, settings: Settings) -> Found<Api> {
        let call = &operator.visit.call;
        match &self.org {
            None => apis::update(call, api.id, seen, settings).await,
            Some(scope) => of_org::update(call, scope, (&api.id.to_string(), seen), settings).await,
        }
    }

    async fn end(&self, operator: &Operator, api: &Api) -> Found<()> {
        let call = &operator.visit.call;
        match &self.org {
            None => apis::end(call, api.id).await,
            Some(scope) => of_org::end(call, scope, &api.id.to_string()).await,
        }
    }
}

/// Scopes as they are typed: one on a line, and behind the name what it allows.
fn scopes_of(text: &str) -> Vec<Scope> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let scope = |line: &str| {
        let (name, description) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        Scope { name: name.to_owned(), description: description.trim().to_owned() }
    };
    lines.map(scope).collect()
}

fn typed_scopes(scopes: &[Scope]) -> String {
    let line = |scope: &Scope| format!("{} {}", scope.name, scope.description).trim_end().to_owned();
    scopes.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn format_word(text: Text, format: TokenFormat) -> String {
    text.get(match format {
        TokenFormat::Jwt => "apis-jwt",
        TokenFormat::Opaque => "apis-opaque",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        let typed = "reports:read  See reports\n\n  reports:write\t Change reports \nplain";
        let read = scopes_of(typed);
        let told: Vec<_> = read.iter().map(|it| (it.name.as_str(), it.description.as_str())).collect();
        assert_eq!(
            told,
            [("reports:read", "See reports"), ("reports:write", "Change reports"), ("plain", "")]
        );
        assert_eq!(scopes_of(&typed_scopes(&read)), read);
    }
}
