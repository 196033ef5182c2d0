use http::{Request, StatusCode};

use crate::testing::builder;

#[tokio::test]
async fn a_handler_asks_for_what_the_rule_did_not() {
    let guard = builder().build().unwrap();
    let request = Request::builder().header("authorization", "Bearer ada").body(()).unwrap();
    let ada = guard.admit(&mut request.into_parts().0).await.unwrap().unwrap();
    assert!(ada.has_scope("reports:read") && !ada.has_scope("code:run") && ada.may_enter("WS-A"));
    assert!(ada.require_scopes(&["reports:read"]).is_ok() && ada.require_scopes(&[]).is_ok());
    assert!(ada.require_permissions(&["code:run", "reports:read"]).is_ok());
    assert!(ada.require_role(&["admin", "editor"]).is_ok() && ada.require_role(&["user"]).is_ok());
    assert!(ada.require_workspace("ws-a").is_ok());
    for (refused, code, message) in [
        (
            ada.require_scopes(&["reports:write", "reports:read", "x:y"]),
            "auth.missing_scope",
            "Missing required scopes: reports:write, x:y",
        ),
        (ada.require_permissions(&["code:read"]), "auth.forbidden", "Not allowed: code:read"),
        (ada.require_role(&["admin"]), "auth.forbidden", "Not allowed"),
        (ada.require_role(&[]), "auth.forbidden", "Not allowed"),
        (ada.require_workspace("ws-b"), "auth.workspace_forbidden", "Workspace access denied for: ws-b"),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!((refused.refusal.why.code(), refused.to_string().as_str()), (code, message));
        assert_eq!(refused.response().status(), StatusCode::FORBIDDEN);
    }
    assert!(!format!("{ada:?}").contains("reports"));
}
