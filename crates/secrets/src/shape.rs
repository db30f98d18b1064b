//! Takes a value out of what tools wrap around it: quotes, an assignment, a JSON object, Base64 of a PEM.
//!
//! What has one reading is taken out; anything else that is visibly wrapped is refused, so that no wrapping is ever used as
//! a part of a key. It is the same for every source.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::invalid::InvalidReason;
use crate::json::{self, Object};
use crate::spec::{Class, Format, SecretSpec};
use crate::value::SecretValue;

/// Names that mean "the value" where an object has a single field.
const ANY_NAME: [&str; 7] = ["secret", "secret_string", "value", "key", "api_key", "token", "password"];
/// Fields of the JSON that AWS keeps for a database.
const DATABASE_FIELDS: [&str; 3] = ["username", "password", "host"];
const POSTGRES_PORT: &str = "5432";
const PEM_BEGIN: &str = "-----BEGIN ";
const VARIABLE: &str = "store the value of the variable";
const PATH: &str = "store what the file contains, or set the variable NAME_FILE to its path";
const ADDRESS: &str = "store the value that is at this address";
const MANAGED: &str =
    "store the value itself, or set SECRET_PREFIX, with which values are read from AWS Secrets Manager";
const ENCRYPTED: &str = "store the decrypted value";
/// How references to other places begin.
const REFERENCES: [(&str, &str); 7] = [
    ("${", VARIABLE),
    ("$(", VARIABLE),
    ("arn:aws", MANAGED),
    ("vault:", ENCRYPTED),
    ("ENC[", ENCRYPTED),
    ("@Microsoft.KeyVault(", ADDRESS),
    ("projects/", ADDRESS),
];

/// The value within `text`; `None` when it is not wrapped.
pub(crate) fn unwrap(text: &str, spec: &SecretSpec) -> Result<Option<SecretValue>, InvalidReason> {
    if matches!(spec.format, Format::Json { .. } | Format::Bytes) {
        return Ok(None);
    }
    let inner = unquoted(assigned(unquoted(text), spec));
    if is_json(inner) {
        let value = from_json(inner, spec)?;
        return if value.expose_text().is_some_and(is_json) {
            Err(InvalidReason::NoField)
        } else {
            Ok(Some(value))
        };
    }
    let changed = || (inner.len() < text.len()).then(|| SecretValue::from_slice(inner.as_bytes()));
    match (spec.format, inner.contains(PEM_BEGIN)) {
        (Format::Pem, false) => Ok(pem_in_base64(inner).or_else(changed)),
        (Format::Pem, true) | (_, false) => Ok(changed()),
        (_, true) => Err(InvalidReason::UnexpectedPem),
    }
}

/// Keys that are sent in headers: no vendor issues one with a quote, a brace, a space or an inner `=`, which are those of a
/// wrapping that is incomplete, or of another variable.
pub(crate) fn check(text: &str, spec: &SecretSpec) -> Result<(), InvalidReason> {
    // The URL of a database is its value.
    if spec.class != Class::DbCredential
        && matches!(spec.format, Format::Text | Format::Lines)
        && let Some(remedy) = text.split([',', '\n']).find_map(reference)
    {
        return Err(InvalidReason::Reference { remedy });
    }
    let is_part = |byte: u8| byte.is_ascii_graphic() && !b"\"'`{}\\=,;".contains(&byte);
    let is_api_key = text.trim_end_matches('=').bytes().all(is_part);
    if spec.class == Class::ApiKey && spec.format == Format::Text && !is_api_key {
        return Err(InvalidReason::NotApiKey);
    }
    Ok(())
}

/// What to do if `text` says where a secret is, in a form that no random key has.
fn reference(text: &str) -> Option<&'static str> {
    let text = text.split_once("secret=").map_or(text, |(_attributes, value)| value).trim();
    let listed = REFERENCES.iter().find(|(start, _)| text.starts_with(start)).map(|(_, remedy)| *remedy);
    let of_form = || {
        Some(match text.split_at_checked(1)? {
            ("$", name) if is_variable(name) => VARIABLE,
            ("/", path) if is_path(path) => PATH,
            _ if is_scheme(text.split_once("://")?.0) => ADDRESS,
            _ => return None,
        })
    };
    listed.or_else(of_form)
}

fn is_variable(name: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_uppercase()) && name.bytes().all(is_name)
}

/// Such as `run/secrets/key` or `Users/ana/KEY_1`. Base64 with a `/` has no other punctuation and is not all lower case.
fn is_path(path: &str) -> bool {
    let Some((directory, _)) = path.split_once('/') else { return false };
    directory.len() > 2
        && directory.bytes().skip(1).all(|byte| byte.is_ascii_lowercase())
        && (path.contains(['_', '-', '.']) || !path.bytes().any(|byte| byte.is_ascii_uppercase()))
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"+-".contains(&byte))
}

/// Without the quotes around the whole text, which `docker run --env-file` does not remove.
fn unquoted(text: &str) -> &str {
    let within = |quote: char| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    };
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

/// What follows `NAME=`, as in a file of variables, where `NAME` is a variable of this secret.
fn assigned<'a>(text: &'a str, spec: &SecretSpec) -> &'a str {
    let assignment = text.strip_prefix("export ").unwrap_or(text);
    let value = |variable: String| assignment.strip_prefix(&variable)?.strip_prefix('=');
    spec.variables().find_map(value).unwrap_or(text)
}

fn is_json(text: &str) -> bool {
    let text = text.trim();
    (text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']'))
}

/// The field that is named as the secret or a variable of it, or the only field if its name says nothing else.
fn from_json(text: &str, spec: &SecretSpec) -> Result<SecretValue, InvalidReason> {
    let object = json::object(text.trim()).map_err(|_| InvalidReason::NoField)?;
    let own =
        |name: &str| spec.variables().any(|variable| variable.eq_ignore_ascii_case(&name.replace('-', "_")));
    let mut fields = object.names().filter(|name| own(name));
    match (fields.next(), fields.next()) {
        (Some(name), None) => return json::scalar_field(&object, name).ok_or(InvalidReason::NoField),
        (Some(_), Some(_)) => return Err(InvalidReason::SeveralFields),
        (None, _) => {}
    }
    if spec.format == Format::DatabaseUrl && object.names().any(|name| DATABASE_FIELDS.contains(&name)) {
        return database_url(&object);
    }
    let mut names = object.names();
    match (names.next(), names.next()) {
        (Some(name), None) if ANY_NAME.contains(&name.to_ascii_lowercase().as_str()) => {
            json::scalar_field(&object, name).ok_or(InvalidReason::NoField)
        }
        _ => Err(InvalidReason::NoField),
    }
}

/// The URL of the database that AWS describes (docs.aws.amazon.com/secretsmanager, "JSON structure of database
/// credential secrets").
fn database_url(object: &Object<'_>) -> Result<SecretValue, InvalidReason> {
    let optional = |name: &str| json::scalar_field(object, name);
    let required = |field: &'static str| optional(field).ok_or(InvalidReason::JsonField { field });
    let is_postgres =
        |engine: SecretValue| engine.expose_text().is_some_and(|engine| engine.contains("postgres"));
    if optional("engine").is_some_and(|engine| !is_postgres(engine)) {
        return Err(InvalidReason::NotPostgres);
    }
    let (user, password, host) = (required("username")?, required("password")?, required("host")?);
    let (port, database) = (optional("port"), required("dbname")?);
    let [user, password, database] = [&user, &password, &database].map(|part| percent_encoded(part.expose()));
    let text = |value: &SecretValue| value.expose_text().unwrap_or_default().to_owned();
    let host = match text(&host) {
        host if host.contains(':') => format!("[{host}]"),
        host => host,
    };
    let port = port.map_or_else(|| POSTGRES_PORT.to_owned(), |port| text(&port));
    let url = format!("postgres://{}:{}@{host}:{port}/{}", *user, *password, *database);
    Ok(SecretValue::from_string(url))
}

/// RFC 3986, 2.1: everything but the unreserved characters.
fn percent_encoded(bytes: &[u8]) -> Zeroizing<String> {
    let encode = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    Zeroizing::new(bytes.iter().map(encode).collect())
}

/// The PEM in a text that is its Base64, in one line or in several.
fn pem_in_base64(text: &str) -> Option<SecretValue> {
    let text: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    let decoded = SecretValue::from_vec(STANDARD.decode(text.as_bytes()).ok()?);
    let pem = decoded.expose_text()?.trim_end();
    pem.contains(PEM_BEGIN).then(|| SecretValue::from_slice(pem.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::text;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----";

    fn check(name: &str, raw: &str, expected: Result<&str, InvalidReason>) {
        let catalogue = Catalogue::product();
        let clean = text::clean(&SecretValue::from_slice(raw.as_bytes()), catalogue.get(name).unwrap());
        let clean = clean.map(|clean| clean.value.expose_text().unwrap().to_owned());
        assert_eq!(clean.as_deref().map_err(|reason| *reason), expected, "{name}: {raw}");
    }

    #[test]
    fn a_key_is_taken_out_of_json_quotes_and_assignments() {
        for raw in [
            r#"{"POLYGON_API_KEY":"kT9v2LqX"}"#,
            r#"{"polygon-api-key":"kT9v2LqX","other":"x"}"#,
            "{\n  \"polygon_api_key\": \"kT9v2LqX\"\n}\n",
            r#"{"secret":"kT9v2LqX"}"#,
            r#"{"value":"kT9v2LqX"}"#,
            r#""kT9v2LqX""#,
            "'kT9v2LqX'\n",
            "POLYGON_API_KEY=kT9v2LqX",
            "export POLYGON_API_KEY=\"kT9v2LqX\"",
            r#"'{"POLYGON_API_KEY":"kT9v2LqX"}'"#,
        ] {
            check("polygon_api_key", raw, Ok("kT9v2LqX"));
        }
        check("alpaca_api_secret", r#"{"ALPACA_SECRET_KEY":"kT9v2LqX"}"#, Ok("kT9v2LqX"));
        check("api_keys", "\"kT9v2LqX:admin,Zm9vYmFy\"", Ok("kT9v2LqX:admin,Zm9vYmFy"));
        check("api_keys", r#"{"api_keys":"kT9v2LqX:admin"}"#, Ok("kT9v2LqX:admin"));
        check("alpaca_webhook_secret", r#"{"secret":"kT9v2LqX kT9v2LqX"}"#, Ok("kT9v2LqX kT9v2LqX"));
    }

    #[test]
    fn what_has_no_single_reading_is_refused() {
        for (name, raw, reason) in [
            ("polygon_api_key", r#"{"ALPACA_API_KEY":"kT9v2LqX"}"#, InvalidReason::NoField),
            ("polygon_api_key", r#"{"secret":"kT9v2LqX","value":"x"}"#, InvalidReason::NoField),
            ("polygon_api_key", r#"{"secret":{"key":"kT9v2LqX"}}"#, InvalidReason::NoField),
            ("polygon_api_key", r#"{"secret":"{\"key\":\"kT9v2LqX\"}"}"#, InvalidReason::NoField),
            ("polygon_api_key", r#"{"secret":"a","secret":"b"}"#, InvalidReason::NoField),
            ("polygon_api_key", r#"["kT9v2LqX"]"#, InvalidReason::NoField),
            ("polygon_api_key", "{kT9v2LqX}", InvalidReason::NoField),
            (
                "polygon_api_key",
                r#"{"POLYGON_API_KEY":"a","polygon-api-key":"b"}"#,
                InvalidReason::SeveralFields,
            ),
            ("polygon_api_key", "\"kT9v2LqX", InvalidReason::NotApiKey),
            ("polygon_api_key", "ALPACA_API_KEY=kT9v2LqX", InvalidReason::NotApiKey),
            ("polygon_api_key", "Bearer kT9v2LqX", InvalidReason::NotApiKey),
            ("polygon_api_key", "kT9v2LqX,", InvalidReason::NotApiKey),
            ("polygon_api_key", "\"kT9v2LqX\";", InvalidReason::NotApiKey),
            ("polygon_api_key", PEM, InvalidReason::UnexpectedPem),
            ("api_keys", r#"["kT9v2LqX"]"#, InvalidReason::NoField),
            ("audit_key", r#"{"a":"kT9v2LqX"}"#, InvalidReason::NoField),
        ] {
            check(name, raw, Err(reason));
        }
        // Padding is not an assignment.
        check("polygon_api_key", "kT9v2LqX==", Ok("kT9v2LqX=="));
    }

    #[test]
    fn a_reference_to_a_secret_elsewhere_is_refused() {
        for (raw, remedy) in [
            ("$POLYGON_API_KEY", VARIABLE),
            ("\"${POLYGON_API_KEY}\"", VARIABLE),
            ("$(cat key)", VARIABLE),
            ("/run/secrets/polygon_api_key", PATH),
            ("/Users/ana/POLYGON_API_KEY", PATH),
            ("arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/polygon-Ab12Cd", MANAGED),
            ("op://vault/polygon/key", ADDRESS),
            ("ref+awsssm://polygon", ADDRESS),
            ("projects/rail/secrets/polygon/versions/1", ADDRESS),
            ("@Microsoft.KeyVault(SecretUri=https://rail.vault.azure.net/x)", ADDRESS),
            ("vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==", ENCRYPTED),
            ("ENC[AES256_GCM,data:kT9v2LqX,iv:x,tag:x,type:str]", ENCRYPTED),
        ] {
            for name in ["polygon_api_key", "alpaca_webhook_secret", "api_keys"] {
                check(name, raw, Err(InvalidReason::Reference { remedy }));
            }
        }
        check(
            "alpaca_webhook_secret",
            "label=a secret=op://a/b",
            Err(InvalidReason::Reference { remedy: ADDRESS }),
        );
        check("api_keys", "Zm9vYmFy,${ADMIN}:admin", Err(InvalidReason::Reference { remedy: VARIABLE }));
        for raw in
            ["/kT9v2LqX/Zm9vYmFy+A==", "/run/Zm9vYmFy", "$kT9v2LqX", "kT9v2LqX/run/secrets/x", "//kT9v"]
        {
            for name in ["polygon_api_key", "alpaca_webhook_secret", "api_keys"] {
                check(name, raw, Ok(raw));
            }
        }
        check("circle_api_key", "TEST_API_KEY:3f9a:77c0", Ok("TEST_API_KEY:3f9a:77c0"));
        check("database_url", "postgres://u:p@db/app", Ok("postgres://u:p@db/app"));
    }

    #[test]
    fn a_pem_is_taken_out_of_base64_and_of_json() {
        let base64 = STANDARD.encode(format!("{PEM}\n"));
        let (start, end) = base64.split_at(40);
        let in_json = serde_json::json!({ "bridge_webhook_secret": PEM }).to_string();
        for raw in [base64.as_str(), &format!("{start}\n{end}\n"), &format!("\"{base64}\""), &in_json, PEM] {
            check("bridge_webhook_secret", raw, Ok(PEM));
        }
        check("bridge_webhook_secret", "TUlJQg==", Err(InvalidReason::NotPem));
    }

    #[test]
    fn a_database_that_aws_describes_is_a_url() {
        let aws = r#"{"engine":"postgres","username":"iq","password":"p@s:/w%rd","host":"db.internal","port":5433,"dbname":"rail"}"#;
        let url = "postgres://iq:p%40s%3A%2Fw%25rd@db.internal:5433/rail";
        check("database_url", aws, Ok(url));
        check("database_url", &aws.replace(r#""port":5433,"#, ""), Ok(&url.replace("5433", "5432")));
        check(
            "database_url",
            &aws.replace("db.internal", "fd00::1"),
            Ok(&url.replace("db.internal", "[fd00::1]")),
        );
        check(
            "database_url",
            &aws.replace(r#""engine":"postgres""#, r#""engine":"mysql""#),
            Err(InvalidReason::NotPostgres),
        );
        for field in ["username", "password", "host", "dbname"] {
            let without = aws.replace(&format!("\"{field}\""), "\"x\"");
            check("database_url", &without, Err(InvalidReason::JsonField { field }));
        }
        check("database_url", r#"{"database_url":"sqlite:a.db"}"#, Ok("sqlite:a.db"));
        check("database_url", "\"sqlite:a.db\"", Ok("sqlite:a.db"));
        // Another secret has no use for it.
        check("polygon_api_key", aws, Err(InvalidReason::NoField));
    }
}
