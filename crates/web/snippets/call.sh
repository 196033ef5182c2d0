token=$(printf 'user = "%s:%s"\n' "$OIDC_CLIENT_ID" "$OIDC_CLIENT_SECRET" |
    curl --fail --silent --config - --data grant_type=client_credentials \
        --data-urlencode "resource=$API_AUDIENCE" "$OIDC_ISSUER/oauth2/token" |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --fail --silent --config - http://127.0.0.1:9000/reports
