//! One endpoint of the API: its route, who may call it and its description, declared in one place.
//!
//! The router, the `OpenAPI` document and the authorization-matrix test are all made from the same list,
//! so none of them can forget a route.

use axum::{
    Router,
    handler::Handler,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};
use http::{Method, StatusCode};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use super::{
    confirmation::Confirms,
    guard::{self, Door},
};
use crate::app::App;

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; a credential that is present must still be good.
    Anyone,
    /// Who holds this scope.
    Scope(&'static str),
    /// Who holds this permission in the organisation that the path names first, by a role there or by a
    /// credential of it, and who administers the instance.
    Org(&'static str),
    /// A person for the own account: a signed-in session, or a token of the person's with this scope.
    Account(&'static str),
}

/// A type as the document describes it.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) schema: RefOr<Schema>,
    pub(super) referenced: Vec<(String, RefOr<Schema>)>,
    pub(super) is_page: bool,
}

impl Shape {
    fn of<T: ToSchema>() -> Self {
        let mut referenced = Vec::new();
        T::schemas(&mut referenced);
        Self { name: T::name().into_owned(), schema: T::schema(), referenced, is_page: false }
    }
}

/// See the module.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path, with `{id}` for what varies.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    pub(super) summary: &'static str,
    pub(super) takes: Option<Shape>,
    pub(super) status: StatusCode,
    pub(super) answers: Option<Shape>,
    pub(super) filters: Option<&'static [&'static str]>,
    /// What its query may say, where it is no list.
    pub(super) asked: &'static [&'static str],
    /// Whether it heeds `If-Match`.
    pub(super) is_guarded: bool,
    /// Which bodies a signed-in browser has to confirm, where it tells a secret.
    pub(super) confirms: Option<Confirms>,
    /// Whether a signed-in browser has to have signed in only just now.
    pub(super) is_grave: bool,
    /// Which bodies need the same, where not all do.
    pub(super) graves: Option<Confirms>,
    route: MethodRouter<App>,
}

impl Endpoint {
    fn new<H, T>(method: Method, filter: MethodFilter, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let method_is_guarded = method == Method::PATCH || method == Method::DELETE;
        Self {
            method,
            path,
            access: Access::Scope("admin:*"),
            summary: "",
            takes: None,
            status: StatusCode::OK,
            answers: None,
            filters: None,
            asked: &[],
            is_guarded: method_is_guarded,
            confirms: None,
            is_grave: false,
            graves: None,
            route: on(filter, handler),
        }
    }

    /// Reads.
    pub(super) fn get<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(Method::GET, MethodFilter::GET, path, handler)
    }
    /// Creates, or does what the last part of the path says.
    pub(super) fn post<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(Method::POST, MethodFilter::POST, path, handler)
    }
    /// Changes by a merge patch (RFC 7396).
    pub(super) fn patch<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(Method::PATCH, MethodFilter::PATCH, path, handler)
    }
    /// Ends.
    pub(super) fn delete<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(Method::DELETE, MethodFilter::DELETE, path, handler).status(StatusCode::NO_CONTENT)
    }

    /// The scope that it needs; without one it is `admin:*`.
    pub(super) const fn scope(mut self, scope: &'static str) -> Self {
        self.access = Access::Scope(scope);
        self
    }
    /// The permission that it needs in the organisation of its path.
    pub(super) const fn org(mut self, permission: &'static str) -> Self {
        self.access = Access::Org(permission);
        self
    }
    /// An action that heeds `If-Match`, as every change does.
    pub(super) const fn guarded(mut self) -> Self {
        self.is_guarded = true;
        self
    }
    /// It tells a secret that outlives a session: a signed-in browser says its password again.
    pub(super) const fn confirmed(self) -> Self {
        self.confirmed_where(|_| true)
    }
    /// The same for some bodies only.
    pub(super) const fn confirmed_where(mut self, confirms: Confirms) -> Self {
        self.confirms = Some(confirms);
        self
    }
    /// It cannot be undone: a signed-in browser has to have signed in only just now.
    pub(super) const fn grave(mut self) -> Self {
        self.is_grave = true;
        self
    }
    /// The same for some bodies only.
    pub(super) const fn grave_where(mut self, graves: Confirms) -> Self {
        self.graves = Some(graves);
        self
    }
    /// A part of one's own account.
    pub(super) const fn account(mut self, scope: &'static str) -> Self {
        self.access = Access::Account(scope);
        self
    }
    /// Open to everybody.
    pub(super) const fn open(mut self) -> Self {
        self.access = Access::Anyone;
        self
    }
    /// What it does, in one line.
    pub(super) const fn says(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }
    /// The body it reads.
    pub(super) fn takes<T: ToSchema>(mut self) -> Self {
        self.takes = Some(Shape::of::<T>());
        self
    }
    /// The status of a granted answer; 200 unless set.
    pub(super) const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
    /// The body it answers.
    pub(super) fn answers<T: ToSchema>(mut self) -> Self {
        self.answers = Some(Shape::of::<T>());
        self
    }
    /// It answers a page of these and takes `limit`, `cursor`, `query` and the filters.
    pub(super) fn lists<T: ToSchema>(mut self, filters: &'static [&'static str]) -> Self {
        self.answers = Some(Shape { is_page: true, ..Shape::of::<T>() });
        self.filters = Some(filters);
        self
    }

    /// What it answers is a page of something with more to it than that: it takes what lists take.
    pub(super) const fn filtered(mut self, filters: &'static [&'static str]) -> Self {
        self.filters = Some(filters);
        self
    }

    /// It is no list, and its query says what is wanted.
    pub(super) const fn asked(mut self, query: &'static [&'static str]) -> Self {
        self.asked = query;
        self
    }

    /// It answers all of these at once, in the form of a page: there are few.
    pub(super) fn lists_all<T: ToSchema>(mut self) -> Self {
        self.answers = Some(Shape { is_page: true, ..Shape::of::<T>() });
        self
    }

    /// The part of the API it belongs to: `clients`, `audit`.
    pub fn area(&self) -> &'static str {
        let rest = self.path.strip_prefix("/api/v1/").or_else(|| self.path.strip_prefix("/api/"));
        let rest = rest.or_else(|| self.path.strip_prefix('/'));
        rest.and_then(|rest| rest.split('/').next()).unwrap_or("api")
    }

    /// Adds the route, behind its guard.
    pub(super) fn mount(self, router: Router<App>, app: &App) -> Router<App> {
        let Self { access, path, confirms, is_grave, graves, .. } = self;
        let door = Door { app: app.clone(), access, path, confirms, is_grave, graves };
        router.route(self.path, self.route.route_layer(middleware::from_fn_with_state(door, guard::admit)))
    }
}
