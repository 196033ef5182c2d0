use http::{Request, StatusCode};

use crate::{Caller, testing::builder};

async fn caller(token: &str) -> Caller {
    let guard = builder().build().unwrap();
    let request = Request::builder().header("authorization", format!("Bearer {token}")).body(()).unwrap();
    guard.admit(&mut request.into_parts().0).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_caller_opens_the_data_of_their_own_organisation_only() {
    let ada = caller("ada").await;
    let own = ada.tenant().unwrap();
    assert_eq!((own.id(), ada.scoped("org_one").unwrap()), ("org_one", own.clone()));
    assert!(own.owns("org_one") && !own.owns("org_two") && !own.owns(""));
    for foreign in ["org_two", "ORG_ONE", "org_one ", "", "*", "org_one,org_two"] {
        let refused = ada.scoped(foreign).unwrap_err();
        assert_eq!(
            (refused.refusal.why.code(), refused.to_string().as_str()),
            ("auth.forbidden", "Not allowed")
        );
        assert_eq!(refused.response().status(), StatusCode::FORBIDDEN, "{foreign}");
    }
}

#[tokio::test]
async fn who_is_of_no_organisation_opens_nothing() {
    for token in ["bob", "nowhere"] {
        let caller = caller(token).await;
        assert!(caller.tenant().is_err() && caller.scoped("org_one").is_err() && caller.scoped("").is_err());
    }
}
