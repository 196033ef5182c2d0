//! What is asked: each list from its beginning and from its middle, by each filter, by beginnings that many
//! names share, that few do and that none does.

use std::time::Duration;

use doorward_proto::{
    id::{ApiKey, Client, Event, Id, Kind, Mail, Org, ServiceToken, Session, User},
    time::Time,
};

use crate::seed::Facts;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Different places in the middle of a list.
const PLACES: u32 = 20;
/// A beginning that very many share, that many do, that few do, in other letters, and that nobody has.
const BEGINNINGS: [&str; 8] =
    ["a", "anna", "anna+abel", "xenia.quist.1", "%C3%B8", "%C5%82ukasz", "%D0%B6", "qqqqq"];
const BUSINESSES: [&str; 6] = ["w", "weber", "weber+law+1", "%C3%A7elik", "%D0%BF", "qqqqq"];

/// What an organisation has, by the API and in the console.
const PARTS: [&str; 12] = [
    "",
    "/invitations",
    "/roles",
    "/domains",
    "/connections",
    "/workspaces",
    "/fields",
    "/claims",
    "/clients",
    "/apis",
    "/service-tokens",
    "/analytics",
];
const PAGES: [&str; 5] = ["", "/roles", "/workspaces", "/apis", "/branding"];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Administrator,
    Owner,
    Busy,
}

impl Who {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Owner => "owner of the largest",
            Self::Busy => "member of many",
        }
    }
}

/// Something that is asked, perhaps at several places.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) who: Who,
    /// As the report says it.
    pub(super) says: String,
    pub(super) paths: Vec<String>,
}

/// Questions in the making.
struct Asked<'f> {
    facts: &'f Facts,
    all: Vec<Question>,
}

impl Asked<'_> {
    /// One path, or several under one name.
    fn push(&mut self, who: Who, says: String, paths: Vec<String>) {
        let short = |text: &str| {
            text.replace(&self.facts.largest, "LARGEST")
                .replace(&self.facts.instance, "INSTANCE")
                .replace(&self.facts.user, "USER")
                .replace('|', "\\|")
        };
        self.all.push(Question { who, says: short(&says), paths });
    }

    /// A list at its beginning under each of these queries.
    fn list(&mut self, who: Who, path: &str, queries: &[String]) {
        self.push(who, path.to_owned(), vec![path.to_owned()]);
        for query in queries {
            let path = format!("{path}?{query}");
            self.push(who, path.clone(), vec![path]);
        }
    }

    /// Places in the middle of a list whose items were made over so long.
    fn middle<K: Kind>(&mut self, who: Who, (path, query): (&str, &str), span: Duration) {
        let is_api = path.starts_with("/api/");
        let paths = (1..PLACES).map(|place| {
            let id = Id::<K>::new(self.facts.until - span * place / PLACES, [0; 10]).to_string();
            let after = if is_api { data_encoding::BASE64URL_NOPAD.encode(id.as_bytes()) } else { id };
            let name = if is_api { "cursor" } else { "after" };
            let and = if query.is_empty() { "" } else { "&" };
            format!("{path}?{query}{and}{name}={after}")
        });
        let says = format!("{path} from the middle {query}");
        let paths = paths.collect();
        self.push(who, says, paths);
    }
}

fn each(name: &str, values: &[&str]) -> Vec<String> {
    values.iter().map(|value| format!("{name}={value}")).collect()
}

fn beginnings(values: &[&str]) -> Vec<String> {
    let mut all = each("query", values);
    all.extend(values.iter().take(2).map(|value| format!("status=suspended&query={value}")));
    all
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// All of them.
pub(super) fn questions(facts: &Facts) -> Vec<Question> {
    let mut asked = Asked { facts, all: Vec::new() };
    people(&mut asked);
    organisations(&mut asked);
    credentials(&mut asked);
    trail(&mut asked);
    usage(&mut asked);
    accounts(&mut asked);
    asked.all
}

/// What is read whole.
pub(super) fn exports(facts: &Facts) -> Vec<Question> {
    let mut asked = Asked { facts, all: Vec::new() };
    for path in
        ["users", "organizations", "applications", "service-tokens", "sessions", "audit", "mail", "usage"]
    {
        let path = format!("/console/{path}.csv");
        asked.push(Who::Administrator, path.clone(), vec![path]);
    }
    let members = format!("/console/organizations/{}/members.csv", facts.largest);
    asked.push(Who::Owner, members.clone(), vec![members]);
    asked.all
}

fn people(asked: &mut Asked<'_>) {
    let mut filters = each("status", &["active", "suspended"]);
    filters.extend(each("role", &["user", "admin"]));
    filters.extend(strings(&["status=suspended&role=admin", "role=admin&query=a"]));
    filters.extend(beginnings(&BEGINNINGS));
    let years = DAY * 730;
    for path in ["/api/v1/users", "/console/users"] {
        asked.list(Who::Administrator, path, &filters);
        asked.middle::<User>(Who::Administrator, (path, ""), years);
        asked.middle::<User>(Who::Administrator, (path, "status=suspended"), years);
        asked.middle::<User>(Who::Administrator, (path, "role=admin"), years);
    }
    let (user, owner) = (asked.facts.user.clone(), asked.facts.owner.clone());
    asked.list(Who::Administrator, "/api/v1/users?limit=500", &[]);
    asked.list(Who::Administrator, &format!("/api/v1/users?email={owner}"), &[]);
    for path in [
        format!("/api/v1/users/{user}"),
        format!("/api/v1/users/{user}/sessions"),
        format!("/console/users/{user}"),
    ] {
        asked.list(Who::Administrator, &path, &[]);
    }
}

fn organisations(asked: &mut Asked<'_>) {
    let (largest, instance) = (asked.facts.largest.clone(), asked.facts.instance.clone());
    let mut filters = each("status", &["active", "suspended"]);
    filters.extend(beginnings(&BUSINESSES));
    filters.push("query=team-77".to_owned());
    let years = DAY * 730;
    for path in ["/api/v1/orgs", "/console/organizations"] {
        asked.list(Who::Administrator, path, &filters);
        asked.middle::<Org>(Who::Administrator, (path, ""), years);
        asked.middle::<Org>(Who::Administrator, (path, "status=suspended"), years);
    }
    let roles = each("role", &["owner", "admin", "member"]);
    let mut members = roles.clone();
    members.extend(each("query", &[&asked.facts.owner, "qqqqq"]));
    for (who, org) in
        [(Who::Administrator, &instance), (Who::Administrator, &largest), (Who::Owner, &largest)]
    {
        for path in [format!("/api/v1/orgs/{org}/members"), format!("/console/organizations/{org}/members")] {
            asked.list(who, &path, &members);
            asked.middle::<User>(who, (&path, ""), years);
            asked.middle::<User>(who, (&path, "role=admin"), years);
        }
        for rest in PARTS {
            asked.list(who, &format!("/api/v1/orgs/{org}{rest}"), &[]);
        }
        for rest in PAGES {
            asked.list(who, &format!("/console/organizations/{org}{rest}"), &[]);
        }
    }
    for rest in ["/mail-templates", "/announcements"] {
        asked.list(Who::Owner, &format!("/api/v1/orgs/{largest}{rest}"), &[]);
        asked.list(Who::Owner, &format!("/console/organizations/{largest}{rest}"), &[]);
    }
    let spans = each("range", &["24h", "7d", "30d", "90d"]);
    asked.list(Who::Administrator, "/console", &spans);
    asked.list(Who::Owner, &format!("/console/organizations/{largest}/overview"), &spans);
    for page in [
        "roles",
        "apis",
        "providers",
        "branding",
        "mail-templates",
        "announcements",
        "usage/prices",
        "settings",
    ] {
        asked.list(Who::Administrator, &format!("/console/{page}"), &[]);
    }
    for path in ["/api/v1/analytics", "/api/v1/announcements", "/api/v1/mail-templates", "/api/v1/prices"] {
        asked.list(Who::Administrator, path, &[]);
    }
}

fn credentials(asked: &mut Asked<'_>) {
    let (who, years) = (Who::Administrator, DAY * 730);
    let (largest, user, client) =
        (asked.facts.largest.clone(), asked.facts.user.clone(), asked.facts.client.clone());
    let mut filters = each("status", &["active", "suspended"]);
    filters.extend(beginnings(&BUSINESSES));
    for (path, org) in [("/api/v1/clients", "org_id"), ("/console/applications", "org")] {
        let mut filters = filters.clone();
        filters.extend(strings(&[&format!("{org}={largest}"), &format!("{org}={largest}&status=suspended")]));
        filters.push(format!("{org}={largest}&query=w"));
        asked.list(who, path, &filters);
        asked.middle::<Client>(who, (path, ""), years);
    }
    asked.list(who, &format!("/console/applications/{client}"), &[]);
    let mut filters = each("status", &["active", "rotated", "expired", "revoked"]);
    filters.extend(each("owner", &["team-7@seed.example", "nobody@seed.example"]));
    filters.extend(each("query", &["w", "weber", "weber-77", "%C3%B8", "qqqqq"]));
    asked.list(who, "/console/service-tokens", &filters);
    filters.extend(strings(&["active=true", "review_due=true", "name=weber-77", "status=rotated&query=w"]));
    filters.extend(strings(&[&format!("org_id={largest}"), &format!("org_id={largest}&status=rotated")]));
    asked.list(who, "/api/v1/service-tokens", &filters);
    for path in ["/api/v1/service-tokens", "/console/service-tokens"] {
        asked.middle::<ServiceToken>(who, (path, ""), years);
    }
    let mut filters = each("status", &["active", "disabled", "expired", "ended", "revoked"]);
    filters.extend(each("query", &["key-1", "key-77", "qqqqq"]));
    filters.extend(strings(&[&format!("org_id={largest}"), &format!("user_id={user}")]));
    asked.list(who, "/api/v1/api-keys", &filters);
    asked.middle::<ApiKey>(who, ("/api/v1/api-keys", ""), years);
    asked.list(who, "/api/v1/sessions", &[format!("user_id={user}")]);
    asked.list(
        who,
        "/console/sessions",
        &[format!("person={user}"), "person=nobody@seed.example".to_owned()],
    );
    for path in ["/api/v1/sessions", "/console/sessions"] {
        asked.middle::<Session>(who, (path, ""), DAY * 20);
    }
    for path in ["/api/v1/mail", "/console/mail"] {
        asked.list(who, path, &each("status", &["waiting", "sent", "given_up"]));
        asked.middle::<Mail>(who, (path, ""), DAY * 20);
    }
    for path in ["/api/v1/apis", "/api/v1/providers", "/api/v1/keys", "/api/v1/routes", "/console/keys"] {
        asked.list(who, path, &[]);
    }
}

fn trail(asked: &mut Asked<'_>) {
    let (who, facts) = (Who::Administrator, asked.facts.clone());
    let ago = |days: u32| -> Time { facts.until - DAY * days };
    let (user, largest) = (&facts.user, &facts.largest);
    let mut filters = each("code", &["token.issued", "org.member_added", "user.", "none.such", "none."]);
    filters.extend(each("outcome", &["granted", "refused"]));
    filters.extend(strings(&[
        &format!("actor={user}"),
        &format!("subject={user}"),
        &format!("actor={user}&outcome=refused"),
        &format!("actor={user}&code=none.such"),
        &format!("since={}&until={}", ago(60), ago(59)),
        &format!("until={}", ago(100)),
        &format!("since={}&until={}&code=org.member_added", ago(60), ago(59)),
        &format!("since={}&outcome=refused", ago(30)),
        "code=none.such&outcome=refused",
    ]));
    asked.list(who, "/console/audit", &filters);
    filters.extend(strings(&[
        &format!("org_id={largest}"),
        &format!("org_id={largest}&code=org.member_added"),
        &format!("org_id={largest}&actor={user}"),
        &format!("org_id={largest}&outcome=refused"),
        &format!("client_id={}", facts.client),
        "request_id=req-none",
        "address=198.51.100.7",
        "address=203.0.113.99",
        "address=198.51.100.7&outcome=refused",
        "address=198.51.100.7&code=none.such",
        &format!("after={}", facts.events / 2),
        &format!("after={}&code=org.member_added", facts.events / 2),
    ]));
    asked.list(who, "/api/v1/audit/events", &filters);
    for path in [format!("/api/v1/orgs/{largest}/audit"), format!("/console/organizations/{largest}/audit")] {
        asked.list(
            Who::Owner,
            &path,
            &strings(&[
                "code=org.member_added",
                "code=none.such",
                "outcome=refused",
                &format!("actor={user}"),
            ]),
        );
    }
    for path in ["/api/v1/audit/events", "/console/audit"] {
        for query in ["", "code=org.member_added", "outcome=refused"] {
            asked.middle::<Event>(who, (path, query), DAY * 150);
        }
    }
}

fn usage(asked: &mut Asked<'_>) {
    let facts = asked.facts.clone();
    let from = facts.until - DAY * 90;
    let (largest, user) = (&facts.largest, &facts.user);
    let by = |names: &[&str]| -> Vec<String> {
        let mut all = strings(names).iter().map(|name| format!("by={name}")).collect::<Vec<_>>();
        all.extend(names.iter().map(|name| format!("by={name}&from={from}")));
        all
    };
    let of_all = by(&["day", "hour", "org", "user", "route", "client", "status"]);
    asked.list(Who::Administrator, "/api/v1/usage", &of_all);
    asked.list(Who::Administrator, "/console/usage", &of_all);
    asked.list(
        Who::Administrator,
        "/api/v1/usage",
        &strings(&[
            &format!("org_id={largest}&by=user&from={from}"),
            &format!("user={user}&by=day&from={from}"),
            &format!("by=day&route=search&from={from}"),
        ]),
    );
    let of_org = by(&["day", "hour", "user", "route"]);
    for path in [format!("/api/v1/orgs/{largest}/usage"), format!("/console/organizations/{largest}/usage")] {
        asked.list(Who::Owner, &path, &of_org);
    }
}

fn accounts(asked: &mut Asked<'_>) {
    for who in [Who::Owner, Who::Busy] {
        for path in [
            "",
            "/sessions",
            "/applications",
            "/connections",
            "/organizations",
            "/invitations",
            "/keys",
            "/usage",
        ] {
            asked.list(who, &format!("/api/v1/me{path}"), &[]);
        }
        for path in ["", "/security", "/sessions", "/applications", "/organizations", "/keys", "/data"] {
            asked.list(who, &format!("/account{path}"), &[]);
        }
    }
}
