use serde_json::json;

use super::*;

const NOW: Time = Time::from_seconds(1_000);

fn read(said: &Value) -> Result<Profile, String> {
    profile(said.as_object().unwrap(), "ada", NOW)
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
    assert_eq!((read.role.as_deref(), read.until), (Some("admin"), NOW + FRESH));
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
fn what_was_said_is_kept_for_a_while_and_for_so_many() {
    let profiles = Profiles::default();
    let said = read(&json!({ "sub": "ada", "role": "admin" })).unwrap();
    profiles.keep("first".to_owned(), said.clone(), NOW);
    assert_eq!(profiles.known("first", NOW), Some(said.clone()));
    assert_eq!(profiles.known("first", NOW + FRESH), None);
    assert_eq!(profiles.known("second", NOW), None);
    for number in 0..=MOST {
        profiles.keep(number.to_string(), said.clone(), NOW);
    }
    assert!(profiles.0.lock().unwrap().len() <= MOST);
    assert!(profiles.known(&MOST.to_string(), NOW).is_some());
}
