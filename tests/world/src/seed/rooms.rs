//! What an organisation has besides its people, and what is counted of it: roles, workspaces, profile fields with
//! answers, figures of sign-ins and of who was there.

use std::time::Duration;

use anyhow::Result;
use doorward_proto::{id::Workspace, time::Time};

use super::{
    Plan,
    draw::{self, For},
    store::{Cell, Store},
};

/// Roles, workspaces and fields of the largest organisation.
const ROLES: u64 = 40;
const WORKSPACES: u64 = 100;
const FIELDS: u64 = 10;
/// Members of each workspace at the most.
const CREW: u64 = 500;
/// One of so many people was there in the last months.
const ACTIVE: u64 = 2;
/// What is counted by the hour, and what is by the day alone.
const KINDS: i64 = 6;
const BY_DAY: i64 = 6;
const DAY: u64 = 24;

type Row = Vec<Cell>;

impl Plan {
    fn largest(&self) -> Cell {
        self.first.largest.clone().into()
    }

    fn roles(&self) -> impl Iterator<Item = Row> + '_ {
        (0..ROLES).map(|number| {
            let at = self.until;
            vec![
                self.largest(),
                format!("role-{number}").into(),
                "Reads what there is".into(),
                "org:members:read org:audit:read".into(),
                at.into(),
                at.into(),
            ]
        })
    }

    fn workspace(&self, number: u64) -> String {
        draw::id::<Workspace>(For::Workspace, number, self.until).to_string()
    }

    fn workspaces(&self) -> impl Iterator<Item = Row> + '_ {
        (0..WORKSPACES).map(|number| {
            let at = self.until;
            vec![
                self.largest(),
                self.workspace(number).into(),
                format!("room-{number}").into(),
                format!("Room {number}").into(),
                at.into(),
                at.into(),
            ]
        })
    }

    fn workspace_members(&self) -> impl Iterator<Item = Row> + '_ {
        let crew = CREW.min(self.sizes.largest);
        (0..WORKSPACES).flat_map(move |number| {
            (0..crew).map(move |place| {
                let user = self.user((number * CREW + place) % self.sizes.largest.max(1));
                vec![
                    self.largest(),
                    self.workspace(number).into(),
                    user.to_string().into(),
                    "member".into(),
                    self.until.into(),
                ]
            })
        })
    }

    fn fields(&self) -> impl Iterator<Item = Row> + '_ {
        (0..FIELDS).map(|number| {
            let position = i64::try_from(number).unwrap_or(i64::MAX);
            vec![
                self.largest(),
                format!("field_{number}").into(),
                0.into(),
                format!("Field {number}").into(),
                "[]".into(),
                0.into(),
                1.into(),
                position.into(),
                self.until.into(),
                self.until.into(),
            ]
        })
    }

    fn answers(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.largest).map(|number| {
            vec![
                self.largest(),
                self.user(number).to_string().into(),
                "field_0".into(),
                format!("\"answer {number}\"").into(),
                self.until.into(),
            ]
        })
    }

    /// Hour by hour of the whole server and of the largest organisation, over as long as there is usage.
    fn figures(&self) -> impl Iterator<Item = Row> + '_ {
        let hours = self.sizes.usage_days * DAY;
        let orgs = [Cell::from(""), self.largest()];
        orgs.into_iter().flat_map(move |org| {
            (0..hours).flat_map(move |ago| {
                let (org, hour) = (org.clone(), self.hour(ago));
                (0..=KINDS).filter_map(move |kind| {
                    let is_day = hour.as_seconds().rem_euclid(86_400) == 0;
                    let times = i64::try_from(draw::one_of(For::Choice, ago, 900)).unwrap_or(0) + kind;
                    (kind < BY_DAY || is_day)
                        .then(|| vec![org.clone(), hour.into(), kind.into(), times.into()])
                })
            })
        })
    }

    fn hour(&self, ago: u64) -> Time {
        let end = Time::from_seconds(self.until.as_seconds().div_euclid(3600) * 3600);
        end - Duration::from_secs(3600 * ago)
    }

    /// Many people of the whole server, and everybody of the largest organisation.
    fn active(&self) -> impl Iterator<Item = Row> + '_ {
        let hours = (self.sizes.usage_days * DAY).max(1);
        let row = move |org: Cell, number: u64| {
            vec![
                org,
                self.user(number).to_string().into(),
                self.hour(draw::one_of(For::Choice, number, hours)).into(),
            ]
        };
        let all = (0..self.sizes.users).filter(|number| number.is_multiple_of(ACTIVE));
        let largest = (0..self.sizes.largest).map(move |number| row(self.largest(), number));
        all.map(move |number| row(Cell::from(""), number)).chain(largest)
    }
}

/// Puts them in.
pub(super) async fn load(plan: &Plan, store: &Store) -> Result<Vec<(&'static str, u64)>> {
    let roles = ["org_id", "name", "description", "permissions", "created_at", "updated_at"];
    let workspaces = ["org_id", "id", "slug", "name", "created_at", "updated_at"];
    let members = ["org_id", "workspace_id", "user_id", "role", "created_at"];
    let fields = [
        "org_id",
        "name",
        "kind",
        "label",
        "options",
        "is_required",
        "in_claims",
        "position",
        "created_at",
        "updated_at",
    ];
    let answers = ["org_id", "user_id", "field", "value", "updated_at"];
    let figures = ["org_id", "hour", "kind", "times"];
    let active = ["org_id", "user_id", "last_hour"];
    Ok(vec![
        ("org_roles", store.load("org_roles", &roles, plan.roles()).await?),
        ("workspaces", store.load("workspaces", &workspaces, plan.workspaces()).await?),
        ("workspace_members", store.load("workspace_members", &members, plan.workspace_members()).await?),
        ("org_fields", store.load("org_fields", &fields, plan.fields()).await?),
        ("org_values", store.load("org_values", &answers, plan.answers()).await?),
        ("figure_hours", store.load("figure_hours", &figures, plan.figures()).await?),
        ("active_users", store.load("active_users", &active, plan.active()).await?),
    ])
}
