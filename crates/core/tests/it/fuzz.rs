//! Parsers of outside bytes in core, over what they know and over what is made from it.

use doorward_core::{credentials::Hashed, users::Email};
use doorward_fuzz::fuzz;

fn text(input: &[u8]) -> &str {
    std::str::from_utf8(input).unwrap_or_default()
}

#[test]
fn no_text_breaks_the_reader_of_imported_hashes() {
    let corpus: &[&[u8]] = &[
        b"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        b"$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        b"$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
        b"$pbkdf2-sha256$600000$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        b"$pbkdf2-sha512$i=210000$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        b"$argon2id$v=19$m=4294967295,t=4294967295,p=4294967295$AAAA$AAAA",
    ];
    fuzz("imported hash", corpus, |input| {
        let Ok(hash) = Hashed::parse(text(input)) else { return false };
        assert_eq!(hash.text(), text(input));
        assert_eq!(Hashed::parse(hash.text()).unwrap().scheme(), hash.scheme());
        true
    });
}

#[test]
fn no_text_breaks_the_reader_of_mail_addresses() {
    let corpus: &[&[u8]] = &[
        b"alice@example.org",
        "Ünï.cöde+tag@bücher.example".as_bytes(),
        b"\"a b\"@example.org",
        b"a@[127.0.0.1]",
    ];
    fuzz("mail address", corpus, |input| {
        let Ok(email) = Email::parse(text(input)) else { return false };
        let again = Email::parse(email.address()).unwrap();
        assert_eq!(again.address(), email.address(), "what is stored is read as itself");
        assert!(!email.address().contains(['\r', '\n', '\0', ' ', '<', '>', ',']), "{}", email.address());
        true
    });
}
