# Every message that a page shows, in English. Short and plain; an error says what happened and what to do.

## Everywhere

continue = Continue
save = Save
copy = Copy
copied = Copied
skip = Skip to content
foot-host = You are at { $host }
foot-support = Help
foot-terms = Terms
foot-privacy = Privacy

field-email = Email address
field-name = Name
field-password = Password
field-new-password = New password
field-new-password-hint =
    { $count ->
        [one] At least one character, and hard to guess.
       *[other] At least { $count } characters, and hard to guess.
    }
field-show = Show
field-hide = Hide
form-wrong = Please check this
new-window = (opens in a new window)
kept-again = This page had been open for a while, so nothing was saved. Check what it says and send it again.
kept-sign-in = You were signed out meanwhile. Sign in, and what you typed is still there.
session-ended = You are signed out. Sign in to go on.
sign-in-stale = What comes next needs a fresh sign-in. Prove once more that it is you.

when-now = just now
when-minutes =
    { $count ->
        [one] a minute ago
       *[other] { $count } minutes ago
    }
when-hours =
    { $count ->
        [one] an hour ago
       *[other] { $count } hours ago
    }
when-days =
    { $count ->
        [one] yesterday
       *[other] { $count } days ago
    }
when-in-minutes =
    { $count ->
        [one] in a minute
       *[other] in { $count } minutes
    }
when-in-hours =
    { $count ->
        [one] in an hour
       *[other] in { $count } hours
    }
when-in-days =
    { $count ->
        [one] in a day
       *[other] in { $count } days
    }

## Signing in

sign-in-title = Sign in
sign-in-to = to continue to
asker-by = by { $name }
connect-with = Continue with { $name }
connect-or = or
connect-going = Going to { $name }
link-title = You have an account already
link-what = { $provider } says that you are { $email }, and an account here has that address. Enter its password, and from then on you can sign in with { $provider }, too.
link-what-signed-in = { $provider } says that you are { $email }. You are signed in to the account with that address: from now on you can sign in to it with { $provider }, too.
link-do = Sign in and link
link-do-signed-in = Link
link-not = Do not link
sign-in-new = New here?
sign-in-create = Create an account
password-title = Enter your password
password-continue-as = Continue as { $name }
password-other = Use another account
password-forgot = Forgot password?
choose-title = Choose an account

choose-org-title = Choose an organisation
choose-org-what = { $client } acts for the one that you choose now, until you sign in to it again.
choose-org-none = { $client } is for teams, and you belong to none. Ask whoever runs yours for an invitation.
choose-org-make = Or make a team now. You own it, and invite others to it.
choose-org-back = Back to { $client }

## Creating an account

sign-up-title = Create your account
sign-up-do = Create account
sign-up-have = Have an account?
sign-up-skip = Continue without an account
news-1 = Send me news by email. I can stop this at any time in my account.
setup-title = Create the first administrator
setup-what = This server is new. The account you create now can manage everything on it.
setup-do = Create administrator
setup-once = This link works once. Keep the password somewhere safe.
check-mail-title = Check your mail
check-mail-confirm = We have sent you a link to finish creating your account. { mail-lasts }
check-mail-reset = If this address has an account, a link to choose a new password is on its way. { mail-lasts }
mail-lasts =
    { $count ->
        [60] Open it within the hour.
       *[other] Open it within { $count } minutes.
    }
check-mail-none = Nothing there? Look in your spam folder.
check-mail-again = Send it again
check-mail-other = Use another address
verify-title = Confirm your email address
verify-what = One click, and this address is yours here.
verify-what-password = You signed up in another browser. Enter the password that you chose there.
verify-password-wrong = This is not the password that was chosen at sign-up.
verify-do = Confirm address
verified-title = Your address is confirmed
verified-what = Thank you. Everything is ready.

## A forgotten password

forgot-title = Choose a new password
forgot-what = Enter your email address. We will send you a link that lets you choose a new password.
forgot-do = Send the link
forgot-back = Back to sign in
reset-title = Choose a new password
reset-what = Afterwards you are signed out everywhere else.
reset-do = Save password
reset-done-title = Your new password is saved
reset-done-what = You are signed in here, and signed out everywhere else.

## Joining an organisation

invitation-title = You are invited to { $org }
invitation-for = For
invitation-role = As
invitation-until = Open until
invitation-join = Join { $org }
invitation-other = You are signed in as { $mine }, and this invitation is for { $email }.
invitation-switch = Use another signed-in account
invitation-sign-in = Sign in to join
invitation-new = Choose a password, and you belong to it at once.
invitation-new-do = Create account and join
invitation-unproven = Your account has not confirmed this address yet. Ask whoever invited you to send the invitation by mail: opening its link confirms the address, too.
role-owner = Owner
role-admin = Administrator
role-member = Member

## Consent

consent-title = { $client } asks for access to your account
consent-wishes = It will be able to
consent-unverified = { $client } has not been checked by the people who run this server. Allow it only if you trust it.
consent-publisher = Published by
consent-organisation = On behalf of
consent-apis = At
consent-lasts = For how long
consent-until-revoked = Until you take it back
consent-signed-in = While you stay signed in
consent-returns-to = Then you go to
consent-this-device = { $host } (this device)
consent-installed = an installed application ({ $scheme })
consent-once = Ask me again next time
consent-deny = Cancel
consent-allow = Allow
consent-revoke = You can take this back at any time in your account.
consent-about = More about { $client }:
consent-policy = privacy policy
consent-terms = terms of service
consent-website = website

scope-openid = Know that it is you
scope-profile = See your name and profile
scope-email = See your email address
scope-phone = See your phone number
scope-address = See your postal address
scope-offline = Keep this access while you are away

## Signing out

sign-out-title = Sign out?
sign-out-what = You will have to enter your password again to come back.
sign-out-do = Sign out
sign-out-stay = Stay signed in
signed-out-title = You are signed out
signed-out-what = If this is not your own device, close the browser too.
signed-out-again = Sign in again

## On the way back to an application

form-post-title = Taking you back
form-post-what = If nothing happens, press the button.

## The account

account-rooms = Your account
account-profile = Profile
account-security = Security
account-sessions = Sessions
account-applications = Applications
account-keys = Keys
account-organizations = Organisations
account-data = Your data
account-console = Console
account-bootstrap-unused = A bootstrap token is configured. Whoever has it can do what an administrator can. Remove it from the configuration of this server as soon as nobody needs it. It has not been used yet.
account-bootstrap-used = A bootstrap token is configured. Whoever has it can do what an administrator can. Remove it from the configuration of this server as soon as nobody needs it. It was used last on { $when }.

profile-name = About you
profile-name-what = Shown to applications that you allow to see your profile.
profile-given-name = First name
profile-family-name = Last name
profile-picture = Picture
profile-picture-hint = The address of a picture on the web, beginning with https://
profile-phone = Telephone
profile-locale = Language
profile-locale-hint = Such as en, de or pt-BR; applications and mail use it.
profile-zone = Time zone
profile-zone-hint = Such as Europe/Berlin or America/New_York.
profile-name-wrong = This name is too long.
profile-picture-wrong = This is not the address of a picture on the web.
profile-phone-wrong = This is not a telephone number. Write it with the country, such as +49 30 123456.
profile-locale-wrong = This is not a language. Write it as en, de or pt-BR.
profile-zone-wrong = This is not a time zone. Write it as Europe/Berlin.
profile-mail-what = You sign in with it, and mail from us goes to it.
profile-verified = Confirmed
profile-unverified = Not confirmed
profile-new-address = New email address
profile-change = Change address
profile-news = News by email
profile-news-since = You agreed to this

security-current = Current password
security-ends-sessions = Changing it signs you out on all other devices.
connections-title = Linked sign-ins
connections-what = Where you can sign in to this account without its password.
connections-none = None. Choose one on the sign-in page to link it.
connections-since = Linked
connections-last-used = Last used
connections-unlink = Unlink
connections-unlink-of = Unlink { $name }
connections-last = This is your only way to sign in. Set a password first, by “Forgot password?” on the sign-in page.
security-do = Change password

sessions-where = Where you are signed in
sessions-what = If you do not know one of these, end it and change your password.
sessions-on = { $browser } on { $system }
sessions-unknown = Unknown device
sessions-this = This device
sessions-seen = last used
sessions-since = signed in
sessions-end-of = Sign out: { $device }
sessions-end-others = Sign out everywhere else
devices-where = Applications on your devices
devices-what = These go on without a browser until you end them.
devices-end-of = Sign out: { $name } { $device }

applications-with = Applications with access to your account
applications-what = Removing access works at once. The application asks you again next time.
applications-none = No application has access. When you allow one, it appears here.
applications-since = allowed
applications-revoke = Remove access
applications-revoke-of = Remove access: { $name }

keys-yours = Your keys
keys-what = A program that has one of these acts as you. A key ends at once when you revoke it, and when you reset your password.
keys-none = You have no keys. A program that cannot sign in, such as a script, can use one.
keys-active = Active
keys-disabled = Switched off
keys-expired = Expired
keys-ended = Ended
keys-revoked = Revoked
keys-since = made
keys-until = ends
keys-used = last used
keys-unused = never used
keys-revoke = Revoke
keys-revoke-of = Revoke: { $name }
keys-new = New key
keys-name = Name
keys-scopes = What it may do
keys-scopes-what = Scopes with spaces between. me:read sees your account, me:write changes it.
keys-days = Days until it ends
keys-do = Make the key
keys-secret = Your new key
keys-secret-what = Copy it now and keep it safe. It is shown to this browser for ten minutes and then never again.
keys-name-wrong = Give it a name of 1 to 64 letters.
keys-scopes-wrong = Write scopes as words with spaces between.
keys-scopes-beyond = You cannot give a key one of these scopes.
keys-days-wrong = Write a number of days. A key cannot live longer than the operator allows.

own-orgs-yours = Your organisations
own-orgs-what = Applications act for the active one when they do not name another.
own-orgs-active = Active
own-orgs-personal = Your own
own-orgs-acting = Acting for
own-orgs-manage = Manage
own-orgs-manage-of = Manage { $org }
own-orgs-manage = Manage
own-orgs-manage-of = Manage { $org }
own-orgs-switch = Switch
own-orgs-switch-to = Switch to { $org }
own-orgs-leave = Leave
own-orgs-leave-of = Leave { $org }
own-orgs-leave-what = Applications lose at once what you allowed them in its name. To come back, you need another invitation.
own-orgs-stay = Stay
own-orgs-last-owner = You are its last owner. Make somebody else an owner first, or end the organisation.
own-orgs-open = Invitations
own-orgs-open-until = open until
own-orgs-new = New organisation
own-orgs-new-what = For a team, a customer or a company. You own it, and invite others to it.
own-orgs-name = Name of the organisation
own-orgs-name-wrong = Give it a name of 1 to 100 characters.
own-orgs-slug = Short name (optional)
own-orgs-slug-what = For addresses and commands, such as acme. 2 to 48 small letters, digits and hyphens.
own-orgs-slug-wrong = Use 2 to 48 small letters, digits and hyphens, with no hyphen at the ends.
own-orgs-slug-taken = This short name is taken. Choose another one.
own-orgs-do = Make the organisation

data-delete = Delete this account
data-delete-what = Your profile, sessions and permissions are erased at once, and you are signed out everywhere. This cannot be undone.
data-delete-do = Delete my account
data-confirm = Type { $email } to confirm

## The console

console-areas = Console
console-account = Your account
console-trail = Where you are
console-users = People
console-organizations = Organisations
console-applications = Applications
console-providers = Identity providers
console-audit = Audit trail
console-usage = Usage
console-keys = Signing keys
console-sessions = Sessions
console-mail = Mail
console-onward = Go to its page
console-service-tokens = Service tokens
console-filter = Show
console-any = Any
console-none = None
console-none-such = Nothing fits. Search by the beginning of a name, or by an id, or take the filters away.
console-pages = Pages
console-first = First page
console-next = Next page
console-export = Download as CSV
console-cancel = Cancel
console-edit = Edit
console-edit-of = Edit { $name }
console-save = Save
console-facts = Facts
console-id = Id
console-confirm = Type { $name } to confirm
console-confirm-wrong = Type it exactly as it is written above the field.
console-changed-meanwhile = Somebody else has changed this meanwhile. Compare it with what you typed, then send it again.

users-what = Everybody who has an account. Deleted accounts are not here.
users-none = Nobody is here yet. People sign up by themselves where that is open, or are made here, or on a command line:
users-new = New person
users-make = Make the account
users-search = Address, name or id
users-caption = People, the oldest account first
users-email = Mail address
users-email-what = A new address has to be proven again.
users-proven = Address proven
users-unproven = Not yet
users-proven-do = The address counts as proven
users-mailed = Mail a link to choose a password
users-name = Name
users-name-wrong = Write at most 255 letters on one line.
users-username = User name
users-username-what = To sign in with besides the address. 2 to 64 letters, digits, dots, hyphens and underscores.
users-username-wrong = Write 2 to 64 letters, digits, dots, hyphens and underscores.
users-username-taken = Somebody else has this user name.
users-status = Status
users-active = Active
users-suspended = Suspended
users-ended = Deleted
users-role = Administers
users-role-what = An administrator sees and decides everything here.
users-role-user = Nothing
users-role-admin = Everything
users-role-wrong = Choose one of the two.
users-roles = Roles in tokens
users-roles-what = Words with spaces between, which applications read.
users-roles-wrong = Write at most 64 words of letters, digits, dots, colons, hyphens and underscores.
users-locale = Language
users-locale-what = Such as en or de-AT. Empty is what the browser says.
users-locale-wrong = Write a language such as en or de-AT.
users-zone = Time zone
users-zone-what = Such as Europe/Berlin.
users-zone-wrong = Write a time zone such as Europe/Berlin.
users-since = Account made
users-changed = Changed
users-suspend = Suspend
users-resume = Let in again
users-send-link = Mail a link for a new password
users-delete = Delete the account
users-delete-of = Delete { $name }
users-delete-what = Profile, sessions, keys and permissions are erased at once, and the person is told by mail. This cannot be undone. Suspend the account instead if it may be needed again.
users-orgs = Organisations
users-orgs-none = None besides the personal one.
users-org = Organisation
users-org-role = Role there
users-sessions = Sessions
users-sessions-none = Signed in nowhere.
users-end-sessions = End all sessions
users-applications = Applications with access
users-applications-none = No application has access.
users-application = Application
users-application-scopes = What it may do
users-application-since = Allowed
sessions-device = Device
sessions-address = Address
sessions-last = Last seen
sessions-began = Signed in
did-user-made = The account is made. No mail was sent.
did-user-made-mailed = The account is made, and a link to choose a password is on its way.
did-user-saved = The changes are saved.
did-user-suspended = The account is suspended. Every session and token of it has ended.
did-user-resumed = The person can sign in again.
did-user-ended = The account is deleted.
did-user-sessions = Every session has ended.
did-user-mailed = A link for a new password is on its way.

orgs-what = Teams that share applications, keys and roles. Personal organisations are not here: they belong to their person.
orgs-none = There are no organisations yet. Make the first one here, or on a command line:
orgs-new = New organisation
orgs-make = Make the organisation
orgs-search = Name, short name or id
orgs-caption = Organisations, the oldest first
orgs-own = Organisations that you run
orgs-name = Name
orgs-name-wrong = Give it a name of 1 to 100 letters.
orgs-slug = Short name
orgs-slug-what = For addresses: 2 to 48 small letters, digits and hyphens.
orgs-slug-wrong = Write 2 to 48 small letters, digits and hyphens.
orgs-slug-taken = Another organisation has this short name.
orgs-owner = Mail address of the owner
orgs-owner-what = Somebody who has an account. Without one, add an owner later.
orgs-owner-wrong = Nobody here has this address.
orgs-status = Status
orgs-active = Active
orgs-suspended = Suspended
orgs-since = Made
orgs-changed = Changed
orgs-suspend = Suspend
orgs-resume = Let it be used again
orgs-delete = Delete the organisation
orgs-delete-of = Delete { $name }
orgs-delete-what = Its people leave it, and its applications, tokens and keys stop at once. This cannot be undone.
orgs-do = What can be done
orgs-role = Role
orgs-role-what = What it may is on the organisation's page.
orgs-role-wrong = The organisation has no such role.
orgs-role-beyond = You cannot give, or take, a role that may more than you.
orgs-roles = Roles
orgs-permissions = Permissions
orgs-permissions-none = As every organisation has it
orgs-last-owner = This is the last owner. Make somebody else an owner first.
orgs-member = Member
orgs-member-since = Since
orgs-member-search = Mail address or id
orgs-member-what = What this person is in { $name }. Tokens that say something else stop working at once.
orgs-members = Members
orgs-members-of = Members of { $name }
orgs-members-what = Everybody who belongs to the organisation.
orgs-members-none = Nobody belongs to it yet. Invite somebody here, or on a command line:
orgs-members-all = All members
orgs-add = Add a member
orgs-add-what = The person is a member at once, without being asked.
orgs-add-nobody = Nobody here has this address. Invite them instead.
orgs-add-again = The person is a member already.
orgs-invite = Invite somebody
orgs-invite-what = A link goes to the address. Whoever opens it with that address becomes a member.
orgs-invited = Address
orgs-invited-until = Open until
orgs-invitations = Open invitations
orgs-invitations-none = No invitation is open.
orgs-invitation-revoke = Take back
orgs-invitation-revoke-of = Take back the invitation of { $email }
orgs-remove = Take out of the organisation
orgs-remove-of = Take { $name } out of { $org }
orgs-remove-what = The person leaves at once, and what applications hold in the name of the organisation for them ends.
did-org-made = The organisation is made.
did-org-saved = The changes are saved.
did-org-suspended = The organisation is suspended: nobody can use it.
did-org-resumed = The organisation can be used again.
did-org-ended = The organisation is deleted.
did-member-added = The person is a member now.
did-member-saved = The member has the new role.
did-member-removed = The person is no member any more.
did-invited = The invitation is on its way.
did-uninvited = The invitation is taken back.

apps-what = Programs that people sign in to, and programs that act by themselves.
apps-none = There are no applications yet. Make the first one here, or on a command line:
apps-search = Name or id
apps-org-search = Id of the organisation
apps-caption = Applications, the oldest first
apps-name = Name
apps-status = Status
apps-active = Active
apps-suspended = Suspended
apps-ended = Deleted
apps-kind = Type
apps-confidential = Keeps a secret
apps-public = Public
apps-party = Consent
apps-first-party = Our own: people are not asked
apps-third-party = People are asked
apps-client-id = Client id
apps-method = Proves itself by
apps-secrets = Secrets
apps-grants = Grants
apps-scopes = May ask for
apps-redirects = Where codes may go
apps-signed-out = Where people go after signing out
apps-org = Organisation
apps-since = Made
apps-changed = Changed
apps-suspend = Suspend
apps-resume = Let it work again
apps-delete = Delete the application
apps-delete-of = Delete { $name }
apps-delete-what = Nobody can sign in to it any more, and its tokens stop working. This cannot be undone.
apps-new = New application
apps-paste = What to do next
apps-made = { $name } is made.
apps-make = Make the application
apps-choose = Make one: { $kind }
apps-kind-server = Web application
apps-kind-browser = Single-page application
apps-kind-native = Desktop or command line
apps-kind-service = Service
apps-kind-proxy = Behind a reverse proxy
apps-new-server = New web application
apps-new-browser = New single-page application
apps-new-native = New program for people’s devices
apps-new-service = New service
apps-new-proxy = Behind a reverse proxy
apps-what-server = Runs on a server of yours, which keeps a secret. People sign in to it.
apps-what-browser = Runs in the browser alone, and can keep no secret. People sign in to it.
apps-what-native = Runs on people’s own devices, opens their browser to sign in, and can keep no secret.
apps-what-service = Acts by itself, for nobody who is signed in, and keeps a secret.
apps-what-proxy = Knows nothing of signing in: your proxy asks this server about each request. Nothing is registered for it.
apps-name-what = People read it when they sign in.
apps-name-wrong = A name has 1 to 200 letters, and none that cannot be seen.
apps-redirects-what = One address in each line, compared letter by letter: https, or http on this machine.
apps-redirects-native = One address in each line. A program listens at http://127.0.0.1/callback, on whichever port is free, or takes a scheme of its own: com.example.app:/callback
apps-redirects-wrong = People have to come back somewhere: write at least one address.
apps-uri-line = Line { $line }, { $uri }:
apps-uri-malformed = this is no whole address. Write one like https://app.example.com/callback
apps-uri-fragment = a part behind # never reaches the application. Leave it out.
apps-uri-user = a user name or password does not belong into an address.
apps-uri-wildcard = a star stands for no address. Write each one out.
apps-uri-http = http is for this machine only. Write https.
apps-uri-scheme = this scheme is not accepted. One of your own is a domain name turned round, like com.example.app
apps-signed-out-what = One address in each line, compared letter by letter.
apps-scopes-what = Names with spaces between them: openid, profile, email, offline_access, and scopes of APIs.
apps-scopes-service = Names with spaces between them: scopes of APIs. Without them it may do nothing but say who it is.
apps-scopes-wrong = A scope is one word without quotes or backslashes, and there are 200 at most.
apps-org-what = Its id or short name. This server’s own unless you name another.
apps-org-wrong = There is no such organisation.
apps-client-id-what = 3 to 64 letters, digits, dots, underscores or hyphens. One is made unless you choose it, and it stays.
apps-client-id-wrong = A client id has 3 to 64 letters, digits, dots, underscores or hyphens, and does not begin as our own ids do.
apps-client-id-taken = Another application has this client id.
apps-first-party-do = It is our own: people are not asked whether it may have their data
apps-environment = Environment
apps-environment-what = For the file .env, or wherever your application takes its settings from. Keep it to yourself where it holds a secret.
apps-node = Node
apps-node-what = A whole program that signs people in: save it as sign-in.mjs, open its address, and go on from there.
apps-curl = Try it
apps-curl-what = Gets an access token. It takes the secret from the environment, and no list of processes shows it.
apps-module = Module
apps-module-what = Save it as sign-in.js beside your page. Call signIn() when people press the button, and signedIn() at the address that they come back to.
apps-cors = This server
apps-cors-what = Browsers let the page read answers only where the operator of this server names its origin in the configuration.
apps-route = This server
apps-route-what = For the configuration of this server. The address is that of your proxy.
apps-nginx = nginx
apps-nginx-what = For the server block of that name.
apps-your-secret = your-secret
apps-host = Name in the browser
apps-host-what = Where people reach it: reports.example.com
apps-host-wrong = Write a host name without a scheme and without a port.
apps-upstream = Address of the application
apps-upstream-what = Where the proxy reaches it: 127.0.0.1:9000
apps-upstream-wrong = Write a host and a port, like 127.0.0.1:9000
apps-proxy-do = Show what to paste
apps-edit-what = What it loses it loses at once: tokens that were made for it under more rights stop working.
apps-proof = Proof
apps-grant-code = People sign in to it (authorization_code)
apps-grant-refresh = It stays connected (refresh_token)
apps-grant-credentials = It acts by itself (client_credentials)
apps-grants-wrong = These do not go together: to stay connected people sign in first, and only what keeps a secret acts by itself.
apps-method-wrong = An application that keeps no secret proves nothing; another one has to.
apps-jwks = Public keys
apps-jwks-what = A set of keys (RFC 7517), for private_key_jwt. Never a private one.
apps-jwks-wrong = This is no set of public keys.
apps-jwks-uri = Address of its public keys
apps-jwks-uri-wrong = Write an https address, or the keys themselves: not both.
apps-pkce = Every sign-in has to be bound to who began it (PKCE)
apps-pkce-wrong = Only what keeps a secret can be excused from PKCE.
apps-par = Its requests have to be pushed (RFC 9126)
apps-dpop = Its access tokens have to be bound to a key (DPoP)
apps-tokens = Tokens
apps-apis = APIs it may ask for
apps-apis-what = One identifier in each line. Without any: every API of its organisation.
apps-default-api = Usual API
apps-default-api-what = For which its tokens are made where it names none.
apps-api-wrong = There is no such API, or it is not among those it may ask for.
apps-access-ttl = Access tokens live
apps-access-ttl-wrong = Write 30 to 86400 seconds.
apps-refresh-ttl = Refresh tokens live unused
apps-refresh-ttl-wrong = Write a number of seconds: a minute to two years.
apps-max-age = Oldest sign-in
apps-seconds-what = Seconds. As this server is set unless you write something.
apps-seconds-wrong = Write a number of seconds.
apps-refresh-policy = It gets refresh tokens
apps-refresh-offline = When offline_access was allowed
apps-refresh-always = Always
apps-id-token-alg = ID tokens are signed with
apps-alg-usual = As usual (RS256)
apps-id-token-on-refresh = Refreshing makes a new ID token, too
apps-organizations = For which organisation people sign in
apps-organizations-session = The active one
apps-organizations-ask = Whoever has several chooses
apps-organizations-team = A team
apps-every-provider = People are offered every identity provider
apps-providers = Identity providers that people are offered
apps-providers-what = Short names with spaces between them; none where you name none. Only where the box above is not ticked.
apps-providers-wrong = Write up to 50 short names of identity providers.
apps-pages = Pages
apps-logo = Address of its logo
apps-home = Address of its home page
apps-policy = Address of its privacy policy
apps-terms = Address of its terms
apps-address-wrong = Write an http or https address.
apps-backchannel = Where it is told that somebody signed out
apps-backchannel-what = An https address of its server (back-channel logout).
apps-backchannel-session = It needs to know which session
apps-https-wrong = Write an https address without a part behind #.
apps-secrets-what = Shown when they are made, and never again.
apps-secrets-live = Work now
apps-secret-ends = Replaced, ends
apps-rotate = New secret
apps-rotate-of = New secret of { $name }
apps-rotate-what = The new secret works at once. The present one goes on for a while, so that you can exchange it everywhere.
apps-retire = End replaced secrets now
apps-no-secret = This application proves itself in another way, and has no secret.
apps-consents = People who allowed it something
apps-open-grants = Open grants
apps-or-more = { $count } or more
apps-more = Everything else
apps-more-none = As usual.
did-app-saved = The application is saved.
did-app-retired = Only the newest secret works now.
did-app-suspended = The application is suspended. Its tokens are worth nothing.
did-app-resumed = The application works again.
did-app-ended = The application is deleted.

providers-what = Where people sign in with an account that they have elsewhere. Each one that is offered is a button on the sign-in page.
providers-none = There are none yet.
providers-caption = Identity providers, the oldest first
providers-name = Name
providers-status = Status
providers-offered = Offered
providers-suspended = Suspended
providers-kind = Protocol
providers-openid = OpenID Connect
providers-oauth = OAuth 2
providers-since = Made
providers-changed = Changed
providers-new = Add an identity provider
providers-which = Which one?
providers-any-openid = Another OpenID provider
providers-register = Register an application at the provider first, with this address to come back to: { $address }
providers-slug = Short name
providers-slug-what = It stands in the address to come back to: up to 40 of a-z, 0-9 and -, beginning with a letter. It cannot be changed.
providers-slug-taken = The short name is taken.
providers-button = What people read on the button
providers-name-wrong = A name has 1 to 60 letters.
providers-issuer = Issuer
providers-issuer-what = The https address by which the provider names itself, exactly; it cannot be changed.
providers-client-id = Client id
providers-client-id-wrong = The client id is missing.
providers-secret = Client secret
providers-secret-wrong = The secret is missing, or it is not what this provider takes.
providers-secret-stays = Leave it empty to keep the present one.
providers-apple-key = Private key, the content of AuthKey_….p8
providers-team-id = Team id
providers-team-id-wrong = Apple takes a team id and a key id.
providers-key-id = Key id
providers-make = Add the provider
providers-redirect = Address to register there
providers-connection = Name for applications
providers-has-secret = We have a secret there
providers-yes = Yes
providers-no = No
providers-scopes = Asks for
providers-creates = Newcomers get an account
providers-creates-tick = Whoever comes for the first time gets an account
providers-domains = Domains of addresses that may come
providers-domains-any = Every one
providers-domains-what = With spaces between; every one where none is named.
providers-domains-wrong = Up to 50 domains in lower case, such as example.com.
providers-usage = Use
providers-people = People who have linked it
providers-sign-ins = Sign-ins
providers-last-used = Last used
providers-never = Never
providers-edit-of = Change { $name }
providers-test = Try it
providers-tested = What came of the try
providers-tested-fine = The provider answers, and can be used.
providers-problem = What is wrong
providers-suspend = Suspend
providers-resume = Offer it again
providers-delete = Delete the provider
providers-delete-of = Delete { $name }
providers-delete-what = Nobody can sign in there any more, and whoever had no other way needs a new password by mail. Adding it again links nobody. This cannot be undone.
providers-of-org = Where the organisation's people sign in, with addresses of its proven domains.
providers-all = See the identity providers
did-provider-made = The provider is added. Register the address below there, if you have not yet.
did-provider-saved = The provider is changed.
did-provider-suspended = The provider is suspended: nobody is offered it.
did-provider-resumed = The provider is offered again.
did-provider-ended = The provider is deleted.

audit-what = Everything that was done or refused, the newest first. Events are linked and signed, and never change.
audit-none = Nothing has happened yet. The same on a command line:
audit-caption = Events, the newest first
audit-code = What happened
audit-code-search = What happened: user. is everything about people
audit-outcome = Outcome
audit-granted = Done
audit-refused = Refused
audit-actor = By whom
audit-subject = To whom or what
audit-at = When
audit-since = Not before, as 2026-11-22T10:00:00Z
audit-until = Before
audit-client = Application
audit-org = Organisation
audit-request = Request
audit-seq = Number in the chain
audit-unsealed = Not linked yet
audit-detail = Personal detail
audit-erased = Erased, with the account that it was about.
audit-check = Check the chain
audit-checked = The chain of the audit trail
audit-holds = Holds
audit-holds-what = Every link and every signature is as it was written.
audit-broken = Broken
audit-broken-what = The first thing that is wrong is number { $seq }: { $what }.
audit-report = What was checked
audit-first = First event
audit-last = Last event
audit-events = Events
audit-erased-count = Of them with erased detail
audit-checkpoints = Signed checkpoints
audit-signed-through = Signed through
audit-waiting = Waiting to be linked

signing-what = The keys that sign tokens, the newest first. Applications find the public halves at /.well-known/jwks.json.
signing-caption = Signing keys, the newest first
signing-id = Key
signing-state = State
signing-waiting = Published, not signing yet
signing-active = Signing
signing-retired = Published, not signing any more
signing-expired = Out of use
signing-alg = Algorithm
signing-alg-what = ES256 is the default of access tokens.
signing-from = Signs from
signing-until = Signs until
signing-open = Until it is replaced
signing-rotate = Make the next key
signing-rotate-what = The new key is published now and signs once everybody has had time to fetch it. The old one stays published until what it signed has ended.
signing-emergency = A private key is known to somebody: sign with the new one now, and let the old ones verify nothing
did-key-made = The new key is made.


tokens-what = Long-lived secrets for programs: a CI job, a cron job, another service. Every version of every token is here, in every state.
tokens-none = There are no service tokens yet. A program that has to call an API by itself presents one as Authorization: Bearer. Make the first one here, or on a command line:
tokens-none-such = Nothing fits. Search by the beginning of a name, or by an id, or show every state.
tokens-new = New service token
tokens-search = Name or id
tokens-state = State
tokens-state-every = Every state
tokens-filter = Show
tokens-export = Download as CSV
tokens-caption = Service tokens, the oldest first
tokens-caption-some = Service tokens that fit, the oldest first
tokens-next = Next page
tokens-first = First page
tokens-pages = Pages
tokens-active = Active
tokens-rotated = Rotated
tokens-expired = Expired
tokens-revoked = Revoked
tokens-name = Name
tokens-name-what = Stays when the secret changes. 3 to 64 letters, digits, dots, hyphens and underscores.
tokens-name-wrong = Give it a name of 3 to 64 letters, digits, dots, hyphens and underscores.
tokens-name-taken = There is, or was, a token of this name. Names are not used again.
tokens-version = Version
tokens-version-of = Version { $version }
tokens-scopes = What it may do
tokens-scopes-what = Scopes with spaces between, such as workflows:read. It can do nothing that needs another one. admin:* is everything.
tokens-scopes-wrong = Write scopes as words with spaces between.
tokens-scopes-none = Nothing that needs a scope
tokens-scopes-more = What more it may do
tokens-scopes-more-what = Scopes to add to those it has. Leave this empty to change nothing.
tokens-workspaces = Workspaces
tokens-workspaces-what = With spaces between. * is every workspace; empty is none.
tokens-workspaces-wrong = Write workspaces as words with spaces between.
tokens-workspaces-none = None
tokens-days = Days until it ends
tokens-days-what = 30 to 90 is usual. Empty means that it never ends by itself: a forgotten one then works for ever.
tokens-days-again = Empty means as long as before.
tokens-days-wrong = Write a whole number of days, or leave this empty.
tokens-addresses = Addresses it may be used from
tokens-addresses-what = Such as 10.0.0.0/8 or 203.0.113.7, with spaces between. Empty is anywhere.
tokens-addresses-wrong = Write addresses or networks, such as 10.0.0.0/8, 203.0.113.7 or 2001:db8::/32.
tokens-addresses-none = Anywhere
tokens-owner = Owner
tokens-owner-what = Who answers for it, best by mail address.
tokens-purpose = Purpose
tokens-purpose-what = What it is for. Whoever looks after it later will be glad.
tokens-text-wrong = Write at most 500 letters on one line.
tokens-description = Description
tokens-rate = Its own rate
tokens-password-what = The secret works without you, so we ask once more.
tokens-do = Make the token
tokens-cancel = Cancel
tokens-made = { $name } is made.
tokens-secret = Copy the secret now
tokens-secret-what = The secret is shown to this browser for ten minutes and then never again: copy it now.
tokens-secret-label = Secret
tokens-wait = One moment
tokens-wait-what = The secret is being made. This page looks again by itself.
tokens-wait-again = Look again
tokens-sent-before = This form has been sent before, with something else in it. Send it again if you want another secret.
tokens-environment = Environment
tokens-environment-what = For a program that reads it from its environment, and for the store of secrets of a CI system.
tokens-curl = Try it
tokens-curl-what = Tells who the secret stands for. It takes the secret from the environment, so that no list of processes shows it.
tokens-nginx = nginx
tokens-nginx-what = For a program that cannot send it: a proxy of yours adds it on the way. Keep this file readable by nginx only.
tokens-onward = I have it
tokens-facts = Facts
tokens-id = Id
tokens-org = Organisation
tokens-lineage = Acts as
tokens-since = Made
tokens-by = by
tokens-until = Ends
tokens-ended-at = Ended
tokens-never = Never by itself
tokens-never-ends = never ends by itself
tokens-used = Last used
tokens-used-from = from { $address }
tokens-unused = Never
tokens-uses = Uses
tokens-revoked-by = Revoked by
tokens-reason-was = Reason
tokens-versions = Versions
tokens-versions-what = Every secret that this name has had, the newest first.
tokens-versions-newest = The newest { $count } secrets that this name has had. It has had more.
tokens-this = this page
tokens-rotate = Rotate
tokens-rotate-of = Rotate { $name } of { $org }
tokens-rotate-what = A rotation makes another secret under the same name. The present one goes on working for a while, so that you can replace it where it is used.
tokens-rotate-do = Make the new secret
tokens-overlap = Minutes that both work
tokens-overlap-what = 0 ends the present secret at once.
tokens-overlap-wrong = Write a whole number of minutes, 30 days at the most. 0 ends the present secret at once.
tokens-rotated-what = { $name } has a new secret.
tokens-ended = This version has been replaced, has ended or was revoked meanwhile. Look at its page.
tokens-reviewed = Last reviewed
tokens-review = Review
tokens-review-due = Review due
tokens-review-what = Look now and then whether it is used still, by whom, and whether it may do more than it needs.
tokens-review-note = What you found, for the audit trail (optional)
tokens-review-do = I have looked: it is needed
tokens-revoke = Revoke
tokens-revoke-of = Revoke { $name } of { $org }
tokens-revoke-what = Every secret of this name stops working at once, here and everywhere that asks this server. This cannot be undone, and the name is not used again.
tokens-revoke-do = Revoke it
tokens-reason = Reason
tokens-reason-what = For the audit trail, and for whoever wonders why it stopped working.
tokens-reason-wrong = Say why, on one line.
tokens-confirm = Type { $name } to confirm
tokens-confirm-wrong = This is not its name.
tokens-only = Only version { $version }; others of this name go on

## Usage and charts

number-mark = ,
chart-when = When (UTC)
chart-numbers = The numbers
chart-unknown = not kept
chart-empty = There is nothing to show.
chart-span = From { $from } to { $to }.
chart-none = { $series }: none.
chart-most = { $series }: { $most } at the most, { $at }.
usage-what = How much was used, by the hour and exactly: times, what was not let through, and the bytes of bodies that went through the proxy. Days are those of UTC.
usage-over-time = Over time
usage-an-hour = an hour
usage-days = { $count ->
    [one] a day
   *[other] in { $count } days each
}
usage-sum = { $requests } in all, { $denied } of them not let through.
usage-caption = Usage
usage-none = Every request that the gateway judges, every sign-in to an application and every answer with tokens is counted here. On a command line:
usage-nobody = (nobody or nothing named)
usage-requests = Times
usage-denied = Not let through
usage-passed = Let through
usage-in = Bytes in
usage-out = Bytes out
usage-kind = What
usage-kind-request = Requests
usage-kind-sign-in = Sign-ins
usage-kind-token = Answers with tokens
usage-by = By
usage-by-hour = Hour
usage-by-day = Day
usage-by-org = Organisation
usage-by-user = Who
usage-by-client = Application
usage-by-agent = Agent
usage-by-route = Route
usage-by-status = Status
usage-from = From (2026-11-01)
usage-to = Until (2026-11-30)
usage-json = Download as JSON

## Errors

error-reference = Reference number
error-to-account = Go to your account
error-to-sign-in = Go to sign in
error-to-organizations = Go to your organisations
error-to-forgot = Ask for a new link
error-to-sign-up = Sign up again
error-again = Try again
error-request = This request cannot be read
error-request-what = Something in the address or the form is missing or not as it should be. Go back and try again; if an application sent you here, tell the people who run it.
error-missing = There is nothing here
error-missing-what = The address may be mistyped, or what was here is gone.
error-forbidden = This is not open to you
error-forbidden-what = You are signed in, but your account may not do this. If you need it, ask an administrator.
error-forged = This form came from another site
error-forged-what = To keep you safe it was not carried out. If you meant to do it, open the page here and do it there.
error-cookies = Your browser keeps no cookies
error-cookies-what = Without them nobody can be signed in. Allow cookies for { $host }, then try again.
error-wait = Too many tries
error-wait-what =
    { $count ->
        [one] Wait a minute, then try again.
       *[other] Wait { $count } minutes, then try again.
    }
error-link = This link does not work any more
error-link-sign-up = It was used before, is too old, or was cut short by the mail program. If your address is confirmed already, sign in; if not, sign up again.
error-link-reset = It was used before, is too old, or was cut short by the mail program. If you have just chosen a new password, sign in with it; if not, ask for a new link.
error-link-address = It was used before, is too old, or was cut short by the mail program. Your account shows which address is in use, and sends a new link.
error-link-setup = It was used before or is too old. If there is an administrator already, sign in. If not, “doorward setup” on the server prints a new one.
error-link-invitation = It was used before, was taken back, is too old, or was cut short by the mail program. If you have joined already, sign in; if not, ask whoever invited you for a new one.
error-setup-done = This server is set up already
error-setup-done-what = The first administrator exists. Sign in with that account.
error-connect-state = This sign-in is over
error-connect-state-what = It was used already, took longer than ten minutes, or began in another browser. Please sign in again.
error-connect-refused = You were not signed in
error-connect-refused-what = The other side did not let you in, or you said no there. Try again, or sign in another way.
error-connect-invalid = You were not signed in
error-connect-invalid-what = The other side's answer cannot be believed, so nothing was done. Please tell your administrator, with the reference below.
error-connect-unreachable = The other side does not answer
error-connect-unreachable-what = Nothing was done. Try again in a moment, or sign in another way.
error-connect-outside = You were not signed in
error-connect-outside-what = This way to sign in is for people of one organisation, with an address of its domains. Choose another way, or ask the organisation to invite you.
error-connect-unverified = Your mail address is not verified there
error-connect-unverified-what = The other side does not vouch for a mail address of yours. Verify it there and try again, or sign in another way.
error-sign-up-closed = Accounts cannot be created here
error-sign-up-closed-what = Ask an administrator of this server for an account.
error-client = This application is not known here
error-client-what = The application that sent you has not been registered with this server, or was removed. Tell the people who run it.
error-redirect = The application's return address is not registered
error-redirect-what = To keep you safe we do not send you to an address that the application has not registered. Tell the people who run it.
error-draft = This sign-in has ended
error-draft-what = It was finished before, or was open for too long. Close this page, go back to the application and sign in from there.
error-busy = The server is busy
error-busy-what = Your request was not carried out. Try again in a moment.
error-fault = Something went wrong on our side
error-fault-what = It has been recorded. Try again in a moment; if it goes on, report the reference number below.

## What is wrong with a form

sign-in-failed = The email address or the password is wrong.
sign-up-domain = Addresses of this domain cannot be used here. Use another one, or ask an administrator.
email-invalid = Enter an email address, such as name@example.com.
email-taken = This address cannot be used.
password-short = Choose a longer password.
password-long = Choose a shorter password.
password-weak = This password is easy to guess. Use more words, or let your password manager choose one.
password-breached = This password is known from break-ins elsewhere. Choose another one.
password-wrong = This is not your current password.
form-wait =
    { $count ->
        [one] Too many tries. Wait a minute, then try again.
       *[other] Too many tries. Wait { $count } minutes, then try again.
    }
data-confirm-wrong = This is not the address of this account.
last-administrator = You are the last administrator. Make somebody else one first.

## What has just been done

done-profile = Your profile is saved.
done-news = Your choice is saved.
done-address-asked = We have sent a link to the new address. It takes the old one's place when you open it.
done-address-confirmed = Your new address is confirmed.
done-password = Your password is changed, and all other devices are signed out.
done-disconnected = It is unlinked.
done-session = That device is signed out.
done-sessions = All other devices are signed out.
done-application = The access is removed.
done-key = The key is revoked.
done-service-token = It is revoked. Nothing accepts it any more.
done-joined = You have joined.
done-org-made = The organisation is made, and you own it.
done-org-switched = You act for another organisation now.
done-org-left = You have left the organisation.
done-service-token-review = The review is noted.

sessions-listed = Who is signed in, and with what. Ending a session signs that browser out, and ends what applications were given in it.
sessions-caption = Live sessions
sessions-nobody = Nobody is signed in. The same on a command line:
sessions-person = Mail address or id of a person
sessions-whose = Person
sessions-agent = The browser, as it names itself
sessions-proof = Proven by
sessions-until = Ends at the latest
sessions-end-one = End the session
sessions-end-name = End a session of { $name }
sessions-end-what = That browser is signed out now, and applications lose what they were given in this session. Nobody is told but the audit trail.
sessions-reason-what = For the audit trail, and for whoever asks why they were signed out.
did-session-ended = The session has ended.

mail-what = What was written to people, the newest first. Without a mail server everything waits here.
mail-caption = Outgoing mail, the newest first
mail-none = Nothing was written yet. The same on a command line:
mail-to = To
mail-kind = What it is
mail-status = State
mail-waiting = Waiting
mail-sent = Sent
mail-given-up = Given up
mail-tries = Tries
mail-written = Written
mail-person = About the account
mail-language = Language
mail-sent-at = Sent
mail-not-yet = Not yet
mail-next = Next try
mail-error = The last error
mail-read = Read it
mail-words = The words
mail-words-what = Its links work: whoever follows them acts as the person it was written to. That you have read it is in the audit trail.
mail-retry = Try again now
did-mail-retried = It is tried again now.
