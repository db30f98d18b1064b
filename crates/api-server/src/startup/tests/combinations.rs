//! Random combinations of settings and secrets, each with whether a server starts with it. The expectation comes from the table
//! here, and not from the code that is tested. The black-box tests include this file, too.

use std::path::{Path, PathBuf};

/// The Base64 of 32 random bytes each. The first authenticates the existing database.
pub(crate) const KEY_OF_DATABASE: &str = "sQ0rX1m0l6m1o3cJm8y7Vb2p5q9t4u8w1z3x5c7v9n0=";
const ANOTHER_KEY: &str = "Zk3vB8nM1qW5eR7tY9uI2oP4aS6dF8gH0jK2lZ4xC6Y=";
const BOTH_KEYS: &str =
    "Zk3vB8nM1qW5eR7tY9uI2oP4aS6dF8gH0jK2lZ4xC6Y=\nsQ0rX1m0l6m1o3cJm8y7Vb2p5q9t4u8w1z3x5c7v9n0=";
const API_KEY: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";
const VENDOR_KEY: &str = "Qf8sJx2LwZ7mVt4RbKc9YpNd";
/// Of so many settings, about one is wrong.
const WRONG_ONE_IN: usize = 40;

/// The places that a combination may name.
pub(crate) struct Places<'a> {
    /// An empty directory.
    pub(crate) directory: &'a Path,
    /// A database whose chain is authenticated with [`KEY_OF_DATABASE`].
    pub(crate) database: &'a Path,
}

pub(crate) struct Combination {
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) profile: &'static str,
    pub(crate) starts: bool,
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }

    /// A right value, or now and then a wrong one, and whether it is right.
    fn choose(&mut self, right: &[&'static str], wrong: &[&'static str]) -> (&'static str, bool) {
        match wrong.is_empty() || self.below(WRONG_ONE_IN) > 0 {
            true => (right[self.below(right.len())], true),
            false => (wrong[self.below(wrong.len())], false),
        }
    }
}

/// A directory of secrets, and whether it exists and has no file that no secret is named after.
fn secrets_directory(random: &mut Random, places: &Places<'_>) -> (String, bool) {
    let directory = places.directory.join("secrets");
    std::fs::create_dir_all(&directory).expect("the directory can be created");
    let fault = random.below(WRONG_ONE_IN);
    if fault == 1 {
        std::fs::write(directory.join("polygon_key"), VENDOR_KEY).expect("the directory can be written to");
    }
    let directory = if fault == 0 { "/nowhere".to_owned() } else { directory.display().to_string() };
    (directory, fault > 1)
}

/// Combination number `seed`. An empty value means that the variable is not set.
pub(crate) fn combination(seed: u64, places: &Places<'_>) -> Combination {
    let mut random = Random(seed);
    let profile = ["development", "staging", "production"][random.below(3)];
    let (is_strict, is_production) = (profile != "development", profile == "production");
    let (directory, is_faultless) = secrets_directory(&mut random, places);
    let mut variables = vec![("INVESTIQ_PROFILE", profile.to_owned()), ("SECRETS_DIR", directory)];
    let mut starts = is_faultless || !is_strict;
    let mut set = |random: &mut Random, name, right: &[&'static str], wrong: &[&'static str]| {
        let (value, is_right) = random.choose(right, wrong);
        starts &= is_right;
        variables.push((name, value.to_owned()));
        value
    };
    let only_outside_development =
        |value| if is_strict { (vec![value], vec![]) } else { (vec![], vec![value]) };

    let (public, too_public) = only_outside_development("0.0.0.0:0");
    let addresses = [vec!["127.0.0.1:0", "[::1]:0"], public].concat();
    set(&mut random, "BIND_ADDRESS", &addresses, &[vec!["nowhere", "127.0.0.1:99999"], too_public].concat());
    set(&mut random, "RATE_LIMIT_PER_MINUTE", &["", "120", "1000000000"], &["0", "-1"]);
    set(&mut random, "REQUEST_TIMEOUT_SECS", &["", "30"], &["soon", "601"]);
    set(&mut random, "TRUSTED_PROXIES", &["", "10.0.0.0/8"], &["0.0.0.0/0", "proxy"]);
    set(&mut random, "RUST_LOG", &["", "info,aws_smithy_runtime=trace"], &["a=b=c"]);
    set(&mut random, "METRICS_ACCESS", &["", "key"], if is_strict { &["open", "all"] } else { &["all"] });
    set(&mut random, "MARKET_DATA_DIR", &["", "/"], &["/nonexistent", "/dev/null"]);
    set(&mut random, "POLYGON_BASE_URL", &["", "http://127.0.0.1:9"], &["http://example.com", "x"]);
    set(&mut random, "WEBHOOK_WORKERS", &["", "1", "64"], &["0", "65"]);
    set(&mut random, "RETENTION_DAYS", &["", "30"], &[]);
    let auth = set(
        &mut random,
        "REQUIRE_AUTH",
        &["", "true"],
        if is_strict { &["false", "maybe"] } else { &["maybe"] },
    );

    let keys_required = is_strict || auth == "true";
    let (some, none) = (vec![API_KEY, "'k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1:admin'"], vec![""]);
    let weak = vec!["hunter2", "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1:root", "{}"];
    match keys_required {
        true => set(&mut random, "API_KEYS", &some, &[none, weak].concat()),
        false => set(&mut random, "API_KEYS", &[some, none].concat(), &weak),
    };
    let json = r#"{"POLYGON_API_KEY":"Qf8sJx2LwZ7mVt4RbKc9YpNd"}"#;
    let other_json = r#"{"ALPACA_API_KEY":"Qf8sJx2LwZ7mVt4RbKc9YpNd"}"#;
    let weak = if is_strict { vec!["changeme", "aaaaaaaaaaaaaaaa"] } else { vec![] };
    set(
        &mut random,
        "POLYGON_API_KEY",
        &["", VENDOR_KEY, json],
        &[vec!["two\nlines", other_json], weak].concat(),
    );
    set(&mut random, "POLYGON_API_KEY_FILE", &[""], &["relative", "/nowhere/key"]);
    set(&mut random, "ALPACA_WEBHOOK_SECRET", &["", "a shared secret, Zx7kQp2vWn9"], &["short"]);
    set(
        &mut random,
        "BRIDGE_WEBHOOK_SECRET",
        &[""],
        &["no PEM", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"],
    );
    set(&mut random, "SECRET_PREFIX", &[""], &["prod/rail"]);
    let malformed = ["c2hvcnQ=", "not Base64"];
    let keys = [KEY_OF_DATABASE, ANOTHER_KEY, BOTH_KEYS];
    let audit_key = match is_production {
        true => set(&mut random, "AUDIT_KEY", &keys, &[&malformed[..], &[""]].concat()),
        false => set(&mut random, "AUDIT_KEY", &[&keys[..], &[""]].concat(), &malformed),
    };

    let sqlite = |path: PathBuf| format!("sqlite:{}", path.display());
    let (url, is_right) = match random.below(8) {
        0 => {
            let path = places.directory.join("existing.db");
            std::fs::copy(places.database, &path).expect("the database is a file");
            (sqlite(path), audit_key.contains(KEY_OF_DATABASE))
        }
        1 if random.below(4) == 0 => (sqlite(places.database.join("below/a/file.db")), false),
        2 if random.below(4) == 0 => ("mysql://u:p@localhost/x".to_owned(), false),
        3 if is_production && random.below(4) == 0 => (String::new(), false),
        4 => (format!("\"{}\"", sqlite(places.directory.join("quoted.db"))), true),
        _ => (sqlite(places.directory.join("data/new.db")), true),
    };
    variables.push(("DATABASE_URL", url));
    variables.retain(|(_, value)| !value.is_empty());
    Combination { variables, profile, starts: starts && is_right }
}
