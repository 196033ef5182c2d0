token=$(printf 'user = "%s:%s"\n' "$OIDC_CLIENT_ID" "$OIDC_CLIENT_SECRET" |
    curl --fail --silent --config - --data grant_type=client_credentials \
        --data-urlencode "resource=$API_AUDIENCE" "$OIDC_ISSUER/oauth2/token" |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
printf 'user = "%s:%s"\ndata-urlencode = "token=%s"\n' "$OIDC_CLIENT_ID" "$OIDC_CLIENT_SECRET" "$token" |
    curl --fail --silent --config - "$OIDC_ISSUER/oauth2/introspect"
