# Mails auf Deutsch.

link-hint = Falls der Knopf nicht geht, öffnen Sie diese Adresse:
footer = Diese Nachricht kommt von { $issuer }. Niemand dort wird Sie je nach Ihrem Passwort fragen.
footer-org = Diese Nachricht kommt von { $issuer } im Namen von { $sender }. Niemand dort wird Sie je nach Ihrem Passwort fragen.

verify-sign-up-subject = Bestätigen Sie Ihre Mailadresse
verify-sign-up-heading = Fast geschafft
verify-sign-up-body = Jemand, hoffentlich Sie, legt mit dieser Mailadresse ein Konto an. Bestätigen Sie die Adresse, um es abzuschließen.
verify-sign-up-button = Adresse bestätigen
verify-sign-up-after = Der Link gilt einmal und { $minutes ->
        [one] eine Minute
       *[other] { $minutes } Minuten
    } lang. Falls Sie es nicht waren, tun Sie nichts: Ohne den Link entsteht kein Konto.

already-signed-up-subject = Sie haben schon ein Konto
already-signed-up-heading = Sie haben schon ein Konto
already-signed-up-body = Jemand, hoffentlich Sie, wollte mit dieser Mailadresse ein Konto anlegen. Es gibt schon eines: Melden Sie sich damit an. Wenn Sie das Passwort nicht mehr wissen, fordern Sie dort ein neues an.
already-signed-up-button = Anmelden
already-signed-up-after = Falls Sie es nicht waren, tun Sie nichts. Es wurde nichts geändert.

reset-password-subject = Neues Passwort setzen
reset-password-heading = Neues Passwort setzen
reset-password-body = Jemand, hoffentlich Sie, möchte ein neues Passwort für das Konto mit dieser Mailadresse setzen.
reset-password-button = Neues Passwort setzen
reset-password-after = Der Link gilt einmal und { $minutes ->
        [one] eine Minute
       *[other] { $minutes } Minuten
    } lang. Falls Sie es nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist.

sign-in-again-subject = Bestätigen Sie, dass Sie es sind
sign-in-again-heading = Bestätigen Sie, dass Sie es sind
sign-in-again-body = Jemand, hoffentlich Sie, hat mit Ihrem Konto etwas vor, das eine frische Anmeldung braucht. Öffnen Sie den Link in dem Browser, in dem danach gefragt wurde.
sign-in-again-button = Ich bin es
sign-in-again-after = Der Link gilt einmal, { $minutes ->
        [one] eine Minute
       *[other] { $minutes } Minuten
    } lang und nur in diesem Browser. Falls Sie es nicht waren, öffnen Sie ihn nicht, und beenden Sie auf der Seite Ihrer Sitzungen, was Sie nicht kennen.

reset-offered-subject = Ein neues Passwort setzen
reset-offered-heading = Ein neues Passwort setzen
reset-offered-body = Wer hier verwaltet, bittet Sie, für das Konto mit dieser Mailadresse ein neues Passwort zu setzen. Bis dahin gilt das bisherige.
reset-offered-button = Neues Passwort setzen
reset-offered-after = Der Link gilt einmal, für { $minutes ->
        [one] eine Minute
       *[other] { $minutes } Minuten
    }. Danach fordern Sie auf der Anmeldeseite unter „Passwort vergessen?“ einen neuen an.

account-made-subject = Für Sie wurde ein Konto angelegt
account-made-heading = Für Sie wurde ein Konto angelegt
account-made-body = Ein Administrator hat hier für diese Mailadresse ein Konto angelegt. Wählen Sie ein Passwort, und es gehört Ihnen.
account-made-button = Passwort wählen
account-made-after = Der Link gilt einmal und { $minutes ->
        [one] eine Minute
       *[other] { $minutes } Minuten
    } lang. Danach fordern Sie mit „Forgot password?“ auf der Anmeldeseite einen neuen an.

verify-email-subject = Bestätigen Sie Ihre neue Mailadresse
verify-email-heading = Bestätigen Sie Ihre neue Mailadresse
verify-email-body = Dies soll die Mailadresse Ihres Kontos werden. Bestätigen Sie die Adresse, um die Änderung abzuschließen.
verify-email-button = Adresse bestätigen
verify-email-after = Der Link gilt einmal und { $minutes ->
        [one] eine Minute
       *[other] { $minutes } Minuten
    } lang. Falls Sie es nicht waren, tun Sie nichts: Es wird nichts geändert.

email-changed-subject = Ihre Mailadresse wurde geändert
email-changed-heading = Ihre Mailadresse wurde geändert
email-changed-body = Die Mailadresse Ihres Kontos ist jetzt { $address }. Diese hier wird nicht mehr benutzt.
email-changed-after = Falls Sie es nicht waren, hat vielleicht jemand anders Zugang zu Ihrem Konto. Wenden Sie sich sofort an Ihre Verwaltung.

password-changed-subject = Ihr Passwort wurde geändert
password-changed-heading = Ihr Passwort wurde geändert
password-changed-body = Das Passwort Ihres Kontos wurde am { $when } geändert. Alle anderen Sitzungen wurden beendet.
password-changed-button = Anderes Passwort setzen
password-changed-after = Falls Sie es nicht waren, setzen Sie sofort ein anderes Passwort.

sign-in-linked-subject = Eine weitere Anmeldung wurde verknüpft
sign-in-linked-heading = Eine weitere Anmeldung wurde verknüpft
sign-in-linked-body = Seit { $when } kann man sich am Konto mit dieser Mailadresse über { $name } anmelden.
sign-in-linked-button = Verknüpfte Anmeldungen ansehen
sign-in-linked-after = Falls Sie es nicht waren, heben Sie die Verknüpfung dort auf und setzen Sie sofort ein anderes Passwort.

sign-in-unlinked-subject = Die Verknüpfung einer Anmeldung wurde aufgehoben
sign-in-unlinked-heading = Die Verknüpfung einer Anmeldung wurde aufgehoben
sign-in-unlinked-body = Seit { $when } kann man sich am Konto mit dieser Mailadresse nicht mehr über { $name } anmelden.
sign-in-unlinked-button = Verknüpfte Anmeldungen ansehen
sign-in-unlinked-after = Falls Sie es nicht waren, setzen Sie sofort ein anderes Passwort.

account-deleted-subject = Ihr Konto wurde gelöscht
account-deleted-heading = Ihr Konto wurde gelöscht
account-deleted-body = Das Konto mit dieser Mailadresse wurde am { $when } gelöscht, und damit das, was wir über Sie wussten.
account-deleted-after = Falls Sie es nicht waren, wenden Sie sich an Ihre Verwaltung. Danke, dass Sie da waren.

service-token-ends-subject = Das Dienst-Token { $name } läuft bald ab
service-token-ends-heading = { $name } läuft { $days ->
        [one] innerhalb eines Tages
       *[other] in { $days } Tagen
    } ab
service-token-ends-body = Sie sind für das Dienst-Token { $name } verantwortlich. Es läuft am { $when } ab; was es benutzt, wird von da an abgewiesen. Erneuern Sie es vorher: Das ergibt ein neues Geheimnis, und das jetzige gilt weiter, während Sie es ersetzen.
service-token-ends-button = Token ansehen
service-token-ends-after = { $way ->
        [link] Auf der Kommandozeile: doorward token rotate { $name }. Wenn nichts es mehr benutzt, lassen Sie es ablaufen oder widerrufen Sie es.
       *[ask] Selbst können Sie das nicht: Bitten Sie die Verwaltung von { $issuer }, { $name } zu erneuern, oder es ablaufen zu lassen, wenn nichts es mehr benutzt.
    }

service-token-leaked-subject = Das Dienst-Token { $name } wurde widerrufen
service-token-leaked-heading = Ein Geheimnis von { $name } wurde gefunden
service-token-leaked-body = Jemand hat gemeldet, dass ein Geheimnis des Dienst-Tokens { $name }, für das Sie verantwortlich sind, an einem Ort gefunden wurde, an den es nicht gehört. Es wurde am { $when } widerrufen; was dieses Geheimnis benutzt, wird abgewiesen.
service-token-leaked-button = Token ansehen
service-token-leaked-after = { $way ->
        [link] Machen Sie für das, was es benutzt hat, ein neues Token, suchen Sie im Protokoll nach Benutzungen, die Sie nicht kennen, und entfernen Sie das Geheimnis dort, wo es gefunden wurde.
       *[ask] Entfernen Sie das Geheimnis dort, wo es gefunden wurde, und bitten Sie die Verwaltung von { $issuer }, für das, was es benutzt hat, ein neues Token zu machen und im Protokoll nach Benutzungen zu suchen, die niemand kennt.
    }

service-token-review-subject = Wird das Dienst-Token { $name } gebraucht?
service-token-review-heading = Eine Prüfung von { $name } steht an
service-token-review-body = Sie sind für das Dienst-Token { $name } verantwortlich. Zuletzt wurde am { $when } nach ihm gesehen. Bitte prüfen Sie, ob und wovon es noch benutzt wird, und ob es mehr darf, als es braucht.
service-token-review-button = Token ansehen
service-token-review-after = { $way ->
        [link] Wenn alles stimmt, sagen Sie es auf seiner Seite oder auf der Kommandozeile: doorward token review { $name }. Wenn nichts es mehr benutzt, widerrufen Sie es.
       *[ask] Selbst können Sie das nicht: Sagen Sie der Verwaltung von { $issuer }, ob { $name } gebraucht wird, oder bitten Sie sie, es zu widerrufen.
    }

service-token-rotation-subject = Erneuern Sie das Dienst-Token { $name }
service-token-rotation-heading = Das Geheimnis von { $name } ist alt
service-token-rotation-body = Sie sind für das Dienst-Token { $name } verantwortlich. Es läuft nicht von selbst ab und hat seit { $when } dasselbe Geheimnis. Erneuern Sie es: Das ergibt ein neues Geheimnis, und das jetzige gilt weiter, während Sie es ersetzen.
service-token-rotation-button = Token ansehen
service-token-rotation-after = { $way ->
        [link] Auf der Kommandozeile: doorward token rotate { $name }. Wenn nichts es mehr benutzt, widerrufen Sie es.
       *[ask] Selbst können Sie das nicht: Bitten Sie die Verwaltung von { $issuer }, { $name } zu erneuern, oder es zu widerrufen, wenn nichts es mehr benutzt.
    }

invitation-subject = Einladung zu { $org }
invitation-heading = Kommen Sie zu { $org }
invitation-body = { $inviter } lädt Sie ein, der Organisation { $org } beizutreten, als { $role }.
invitation-button = Einladung ansehen
invitation-after = Der Link ist nur für Sie und gilt bis { $when }. Wenn Sie nicht wissen, worum es geht, müssen Sie nichts tun: Es geschieht nichts.

domain-lost-subject = { $domain } ist nicht mehr nachgewiesen
domain-lost-heading = { $domain } ist nicht mehr nachgewiesen
domain-lost-body = Seit einer Woche sagt das DNS von { $domain } nicht mehr, dass die Domain Ihrer Organisation gehört. Niemand tritt mehr mit einer Adresse von ihr bei, und niemand meldet sich mit ihr anderswo an. Wer zur Organisation gehört, bleibt. Um sie wieder nachzuweisen, lassen Sie den TXT-Eintrag { $record } { $value } sagen, und lassen Sie ihn prüfen.
domain-lost-button = Organisation öffnen
domain-lost-after = Wenn die Domain nicht mehr Ihre ist, nehmen Sie sie heraus.

announcement-stop = Sie bekommen dies, weil Sie zugestimmt haben, Post zu bekommen. Um keine mehr zu bekommen, öffnen Sie diese Adresse:
