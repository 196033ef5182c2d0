//! Applications, tokens, keys, sessions, and what people have allowed.

use std::time::Duration;

use anyhow::Result;
use doorward_proto::{
    id::{ApiKey, Browser, Client, Grant, Id, Mail, ServiceToken, Session},
    time::Time,
};

use super::{
    Plan, YEARS,
    draw::{self, For},
    store::{Cell, Store},
};

/// For how long sessions go back.
const RECENT: Duration = Duration::from_secs(3600 * 24 * 20);
const DAY: Duration = Duration::from_secs(3600 * 24);
const ADDRESSES: u64 = 250;

type Row = Vec<Cell>;

impl Plan {
    /// An application.
    pub(super) fn client(&self, number: u64) -> Id<Client> {
        draw::id(For::Client, number, self.old(number, self.sizes.clients))
    }

    fn old(&self, number: u64, count: u64) -> Time {
        draw::at(number, count, (self.until, YEARS))
    }

    fn token(&self, number: u64) -> Id<ServiceToken> {
        draw::id(For::ServiceToken, number, self.old(number, self.sizes.service_tokens))
    }

    fn session(&self, number: u64) -> (Id<Session>, Time) {
        let at = draw::at(number, self.sizes.sessions, (self.until, RECENT));
        (draw::id(For::Session, number, at), at)
    }

    /// Somebody, by a number that is not theirs.
    pub(super) fn somebody(&self, number: u64) -> u64 {
        draw::one_of(For::Choice, number, self.sizes.users)
    }

    fn holders(&self) -> impl Iterator<Item = Row> + '_ {
        let clients = (0..self.sizes.clients).map(|number| {
            self.first.application.with(&[
                ("id", self.client(number).to_string().into()),
                ("org_id", self.some_org(number).into()),
                ("status", i64::from(number % 100 == 1).into()),
                ("created_at", self.old(number, self.sizes.clients).into()),
            ])
        });
        let tokens = (0..self.sizes.service_tokens).map(|number| {
            self.first.service.with(&[
                ("id", self.token(number).to_string().into()),
                ("org_id", self.some_org(number).into()),
                ("created_at", self.old(number, self.sizes.service_tokens).into()),
            ])
        });
        clients.chain(tokens)
    }

    fn clients(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.clients).map(|number| {
            let (id, at) = (self.client(number).to_string(), self.old(number, self.sizes.clients));
            let name = draw::business(number);
            self.first.client.with(&[
                ("id", id.clone().into()),
                ("client_id", id.into()),
                ("org_id", self.some_org(number).into()),
                ("name_folded", name.to_lowercase().into()),
                ("name", name.into()),
                ("created_at", at.into()),
                ("updated_at", at.into()),
            ])
        })
    }

    /// Some have ended, some will. None is due for a reminder.
    fn tokens(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.service_tokens).map(|number| {
            let (id, at) = (self.token(number).to_string(), self.old(number, self.sizes.service_tokens));
            let name = format!("{}-{number}", draw::name(number).1.to_lowercase());
            let is_revoked = number % 7 == 1;
            let expires_at = match number % 5 {
                1 => Some(self.until + DAY * 200),
                2 => Some(self.until - DAY),
                _ => None,
            };
            let is_watched = !is_revoked && number % 5 != 2;
            self.first.token.with(&[
                ("id", id.clone().into()),
                ("lineage", id.into()),
                ("org_id", self.some_org(number).into()),
                ("name_folded", name.clone().into()),
                ("name", name.into()),
                ("hash", draw::hash(For::ServiceToken, number).into()),
                (
                    "owner",
                    number.is_multiple_of(3).then(|| format!("team-{}@seed.example", number % 50)).into(),
                ),
                ("issued_at", at.into()),
                ("expires_at", expires_at.into()),
                ("revoked_at", is_revoked.then_some(self.until).into()),
                ("revoked_by", is_revoked.then_some("local").into()),
                ("last_used_at", number.is_multiple_of(2).then_some(self.until).into()),
                ("reminded", is_watched.then_some(0).into()),
                ("reviewed_at", self.until.into()),
                ("review_from", is_watched.then_some(self.until).into()),
                ("rotation_from", (is_watched && expires_at.is_none()).then_some(self.until).into()),
            ])
        })
    }

    fn keys(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.api_keys).map(|number| {
            let at = self.old(number, self.sizes.api_keys);
            let (id, who): (Id<ApiKey>, u64) = (draw::id(For::Key, number, at), self.somebody(number));
            let (user, name) = (self.user(who).to_string(), format!("key-{number}"));
            self.first.key.with(&[
                ("id", id.to_string().into()),
                ("principal_id", user.clone().into()),
                ("user_id", user.into()),
                ("org_id", self.personal(who).to_string().into()),
                ("name_folded", name.clone().into()),
                ("name", name.into()),
                ("hash", draw::hash(For::Key, number).into()),
                ("created_at", at.into()),
                ("expires_at", (self.until + DAY * if number % 4 == 1 { 0 } else { 90 }).into()),
            ])
        })
    }

    fn browsers(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.sessions).map(|number| {
            let (session, at) = self.session(number);
            self.first.browser.with(&[
                ("id", draw::id::<Browser>(For::Browser, number, at).to_string().into()),
                ("hash", draw::hash(For::Browser, number).into()),
                ("active_session", session.to_string().into()),
                ("created_at", at.into()),
                ("seen_at", self.until.into()),
            ])
        })
    }

    fn sessions(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.sessions).map(|number| {
            let ((id, at), who) = (self.session(number), self.somebody(number));
            let has_ended = number % 3 == 1;
            self.first.session.with(&[
                ("id", id.to_string().into()),
                ("browser_id", draw::id::<Browser>(For::Browser, number, at).to_string().into()),
                ("user_id", self.user(who).to_string().into()),
                ("org_id", self.personal(who).to_string().into()),
                ("address", format!("203.0.113.{}", number % ADDRESSES).into()),
                ("auth_time", at.into()),
                ("created_at", at.into()),
                ("seen_at", self.until.into()),
                ("expires_at", (self.until + DAY * 30).into()),
                ("ended_at", has_ended.then_some(self.until).into()),
                ("end_reason", has_ended.then_some("signed_out").into()),
                ("noticed_at", has_ended.then_some(self.until).into()),
            ])
        })
    }

    fn grants(&self) -> impl Iterator<Item = Row> + '_ {
        let allowed = (0..self.sizes.sessions).filter(|_| self.sizes.clients > 0);
        allowed.map(|number| {
            let ((session, at), who) = (self.session(number), self.somebody(number));
            let client = self.client(draw::one_of(For::Client, number, self.sizes.clients));
            vec![
                draw::id::<Grant>(For::Grant, number, at).to_string().into(),
                self.personal(who).to_string().into(),
                self.user(who).to_string().into(),
                client.to_string().into(),
                session.to_string().into(),
                "openid profile email".into(),
                at.into(),
            ]
        })
    }

    fn mails(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.mails).map(|number| {
            let at = draw::at(number, self.sizes.mails, (self.until, RECENT));
            vec![
                draw::id::<Mail>(For::Mail, number, at).to_string().into(),
                self.user(self.somebody(number)).to_string().into(),
                format!("person.{number}@example.com").into(),
                "verify-email".into(),
                "en".into(),
                draw::hash(For::Mail, number).into(),
                1.into(),
                1.into(),
                at.into(),
                at.into(),
                at.into(),
            ]
        })
    }
}

/// Puts them in.
pub(super) async fn load(plan: &Plan, store: &Store) -> Result<Vec<(&'static str, u64)>> {
    let first = &plan.first;
    let grants = ["id", "org_id", "principal_id", "client_id", "session_id", "scope", "created_at"];
    let mails = [
        "id",
        "user_id",
        "recipient",
        "template",
        "locale",
        "parameters",
        "status",
        "attempts",
        "due_at",
        "sent_at",
        "created_at",
    ];
    Ok(vec![
        ("principals", store.load("principals", &first.application.columns, plan.holders()).await?),
        ("clients", store.load("clients", &first.client.columns, plan.clients()).await?),
        ("service_tokens", store.load("service_tokens", &first.token.columns, plan.tokens()).await?),
        ("api_keys", store.load("api_keys", &first.key.columns, plan.keys()).await?),
        ("browsers", store.load("browsers", &first.browser.columns, plan.browsers()).await?),
        ("sessions", store.load("sessions", &first.session.columns, plan.sessions()).await?),
        ("grants", store.load("grants", &grants, plan.grants()).await?),
        ("mails", store.load("mails", &mails, plan.mails()).await?),
    ])
}
