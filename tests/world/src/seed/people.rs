//! People, their organisations and where they belong.

use anyhow::Result;
use doorward_proto::{
    id::{Id, Org, User},
    time::Time,
};

use super::{
    Plan, YEARS,
    draw::{self, For},
    store::{Cell, Store},
};

/// One of so many is suspended.
const SUSPENDED: u64 = 250;
/// One of so many has no account.
const ANONYMOUS: u64 = 40;
/// One of so many administers the instance.
const ADMINISTRATORS: u64 = 50_000;
/// One of so many wants to hear news.
const CONSENTING: u64 = 3;
/// Members of a usual organisation at the most, besides its owner.
const CREW: u64 = 5;

type Row = Vec<Cell>;

impl Plan {
    pub(super) fn joined(&self, number: u64) -> Time {
        draw::at(number, self.sizes.users, (self.until, YEARS))
    }

    /// One of the people.
    pub(super) fn user(&self, number: u64) -> Id<User> {
        draw::id(For::User, number, self.joined(number))
    }

    /// The organisation that is theirs alone.
    pub(super) fn personal(&self, number: u64) -> Id<Org> {
        draw::id(For::Personal, number, self.joined(number))
    }

    fn founded(&self, number: u64) -> Time {
        draw::at(number, self.sizes.orgs, (self.until, YEARS))
    }

    /// An organisation that people have made together.
    pub(super) fn team(&self, number: u64) -> Id<Org> {
        draw::id(For::Team, number, self.founded(number))
    }

    /// An organisation for something: one of ten things belongs to the largest.
    pub(super) fn some_org(&self, number: u64) -> String {
        if number.is_multiple_of(10) || self.sizes.orgs == 0 {
            return self.first.largest.clone();
        }
        self.team(draw::one_of(For::Team, number, self.sizes.orgs)).to_string()
    }

    fn orgs(&self) -> impl Iterator<Item = Row> + '_ {
        let personal = (0..self.sizes.users).map(|number| {
            let (id, at) = (self.personal(number).to_string(), self.joined(number));
            self.first.personal.with(&[
                ("id", id.into()),
                ("created_at", at.into()),
                ("updated_at", at.into()),
            ])
        });
        let teams = (0..self.sizes.orgs).map(|number| {
            let (at, name) = (self.founded(number), draw::business(number));
            let folded = name.to_lowercase();
            self.first.team.with(&[
                ("id", self.team(number).to_string().into()),
                ("slug", format!("team-{number}").into()),
                ("name", name.into()),
                ("name_folded", folded.into()),
                ("status", i64::from(number % SUSPENDED == 1).into()),
                ("created_at", at.into()),
                ("updated_at", at.into()),
            ])
        });
        personal.chain(teams)
    }

    fn principals(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.users).map(|number| {
            self.first.person.with(&[
                ("id", self.user(number).to_string().into()),
                ("org_id", self.personal(number).to_string().into()),
                ("status", i64::from(number % SUSPENDED == 1).into()),
                ("created_at", self.joined(number).into()),
            ])
        })
    }

    fn users(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.users).map(|number| {
            let ((first, last), at) = (draw::name(number), self.joined(number));
            let has_account = !is_anonymous(number);
            let agrees = has_account && number.is_multiple_of(CONSENTING);
            let name = has_account.then(|| format!("{first} {last}"));
            let username = (has_account && number.is_multiple_of(3)).then(|| format!("{first}.{number}"));
            self.first.user.with(&[
                ("id", self.user(number).to_string().into()),
                ("name_folded", name.as_ref().map(|name| name.to_lowercase()).into()),
                ("name", name.into()),
                ("username_folded", username.as_ref().map(|name| name.to_lowercase()).into()),
                ("username", username.into()),
                ("platform_role", i64::from(has_account && number % ADMINISTRATORS == 7).into()),
                ("marketing_consent_at", agrees.then_some(at).into()),
                ("marketing_consent_text", agrees.then_some("Write to me about news.").into()),
                ("anonymous_seen_at", (!has_account).then_some(self.until).into()),
                ("created_at", at.into()),
                ("updated_at", at.into()),
            ])
        })
    }

    fn emails(&self) -> impl Iterator<Item = Row> + '_ {
        let known = (0..self.sizes.users).filter(|number| !is_anonymous(*number));
        known.map(|number| {
            let at = self.joined(number);
            let address = address(number);
            self.first.email.with(&[
                ("folded", address.clone().into()),
                ("user_id", self.user(number).to_string().into()),
                ("address", address.into()),
                ("verified_at", (number % 10 != 3).then_some(at).into()),
                ("created_at", at.into()),
            ])
        })
    }

    fn passwords(&self) -> impl Iterator<Item = Row> + '_ {
        let known = (0..self.sizes.users).filter(|number| !is_anonymous(*number));
        known.map(|number| {
            self.first.password.with(&[
                ("user_id", self.user(number).to_string().into()),
                ("updated_at", self.joined(number).into()),
            ])
        })
    }

    /// Everybody in their own and in the instance's, many in the largest, a few in each of the others, and
    /// one in many of them.
    fn memberships(&self) -> impl Iterator<Item = Row> + '_ {
        let row = |org: String, user: String, role: &'static str, at: Time| {
            vec![org.into(), user.into(), role.into(), at.into()]
        };
        let own = (0..self.sizes.users).flat_map(move |number| {
            let (user, at) = (self.user(number).to_string(), self.joined(number));
            let personal = row(self.personal(number).to_string(), user.clone(), "owner", at);
            [personal, row(self.first.instance.clone(), user, "member", at)]
        });
        let largest = (0..self.sizes.largest).map(move |number| {
            let role = if number % 200 == 5 { "admin" } else { "member" };
            row(self.first.largest.clone(), self.user(number).to_string(), role, self.until)
        });
        let usual = (0..self.sizes.orgs).flat_map(move |number| {
            let crew = draw::one_of(For::Choice, number, CREW) + 1;
            (0..crew.min(self.sizes.users)).map(move |place| {
                let user = self.user((number * 7 + place) % self.sizes.users).to_string();
                let role = ["owner", "admin", "member"].get(usize::try_from(place).unwrap_or(2).min(2));
                row(
                    self.team(number).to_string(),
                    user,
                    role.copied().unwrap_or("member"),
                    self.founded(number),
                )
            })
        });
        let many = (0..self.sizes.many).map(move |number| {
            row(self.team(number).to_string(), self.first.busy.clone(), "member", self.until)
        });
        own.chain(largest).chain(usual).chain(many)
    }
}

fn is_anonymous(number: u64) -> bool {
    number % ANONYMOUS == 39
}

/// The name without what no address has, and the number.
fn address(number: u64) -> String {
    let (first, last) = draw::name(number);
    let plain =
        |name: &str| -> String { name.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect() };
    let domain =
        ["example.com", "example.org", "mail.example.net"].get(usize::try_from(number % 3).unwrap_or(0));
    format!("{}.{}.{number}@{}", plain(first), plain(last), domain.copied().unwrap_or("example.com"))
}

/// Puts them in.
pub(super) async fn load(plan: &Plan, store: &Store) -> Result<Vec<(&'static str, u64)>> {
    let first = &plan.first;
    let memberships = ["org_id", "user_id", "role", "created_at"];
    Ok(vec![
        ("orgs", store.load("orgs", &first.personal.columns, plan.orgs()).await?),
        ("principals", store.load("principals", &first.person.columns, plan.principals()).await?),
        ("users", store.load("users", &first.user.columns, plan.users()).await?),
        ("emails", store.load("emails", &first.email.columns, plan.emails()).await?),
        ("passwords", store.load("passwords", &first.password.columns, plan.passwords()).await?),
        ("memberships", store.load("memberships", &memberships, plan.memberships()).await?),
    ])
}
