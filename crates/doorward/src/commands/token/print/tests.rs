use super::*;

fn token() -> Json {
    json!({
        "id": "tok_01jd8zzzzzzzzzzzzzzzzzzzzz", "name": "my-ci-token", "version": 1, "status": "active",
        "secret": "dw_st_SECRET", "lineage": "tok_01jd8zzzzzzzzzzzzzzzzzzzzz", "org_id": "org_1",
        "scopes": ["workflows:read", "workflows:execute"], "workspace_ids": ["ws-analytics"],
        "allowed_addresses": [], "lifetime_seconds": 2_592_000, "issued_at": "2025-11-03T15:30:00Z",
        "expires_at": "2025-12-03T15:30:00Z", "ends_at": null, "last_used_at": null,
        "last_used_address": null, "use_count": 0, "created_by": "local", "rotated_to": null,
        "rotated_from": null, "revoked_at": null, "revoked_by": null, "revocation_reason": null,
    })
}

#[test]
fn created_as_the_contract_says() {
    let told = "\
Service token created successfully!

ID: my-ci-token
Secret: dw_st_SECRET

⚠ Store this secret securely. It will not be shown again.

Scopes: workflows:read, workflows:execute
Workspaces: ws-analytics
Expires: 2025-12-03 15:30:00 UTC
";
    assert_eq!(created(&token(), None), told);
    let bare = json!({ "name": "token-x", "secret": "dw_st_SECRET", "scopes": [], "workspace_ids": [] });
    let told = "\
Service token created successfully!

ID: token-x
Secret: dw_st_SECRET

⚠ Store this secret securely. It will not be shown again.
";
    assert_eq!(created(&bare, None), told);
    let filed = created(&token(), Some(Path::new("/run/token")));
    assert!(filed.contains("Secret: written to /run/token\n") && !filed.contains("dw_st_"), "{filed}");
}

#[test]
fn rotated_and_revoked() {
    let mut next = token();
    next["version"] = 2.into();
    let told = "\
Service token rotated successfully!

ID: my-ci-token
Version: 2
Secret: dw_st_SECRET

⚠ Store this secret securely. It will not be shown again.

Scopes: workflows:read, workflows:execute
Workspaces: ws-analytics
Expires: 2025-12-03 15:30:00 UTC

The old secret works for 300 s more.
";
    assert_eq!(rotated(&next, None, 300), told);
    assert!(rotated(&next, None, 0).ends_with("\nThe old secret works no more.\n"));
    next["revocation_reason"] = "Token \u{1b}compromised".into();
    let told = "Service token my-ci-token revoked.\nReason: Token \u{fffd}compromised\n";
    assert_eq!(revoked(&next, "my-ci-token"), told);
}

#[test]
fn shown_and_listed_without_the_secret() {
    let told = "\
ID: my-ci-token
Version: 1
Version ID: tok_01jd8zzzzzzzzzzzzzzzzzzzzz
Status: Active
Scopes: workflows:read, workflows:execute
Workspaces: ws-analytics
Organisation: org_1
Issued: 2025-11-03 15:30:00 UTC
Issued by: local
Expires: 2025-12-03 15:30:00 UTC
Last used: Never
Uses: 0
";
    assert_eq!(shown(&token()), told);
    let listed = list(&json!({ "items": [token()] }), Format::Markdown);
    let told = "\
| id | version | scopes | workspaces | issued | expires | status | last_used | uses | address |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| my-ci-token | 1 | workflows:read, workflows:execute | ws-analytics | 2025-11-03 15:30:00 UTC | 2025-12-03 15:30:00 UTC | Active | - | 0 | - |
";
    assert_eq!(listed, told);
    assert_eq!(list(&json!({ "items": [] }), Format::Table), "nothing\n");
}
