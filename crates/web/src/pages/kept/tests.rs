use super::*;

#[test]
fn what_was_typed_comes_back_and_nothing_secret() {
    let body =
        b"form_token=t&name=Ada+L%C3%B6w&email=a%40b&new_password=hunter2&token=dw_ml_x&current_password=x";
    let kept = Kept::of("/sign-up", body);
    let again = Kept::read(&kept.value()).unwrap();
    assert_eq!(again, kept);
    assert!(again.is_for("/sign-up") && !again.is_for("/account"));
    assert_eq!((again.field("name"), again.field("email")), (Some("Ada Löw"), Some("a@b")));
    for secret in ["new_password", "current_password", "token", "form_token"] {
        assert_eq!(again.field(secret), None, "{secret}");
    }
    let answers = Kept::read(&Kept::of("/complete-profile", b"field-desk=7&desk=8").value()).unwrap();
    assert_eq!((answers.field("field-desk"), answers.field("desk")), (Some("7"), None));
    for nonsense in ["", "%", "eHg", "AAAA"] {
        assert_eq!(Kept::read(nonsense), None, "{nonsense}");
    }
}

#[test]
fn every_form_has_its_page() {
    for (path, page) in [
        ("/sign-in/password", "/sign-in/password"),
        ("/account/profile", "/account"),
        ("/account/email", "/account"),
        ("/account/security/password", "/account/security"),
        ("/account/sessions/ses_x/end", "/account/sessions"),
        ("/account/applications/cli_x/revoke", "/account/applications"),
        ("/account/keys/apk_x/revoke", "/account/keys"),
        ("/account/delete", "/account/data"),
        ("/choose-organization/new", "/choose-organization"),
        ("/account/organizations/org_x/leave", "/account/organizations"),
        ("/account/organizations/org_x/profile", "/account/organizations/org_x/profile"),
        ("/account/invitations/inv_x/accept", "/account/organizations"),
        ("/invitation/account", "/invitation"),
        ("/console/service-tokens/new", "/console/service-tokens/new"),
    ] {
        assert_eq!(page_of(path), page);
    }
}
