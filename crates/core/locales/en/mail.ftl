# Mails. Each has a subject, a heading and a body; a button where there is a link; words after it.

link-hint = If the button does not work, open this address:
footer = This message was sent by { $issuer }. Nobody there will ever ask for your password.
footer-org = This message was sent by { $issuer } in the name of { $sender }. Nobody there will ever ask for your password.

verify-sign-up-subject = Confirm your email address
verify-sign-up-heading = Almost there
verify-sign-up-body = Somebody, hopefully you, is making an account with this email address. Confirm it to finish.
verify-sign-up-button = Confirm address
verify-sign-up-after = The link works once, for { $minutes ->
        [one] one minute
       *[other] { $minutes } minutes
    }. If it was not you, ignore this message: without the link there will be no account.

already-signed-up-subject = You already have an account
already-signed-up-heading = You already have an account
already-signed-up-body = Somebody, hopefully you, wanted to make an account with this email address. There is one already: sign in with it. If you do not remember the password, ask for a new one there.
already-signed-up-button = Sign in
already-signed-up-after = If it was not you, ignore this message. Nothing was changed.

reset-password-subject = Set a new password
reset-password-heading = Set a new password
reset-password-body = Somebody, hopefully you, asked for a new password for the account with this email address.
reset-password-button = Set a new password
reset-password-after = The link works once, for { $minutes ->
        [one] one minute
       *[other] { $minutes } minutes
    }. If it was not you, ignore this message: your password stays as it is.

sign-in-again-subject = Prove that it is you
sign-in-again-heading = Prove that it is you
sign-in-again-body = Somebody, hopefully you, is about to do something with your account that needs a fresh sign-in. Open the link in the browser in which it was asked for.
sign-in-again-button = It is me
sign-in-again-after = The link works once, for { $minutes ->
        [one] one minute
       *[other] { $minutes } minutes
    }, and in that browser only. If it was not you, do not open it, and end sessions that you do not know on the page of your sessions.

reset-offered-subject = Set a new password
reset-offered-heading = Set a new password
reset-offered-body = An administrator asks you to set a new password for the account with this email address. Until you do, the present one works.
reset-offered-button = Set a new password
reset-offered-after = The link works once, for { $minutes ->
        [one] one minute
       *[other] { $minutes } minutes
    }. After that, ask for a new one by “Forgot password?” on the sign-in page.

account-made-subject = An account was made for you
account-made-heading = An account was made for you
account-made-body = An administrator has made an account here for this email address. Choose a password, and it is yours.
account-made-button = Choose a password
account-made-after = The link works once, for { $minutes ->
        [one] one minute
       *[other] { $minutes } minutes
    }. After that, ask for a new one by “Forgot password?” on the sign-in page.

verify-email-subject = Confirm your new email address
verify-email-heading = Confirm your new email address
verify-email-body = This shall become the email address of your account. Confirm it to make the change.
verify-email-button = Confirm address
verify-email-after = The link works once, for { $minutes ->
        [one] one minute
       *[other] { $minutes } minutes
    }. If it was not you, ignore this message: nothing will be changed.

email-changed-subject = Your email address was changed
email-changed-heading = Your email address was changed
email-changed-body = The email address of your account is now { $address }. This one is not used any more.
email-changed-after = If it was not you, somebody else may have access to your account. Tell your administrator at once.

password-changed-subject = Your password was changed
password-changed-heading = Your password was changed
password-changed-body = The password of your account was changed on { $when }. Every other session was signed out.
password-changed-button = Set another password
password-changed-after = If it was not you, set another password at once.

sign-in-linked-subject = Another way to sign in was linked
sign-in-linked-heading = Another way to sign in was linked
sign-in-linked-body = Since { $when }, the account with this mail address can be signed in to at { $name }.
sign-in-linked-button = See linked sign-ins
sign-in-linked-after = If it was not you, unlink it there and set another password at once.

sign-in-unlinked-subject = A way to sign in was unlinked
sign-in-unlinked-heading = A way to sign in was unlinked
sign-in-unlinked-body = Since { $when }, the account with this mail address is not signed in to at { $name } any more.
sign-in-unlinked-button = See linked sign-ins
sign-in-unlinked-after = If it was not you, set another password at once.

account-deleted-subject = Your account was deleted
account-deleted-heading = Your account was deleted
account-deleted-body = The account with this email address was deleted on { $when }, and with it what we knew about you.
account-deleted-after = If it was not you, tell your administrator. Thank you for having been here.

service-token-ends-subject = The service token { $name } ends soon
service-token-ends-heading = { $name } ends { $days ->
        [one] within a day
       *[other] within { $days } days
    }
service-token-ends-body = You answer for the service token { $name }. It ends on { $when }, and what uses it is refused from then on. Rotate it before: that makes another secret, and the present one goes on working while you replace it.
service-token-ends-button = Look at the token
service-token-ends-after = { $way ->
        [link] On a command line: doorward token rotate { $name }. If nothing uses it any more, let it end or revoke it.
       *[ask] You cannot do this yourself: ask an administrator of { $issuer } to rotate { $name }, or to let it end if nothing uses it any more.
    }

service-token-leaked-subject = The service token { $name } was revoked
service-token-leaked-heading = A secret of { $name } was found
service-token-leaked-body = Somebody has reported that a secret of the service token { $name }, for which you answer, was found where it must not be. It was revoked on { $when }, and what uses that secret is refused.
service-token-leaked-button = Look at the token
service-token-leaked-after = { $way ->
        [link] Make another token for what used it, look in the audit trail for uses that you do not know, and take the secret away from where it was found.
       *[ask] Take the secret away from where it was found, and ask an administrator of { $issuer } to make another token for what used it and to look in the audit trail for uses that nobody knows.
    }

service-token-review-subject = Is the service token { $name } needed?
service-token-review-heading = A review of { $name } is due
service-token-review-body = You answer for the service token { $name }. It was looked after last on { $when }. Please look whether it is used still, by whom, and whether it may do more than it needs.
service-token-review-button = Look at the token
service-token-review-after = { $way ->
        [link] If all is well, say so on its page, or on a command line: doorward token review { $name }. If nothing uses it any more, revoke it.
       *[ask] You cannot do this yourself: tell an administrator of { $issuer } whether { $name } is needed, or ask an administrator of { $issuer } to revoke it.
    }

service-token-rotation-subject = Rotate the service token { $name }
service-token-rotation-heading = The secret of { $name } is old
service-token-rotation-body = You answer for the service token { $name }. It does not end by itself, and has had the same secret since { $when }. Rotate it: that makes another secret, and the present one goes on working while you replace it.
service-token-rotation-button = Look at the token
service-token-rotation-after = { $way ->
        [link] On a command line: doorward token rotate { $name }. If nothing uses it any more, revoke it.
       *[ask] You cannot do this yourself: ask an administrator of { $issuer } to rotate { $name }, or to revoke it if nothing uses it any more.
    }

invitation-subject = Join { $org }
invitation-heading = Join { $org }
invitation-body = { $inviter } asks you to join the organisation { $org } as { $role }.
invitation-button = Look at the invitation
invitation-after = The link is for you alone and works until { $when }. If you do not know what this is about, ignore this message: nothing will happen.

domain-lost-subject = { $domain } is not proven any more
domain-lost-heading = { $domain } is not proven any more
domain-lost-body = For a week the DNS of { $domain } has not said that the domain is your organisation's. Nobody joins by an address of it any more, and nobody signs in by it elsewhere. Whoever belongs to the organisation stays. To prove it again, let the TXT record { $record } say { $value }, and have it verified.
domain-lost-button = Open the organisation
domain-lost-after = If the domain is not yours any more, take it off.

announcement-stop = You get this because you agreed to be written to. To get no more of these, open this address:
