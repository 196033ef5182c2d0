//! The server's description of itself: RFC 8414, OpenID Connect Discovery 1.0 3, and the members that
//! RFC 9126, 9207, 9396, 9449, 9101 and the logout specifications add. Lists that are empty are left
//! out, so a server lists exactly what it has.

use serde::{Deserialize, Serialize};

/// The metadata document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the specifications made them separate members")]
pub struct Metadata {
    /// The issuer, exactly.
    pub issuer: String,
    /// Where people are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Where tokens are issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Our public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Claims about the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    /// Introspection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// Revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// Pushed requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_request_endpoint: Option<String>,
    /// Logout that the application starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
    /// The device grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
    /// Dynamic registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// Scopes worth naming.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// Claims worth naming.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims_supported: Vec<String>,
    /// Response types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types_supported: Vec<String>,
    /// Response modes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_modes_supported: Vec<String>,
    /// Grants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<String>,
    /// Prompts (Initiating User Registration 1.0).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prompt_values_supported: Vec<String>,
    /// Kinds of window.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub display_values_supported: Vec<String>,
    /// Authentication contexts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr_values_supported: Vec<String>,
    /// Languages of the pages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ui_locales_supported: Vec<String>,
    /// Kinds of claim.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claim_types_supported: Vec<String>,
    /// Kinds of subject.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_types_supported: Vec<String>,
    /// PKCE methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// What ID tokens are signed with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// Client authentication at the token endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// What client assertions may be signed with there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// Client authentication at the introspection endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// What client assertions may be signed with there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// Client authentication at the revocation endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// What client assertions may be signed with there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// What DPoP proofs may be signed with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// Types of authorization details.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    /// What request objects may be signed with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_object_signing_alg_values_supported: Vec<String>,
    /// What JWT responses are signed with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_signing_alg_values_supported: Vec<String>,
    /// `iss` is in every authorization response (RFC 9207).
    pub authorization_response_iss_parameter_supported: bool,
    /// The `claims` parameter is understood.
    pub claims_parameter_supported: bool,
    /// The `request` parameter is understood.
    pub request_parameter_supported: bool,
    /// A `request_uri` other than a pushed one is understood. The default of the specification is
    /// true, so it is always written out.
    pub request_uri_parameter_supported: bool,
    /// Every client must push its requests.
    pub require_pushed_authorization_requests: bool,
    /// Applications are told of the end of a session.
    pub backchannel_logout_supported: bool,
    /// And of which session.
    pub backchannel_logout_session_supported: bool,
    /// A client may be known by the URL of its metadata.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub client_id_metadata_document_supported: bool,
    /// Documentation for developers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
    /// What the operator's rules are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op_policy_uri: Option<String>,
    /// The operator's terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op_tos_uri: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn empty_members_are_left_out() {
        let value =
            serde_json::to_value(Metadata { issuer: "https://id.example".into(), ..Metadata::default() })
                .unwrap();
        let members = value.as_object().unwrap();
        assert_eq!(members["issuer"], json!("https://id.example"));
        assert!(members.values().all(|value| *value == json!(false) || *value == members["issuer"]));
        assert_eq!(members["request_uri_parameter_supported"], json!(false));
        assert!(!members.contains_key("client_id_metadata_document_supported"));
    }

    #[test]
    fn foreign_members_are_ignored_when_read() {
        let text = r#"{"issuer":"https://id.example","token_endpoint":"https://id.example/t","new":[1]}"#;
        let read: Metadata = serde_json::from_str(text).unwrap();
        assert_eq!(read.token_endpoint.as_deref(), Some("https://id.example/t"));
        let again: Value = serde_json::to_value(&read).unwrap();
        assert_eq!(serde_json::from_value::<Metadata>(again).unwrap(), read);
    }
}
