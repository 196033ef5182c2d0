//! A small seeded mutation engine.

/// Words that our parsers look for, and values at their edges.
const WORDS: &[&[u8]] = &[
    b"alg",
    b"none",
    b"ES256",
    b"RS256",
    b"EdDSA",
    b"HS256",
    b"typ",
    b"crit",
    b"b64",
    b"jwk",
    b"kid",
    b"kty",
    b"crv",
    b"oct",
    b"EC",
    b"OKP",
    b"RSA",
    b"P-256",
    b"Ed25519",
    b"AQAB",
    b"\"\"",
    b"{}",
    b"[]",
    b"null",
    b"true",
    b"1e308",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"9223372036854775807",
    b"0",
    b"-1",
    b"\\u0000",
    b"\\ud800",
    b"[[[[[[[[",
    b"{\"a\":",
    b"}}}}",
    b"%00",
    b"%ff",
    b"%",
    b"%C3%A9",
    b"+",
    b"&",
    b"=",
    b"&&",
    b".",
    b"..",
    b"//",
    b"://",
    b"@",
    b":",
    b"#",
    b"?",
    b"*",
    b"\\",
    b" ",
    b"\t",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"https://",
    b"http://127.0.0.1",
    b"http://localhost",
    b"[::1]",
    b"javascript:",
    b"client_id=",
    b"redirect_uri=",
    b"scope=",
    b"resource=",
    b"claims=",
    b"grant_type=",
    b"prompt=none",
    b"Basic ",
    b"Bearer ",
    b"urn:",
    b"dw_rt_",
    b"usr_",
    b"for=",
    b"$argon2id$",
    b"$2b$",
    b",",
    b";",
    b"q=",
    b"DPoP ",
    b"__Host-",
    b"\"",
];

/// Makes inputs out of other inputs.
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// One sequence for each name.
    pub fn new(name: &str) -> Self {
        // FNV-1a.
        let state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { state }
    }

    /// splitmix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random() % limit.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.random() & 0xff).unwrap()
    }

    /// The next input.
    pub fn next(&mut self, corpus: &[Vec<u8>], limit: usize) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(5) {
            self.mutate(&mut input, corpus);
        }
        input.truncate(limit);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = (at + 1 + self.below(16)).min(input.len());
        match self.below(9) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.byte(),
            2 => {
                let byte = self.byte();
                input.insert(at, byte);
            }
            3 if at < end => drop(input.drain(at..end)),
            4 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
            5 if at < end => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..end, word.iter().copied());
            }
            6 if at < end => {
                let piece = input[at..end].repeat(1 + self.below(40));
                input.splice(at..at, piece);
            }
            7 => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.truncate(at),
        }
    }
}
