use doorward_sdk::exchange::NoAnswer;
use futures_util::future::BoxFuture;
use http::Response;
use serde_json::json;

use super::*;

const NOW: Time = Time::from_seconds(1_000);
const SILENT: u16 = 0;

fn read(said: &Value) -> Result<Profile, Silent> {
    profile(said.as_object().unwrap(), "ada")
}

/// Userinfo that answers with this status and body, or not at all.
#[derive(Default)]
struct Userinfo(Mutex<(u16, Value, usize)>);

impl Userinfo {
    fn says(&self, status: u16, body: Value) {
        let mut says = self.0.lock().unwrap();
        (says.0, says.1) = (status, body);
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().2
    }
}

impl Http for Userinfo {
    fn send(&self, _: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        let mut says = self.0.lock().unwrap();
        says.2 += 1;
        let answer = match says.0 {
            SILENT => Err(NoAnswer("no connection".to_owned())),
            status => Ok(Response::builder().status(status).body(says.1.to_string().into_bytes()).unwrap()),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// Whose organisation a session of hers is in then, or why nobody is let through.
async fn organization(profiles: &Profiles, userinfo: &Userinfo, now: Time) -> Result<Option<String>, Why> {
    let mut identity = Identity { subject: "ada".to_owned(), ..Identity::default() };
    let asked = (userinfo as &dyn Http, "https://id.example/userinfo");
    let done = profiles.complete(&mut identity, asked, "token", now).await;
    done.map(|()| identity.organization).map_err(|refusal| refusal.why)
}

/// A rule that forbids somebody of an organisation would let everybody through otherwise.
#[tokio::test]
async fn nobody_is_let_through_while_nothing_is_known_of_them() {
    let (profiles, userinfo) = (Profiles::default(), Userinfo::default());
    let unusable = [
        (SILENT, json!({})),
        (500, json!({ "sub": "ada" })),
        (401, json!({})),
        (200, json!("ada")),
        (200, json!({ "sub": "eve", "org_id": "org_2" })),
    ];
    let mut now = NOW;
    for (status, body) in unusable {
        userinfo.says(status, body);
        let asked = userinfo.asked();
        assert_eq!(organization(&profiles, &userinfo, now).await, Err(Why::KeyUnavailable), "{status}");
        assert_eq!(organization(&profiles, &userinfo, now).await, Err(Why::KeyUnavailable), "{status}");
        assert_eq!(userinfo.asked(), asked + 1);
        now = now + PAUSE;
    }
    userinfo.says(200, json!({ "sub": "ada", "org_id": "org_1" }));
    assert_eq!(organization(&profiles, &userinfo, now).await, Ok(Some("org_1".to_owned())));
}

#[tokio::test]
async fn what_was_said_outlasts_a_silence_but_no_refusal() {
    let (profiles, userinfo) = (Profiles::default(), Userinfo::default());
    userinfo.says(200, json!({ "sub": "ada", "org_id": "org_1" }));
    let known = Ok(Some("org_1".to_owned()));
    assert_eq!(organization(&profiles, &userinfo, NOW).await, known);
    userinfo.says(SILENT, json!({}));
    assert_eq!(organization(&profiles, &userinfo, NOW + FRESH).await, known);
    let end = NOW + FRESH + STALE;
    assert_eq!(organization(&profiles, &userinfo, end - Duration::from_secs(1)).await, known);
    assert_eq!(organization(&profiles, &userinfo, end).await, Err(Why::KeyUnavailable));
    let again = end + PAUSE;
    userinfo.says(200, json!({ "sub": "ada", "org_id": "org_2" }));
    assert_eq!(organization(&profiles, &userinfo, again).await, Ok(Some("org_2".to_owned())));
    userinfo.says(401, json!({}));
    assert_eq!(organization(&profiles, &userinfo, again + FRESH).await, Err(Why::TokenRevoked));
    userinfo.says(SILENT, json!({}));
    assert_eq!(organization(&profiles, &userinfo, again + FRESH + FRESH).await, Err(Why::TokenRevoked));
}

#[test]
fn only_what_is_said_of_the_same_person_counts() {
    let said = json!({ "sub": "ada", "email": "ada@example.com", "email_verified": true, "tenant_id": "org_1",
        "org_role": "owner", "role": "admin", "scope": "admin:*", "permissions": ["admin:*"] });
    let read = read(&said).unwrap();
    assert_eq!(read.email.as_deref(), Some("ada@example.com"));
    assert_eq!(
        (read.organization.as_deref(), read.organization_role.as_deref()),
        (Some("org_1"), Some("owner"))
    );
    assert_eq!(read.role.as_deref(), Some("admin"));
    for other in [
        json!({ "sub": "eve", "email": "ada@example.com", "email_verified": true }),
        json!({}),
        json!({ "sub": 1 }),
    ] {
        assert!(self::read(&other).is_err(), "{other}");
    }
}

#[test]
fn a_mail_address_counts_when_it_was_verified() {
    for verified in [json!(false), json!(null), json!("true"), json!(1)] {
        let said = json!({ "sub": "ada", "email": "ada@example.com", "email_verified": verified });
        assert_eq!(read(&said).unwrap().email, None, "{said}");
    }
    assert_eq!(read(&json!({ "sub": "ada", "email": "ada@example.com" })).unwrap().email, None);
}

#[test]
fn what_was_said_is_kept_for_so_many() {
    let profiles = Profiles::default();
    let said = read(&json!({ "sub": "ada", "role": "admin" })).unwrap();
    let known = Known { said: Said::Profile(said, NOW), until: NOW + FRESH };
    profiles.keep("first".to_owned(), known.clone(), NOW);
    assert_eq!(profiles.known("first"), Some(known.clone()));
    assert_eq!(profiles.known("second"), None);
    for number in 0..=MOST {
        profiles.keep(number.to_string(), known.clone(), NOW);
    }
    assert!(profiles.0.lock().unwrap().len() <= MOST);
    assert!(profiles.known(&MOST.to_string()).is_some());
}
