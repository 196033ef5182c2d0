//! Random lives in organisations: whatever people join, become, leave and choose, no token says of one
//! organisation what holds in another, and none that was made before outlives what it says.

use std::collections::{BTreeMap, BTreeSet};

use doorward_core::{
    call::Call,
    clients::{self, Client},
    orgs::{
        Holder, Org, OrgScope, enter,
        fields::{self, Kind, NewField},
        manage::{self, NewOrg},
        members,
        permissions::{self, ADMIN, MEMBER, OWNER},
        roles::{self, Terms},
        workspaces::{self, Change, NewWorkspace, Role, Workspace},
    },
    outcome::Code,
    sessions, tokens,
};
use doorward_proto::id::{Id, User};
use doorward_world::{World, both_engines};
use serde_json::json;

use crate::kit::{self, Alice, application, code_for, redeem};

const ORGS: usize = 3;
const PEOPLE: usize = 3;
const STEPS: usize = 120;

/// A sequence that a seed decides (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

/// What should hold: the roles of people, what the organisations' own role holds, and which are suspended.
#[derive(Default)]
struct Model {
    roles: BTreeMap<(usize, usize), &'static str>,
    own: BTreeMap<usize, String>,
    suspended: BTreeMap<usize, bool>,
    active: BTreeMap<usize, usize>,
    /// The people in an organisation's workspace, and whether everybody there is.
    rooms: BTreeSet<(usize, usize)>,
    open: BTreeSet<usize>,
    /// What people have answered each organisation.
    answers: BTreeMap<(usize, usize), String>,
}

impl Model {
    fn belongs(&self, org: usize, person: usize) -> Option<&'static str> {
        let is_suspended = self.suspended.get(&org).copied().unwrap_or_default();
        self.roles.get(&(org, person)).copied().filter(|_| !is_suspended)
    }

    fn is_in_room(&self, org: usize, person: usize) -> bool {
        self.belongs(org, person).is_some()
            && (self.open.contains(&org) || self.rooms.contains(&(org, person)))
    }

    fn permissions(&self, org: usize, role: &str) -> Vec<String> {
        let own = self.own.get(&org).filter(|_| role == "helper");
        permissions::of_role(role, own.map(String::as_str))
    }
}

struct Life {
    world: World,
    people: Vec<Alice>,
    orgs: Vec<Org>,
    /// One workspace of each.
    rooms: Vec<Workspace>,
    app: std::sync::Arc<Client>,
    model: Model,
    tokens: Vec<Said>,
}

/// A token, whose it is, for which organisation, and what it says of them there.
struct Said {
    token: String,
    person: usize,
    org: Option<usize>,
    role: String,
    may: Vec<String>,
    /// Whether it names the organisation's workspace.
    is_in_room: bool,
}

async fn scope(call: &Call, org: &Org) -> OrgScope {
    let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
    enter(call, holder, &org.id.to_string(), "org:members:write").await.unwrap()
}

impl Life {
    async fn begin(world: World) -> Self {
        let app = application(&world, "app", |_| {}).await;
        let local = world.local();
        let (mut people, mut orgs, mut model) = (Vec::new(), Vec::new(), Model::default());
        let mut rooms = Vec::new();
        for number in 0..PEOPLE {
            people.push(kit::person(&world, &format!("p{number}@example.org"), None).await);
        }
        for number in 0..ORGS {
            let new = NewOrg { name: format!("Org {number}"), ..NewOrg::default() };
            let org = manage::create(&local, new).await.unwrap();
            let own = format!("docs:read{number}");
            let terms = Terms { description: String::new(), permissions: vec![own.clone()] };
            roles::create(&local, &scope(&local, &org).await, "helper", terms).await.unwrap();
            model.own.insert(number, own);
            let room = NewWorkspace { name: "Room".to_owned(), ..NewWorkspace::default() };
            rooms.push(workspaces::create(&local, &scope(&local, &org).await, room).await.unwrap());
            let change =
                fields::Change { label: "Desk".to_owned(), in_claims: true, ..fields::Change::default() };
            let new = NewField { key: "desk".to_owned(), kind: Kind::Text, change };
            fields::create(&local, &scope(&local, &org).await, new).await.unwrap();
            orgs.push(org);
        }
        Self { world, people, orgs, rooms, app, model, tokens: Vec::new() }
    }

    fn user(&self, person: usize) -> Id<User> {
        self.people[person].user.id
    }

    /// Something happens; refusals of it are part of life.
    async fn step(&mut self, dice: &mut Dice) {
        let (org, person) = (dice.roll(ORGS), dice.roll(PEOPLE));
        let role = [OWNER, ADMIN, MEMBER, "helper"][dice.roll(4)];
        let (local, user) = (self.world.local(), self.user(person));
        let all = scope(&local, &self.orgs[org]).await;
        let place = (org, person);
        match dice.roll(10) {
            0 => {
                if members::add(&local, &all, user, role).await.is_ok() {
                    self.model.roles.insert(place, role);
                }
            }
            1 => {
                if members::set_role(&local, &all, user, role).await.is_ok() {
                    self.model.roles.insert(place, role);
                }
            }
            2 => {
                if members::remove(&local, &all, user).await.is_ok() {
                    self.model.roles.remove(&place);
                    self.model.rooms.remove(&place);
                    self.model.answers.remove(&place);
                    if self.model.active.get(&person) == Some(&org) {
                        self.model.active.remove(&person);
                    }
                }
            }
            3 => {
                let signed = self.people[person].signed(&local).await;
                let session = signed.active().unwrap().session.id;
                let chosen = sessions::act_for(&local, (session, user), self.orgs[org].id).await;
                assert_eq!(chosen.is_ok(), self.model.belongs(org, person).is_some());
                if chosen.is_ok() {
                    self.model.active.insert(person, org);
                }
            }
            4 => {
                let before = roles::get(&local, &all, "helper").await.unwrap();
                let own = format!("docs:{}{org}", dice.roll(1000));
                let terms = Terms { description: String::new(), permissions: vec![own.clone()] };
                roles::update(&local, &all, "helper", before.version, terms).await.unwrap();
                self.model.own.insert(org, own);
            }
            5 => {
                if workspaces::add(&local, &all, &self.rooms[org].id, user, Role::Editor).await.is_ok() {
                    self.model.rooms.insert(place);
                }
            }
            6 => {
                let left = workspaces::take_out(&local, &all, &self.rooms[org].id, user).await;
                assert_eq!(left.is_ok(), self.model.rooms.remove(&place));
            }
            7 => {
                let is_open = !self.model.open.remove(&org) && self.model.open.insert(org);
                let room = workspaces::get(&local, &all, &self.rooms[org].id).await.unwrap();
                let everybody = is_open.then_some(Role::Viewer);
                let change = Change { name: "Room".to_owned(), slug: None, everybody };
                workspaces::update(&local, &all, &room.id, room.version, change).await.unwrap();
            }
            8 => {
                let desk = format!("{org}-{}", dice.roll(1000));
                self.answer(place, desk).await;
            }
            _ => {
                let is_suspended = dice.roll(3) == 0;
                manage::set_active(&local, &all, !is_suspended).await.unwrap();
                self.model.suspended.insert(org, is_suspended);
            }
        }
    }

    /// Somebody says at which desk they sit; who does not belong to the organisation is not heard.
    async fn answer(&mut self, (org, person): (usize, usize), desk: String) {
        let said = [("desk".to_owned(), Some(desk.clone().into()))].into();
        let (local, user) = (self.world.local(), self.user(person));
        let answered = fields::answer(&local, self.orgs[org].id, user, said).await;
        assert_eq!(answered.is_ok(), self.model.belongs(org, person).is_some());
        if answered.is_ok() {
            self.model.answers.insert((org, person), desk);
        }
    }

    /// A token for the organisation named, else for the active one.
    async fn sign_in(&mut self, person: usize, org: Option<usize>) {
        let call = self.world.call();
        let signed = self.people[person].signed(&call).await;
        let named = org.map(|org| self.orgs[org].id.to_string()).unwrap_or_default();
        let active = self.model.active.get(&person).copied();
        let expected = org.or(active.filter(|org| self.model.belongs(*org, person).is_some()));
        let standing = expected.map(|org| self.model.belongs(org, person));
        if standing == Some(None) {
            let request = kit::request(&self.app, &[("organization", &named)]);
            let next = doorward_core::authorize::begin(&call, &request, Some(&signed)).await;
            let is_granted = matches!(next, Ok(doorward_core::authorize::Next::Grant { .. }));
            assert!(!is_granted, "{person} does not belong to {expected:?}");
            return;
        }
        let asks = [("organization", named.as_str()), ("scope", "openid profile")];
        let code = code_for(&call, &self.app, &signed, &asks).await;
        let made = redeem(&call, &self.app, &code).await.unwrap();
        let (token, id_token) = (made.access_token, kit::inside(&made.id_token.unwrap()));
        let live = tokens::verify(&call, &token).await.unwrap();
        let (tenant, role) = match (expected, standing.flatten()) {
            (Some(org), Some(role)) => (self.orgs[org].id, role),
            _ => (self.people[person].user.org, OWNER),
        };
        let may = expected
            .map_or_else(|| permissions::of_role(OWNER, None), |org| self.model.permissions(org, role));
        assert_eq!(live.claims.tenant_id, Some(tenant.to_string()));
        assert_eq!((live.claims.org_role.as_deref(), &live.claims.permissions), (Some(role), &may));
        let is_in_room = expected.is_some_and(|org| self.model.is_in_room(org, person));
        let rooms = expected.filter(|_| is_in_room).map(|org| self.rooms[org].id.clone());
        assert_eq!(live.claims.workspace_ids, rooms.into_iter().collect::<Vec<_>>());
        let desk = expected.and_then(|org| self.model.answers.get(&(org, person)));
        let userinfo = tokens::userinfo(&call, &live).await.unwrap();
        for claims in [id_token, serde_json::from_str(&userinfo).unwrap()] {
            let told = desk.map(|desk| json!({ "desk": desk }));
            assert_eq!(claims.get("tenant_profile"), told.as_ref(), "{person} in {expected:?}");
        }
        self.tokens.push(Said { token, person, org: expected, role: role.to_owned(), may, is_in_room });
    }

    /// A token is good as long as what it says holds without a break.
    async fn look_back(&mut self) {
        let mut kept = Vec::new();
        for said in std::mem::take(&mut self.tokens) {
            let holds = said.org.is_none_or(|org| {
                self.model.belongs(org, said.person) == Some(said.role.as_str())
                    && self.model.permissions(org, &said.role) == said.may
                    && (!said.is_in_room || self.model.is_in_room(org, said.person))
            });
            match tokens::verify(&self.world.call(), &said.token).await {
                Ok(_) => {
                    assert!(holds, "{} is not {} in {:?} any more", said.person, said.role, said.org);
                    kept.push(said);
                }
                Err(error) => assert_eq!(error.code(), Some(Code::CredentialRevoked)),
            }
        }
        self.tokens = kept;
    }
}

both_engines! {
    /// An API is told nothing that is another API's, and what other organisations call theirs decides nothing.
    async fn a_token_for_an_api_says_nothing_that_is_another_ones(world: World) {
        const A: &str = "https://a.example";
        const B: &str = "https://b.example";
        kit::api(&world, A, &["a:read", "both:read"]).await;
        kit::api(&world, B, &["b:read", "both:read"]).await;
        let (local, person) = (world.local(), kit::person(&world, "p@example.org", None).await);
        let org = manage::create(&local, NewOrg { name: "Org".to_owned(), ..NewOrg::default() }).await.unwrap();
        let scope = scope(&local, &org).await;
        let permissions = ["a:read", "b:read", "both:read", "plain:read"].map(str::to_owned).to_vec();
        roles::create(&local, &scope, "helper", Terms { description: String::new(), permissions }).await.unwrap();
        members::add(&local, &scope, person.user.id, "helper").await.unwrap();
        let app = application(&world, "app", |app| {
            let metadata = &mut app.registration.metadata;
            metadata.apis = vec![A.to_owned(), B.to_owned()];
            metadata.scopes.extend(["a:read", "b:read"].map(str::to_owned));
        })
        .await;
        let call = world.call();
        let signed = person.signed(&call).await;
        let id = org.id.to_string();
        let token = async |resource: &[(&str, &str)]| {
            let asked: Vec<(&str, &str)> = [("organization", id.as_str())].into_iter().chain(resource.iter().copied()).collect();
            let code = code_for(&call, &app, &signed, &asked).await;
            redeem(&call, &app, &code).await.unwrap().access_token
        };
        let said = async |token: &str| tokens::verify(&call, token).await.map(|live| live.claims.permissions.clone());
        for (resource, may) in [
            (&[][..], &["a:read", "b:read", "both:read", "plain:read"][..]),
            (&[("resource", A), ("scope", "a:read")], &["a:read", "both:read", "plain:read"]),
            (&[("resource", B), ("scope", "b:read")], &["b:read", "both:read", "plain:read"]),
        ] {
            let token = token(resource).await;
            assert_eq!(said(&token).await.unwrap(), may, "{resource:?}");
        }
        let before = token(&[("resource", A), ("scope", "a:read")]).await;
        // Somebody else's API of the same words.
        let theirs = manage::create(&local, NewOrg { name: "Else".to_owned(), ..NewOrg::default() }).await.unwrap();
        kit::api_of(&world, Some(theirs.id), "https://else.example", &["plain:read"]).await;
        assert_eq!(said(&before).await.unwrap(), ["a:read", "both:read", "plain:read"]);
        // And one of this organisation's own: what was told before is too much by now.
        kit::api_of(&world, Some(org.id), "https://own.example", &["plain:read"]).await;
        assert_eq!(said(&before).await.err().and_then(|error| error.code()), Some(Code::CredentialRevoked));
        assert_eq!(said(&token(&[("resource", A), ("scope", "a:read")]).await).await.unwrap(), ["a:read", "both:read"]);
    }

    async fn no_token_says_of_one_organisation_what_holds_in_another(world: World) {
        let mut life = Life::begin(world).await;
        assert!(clients::get_active(&life.world.call(), "app").await.is_ok());
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..STEPS {
            life.step(&mut dice).await;
            let (person, named) = (dice.roll(PEOPLE), dice.roll(ORGS + 1));
            life.sign_in(person, (named < ORGS).then_some(named)).await;
            life.look_back().await;
            assert!(life.tokens.len() < STEPS);
        }
    }
}
