//! The merchant's keys, from the environment or from a file; the one place that reads the environment.

use std::path::Path;

use crate::doku::sign::Signer;
use crate::job::settings::{Merchant, Reference};
use crate::model::ids::ClientId;
use crate::model::secret::Secret;

/// Whose account, and the key to it.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account.
    pub client_id: ClientId,
    /// The key that signs.
    pub secret_key: Secret,
    /// Keys of before, newest first; what was signed with them is still proof.
    pub older_keys: Vec<Secret>,
}

impl Credentials {
    /// All keys, newest first.
    #[must_use]
    pub fn signers(&self) -> Vec<Signer> {
        std::iter::once(&self.secret_key).chain(&self.older_keys).map(Signer::new).collect()
    }
}

/// Why a credential is not to be had. Says where it was looked for, never what was found.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NoCredential {
    /// The variable is not set, or empty.
    #[error("{key}: the environment variable {variable} is not set")]
    Variable {
        /// Which credential.
        key: &'static str,
        /// The variable.
        variable: String,
    },
    /// The file cannot be read, or is empty.
    #[error("{key}: the file {path} {reason}")]
    File {
        /// Which credential.
        key: &'static str,
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Not a client id.
    #[error("client_id: what {place} holds is no client id")]
    ClientId {
        /// Where it was found.
        place: String,
    },
}

/// All credentials that are not to be had.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<String>>().join("; "))]
pub struct NoCredentials(pub Vec<NoCredential>);

impl NoCredential {
    /// The key of the job file that names it.
    #[must_use]
    pub fn key(&self) -> String {
        let (Self::Variable { key, .. } | Self::File { key, .. }) = self else {
            return "merchant.client_id".to_owned();
        };
        format!("merchant.{key}")
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Variable { .. } => "set it for this program; cron has an environment of its own",
            Self::File { .. } => "the path is relative to the job file; the file holds the value and nothing else",
            Self::ClientId { .. } => "a client id looks like BRN-0201-1718000000001",
        }
    }
}

/// Reads both credentials; where the job names none, the given defaults (the simulator's) stand in.
///
/// # Errors
/// Which ones are missing, and where they were looked for.
pub fn read(merchant: &Merchant, folder: &Path, defaults: (&str, &str)) -> Result<Credentials, NoCredentials> {
    let client_id = match &merchant.client_id {
        Some(reference) => text("client_id", reference, folder),
        None => Ok(defaults.0.to_owned()),
    };
    let client_id = client_id.and_then(|text| {
        let place = match &merchant.client_id {
            Some(Reference::Env(name)) => format!("the environment variable {name}"),
            Some(Reference::File(path)) => format!("the file {path}"),
            None => "the simulator".to_owned(),
        };
        // A secret in the place of the client id must not travel as a header (`doku-api.md` 6.5: secrets begin with SK-).
        let client_id = ClientId::new(&text).ok().filter(|_| !text.starts_with("SK-"));
        client_id.ok_or(NoCredential::ClientId { place })
    });
    let keys = merchant.secret_keys.iter().map(|reference| text("secret_key", reference, folder));
    let (mut older_keys, mut missing) = (Vec::new(), Vec::from_iter(client_id.as_ref().err().cloned()));
    for key in keys {
        match key {
            Ok(key) => older_keys.push(Secret::new(&key)),
            Err(why) => missing.push(why),
        }
    }
    match client_id {
        Ok(client_id) if missing.is_empty() => {
            let secret_key = if older_keys.is_empty() { Secret::new(defaults.1) } else { older_keys.remove(0) };
            Ok(Credentials { client_id, secret_key, older_keys })
        }
        Ok(_) | Err(_) => Err(NoCredentials(missing)),
    }
}

fn text(key: &'static str, reference: &Reference, folder: &Path) -> Result<String, NoCredential> {
    match reference {
        Reference::Env(variable) => {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
            let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
            let value = value.map(|value| value.trim_end_matches(['\r', '\n']).to_owned());
            value.ok_or_else(|| NoCredential::Variable { key, variable: variable.clone() })
        }
        Reference::File(path) => {
            let failed = |reason: String| NoCredential::File { key, path: path.clone(), reason };
            let content = std::fs::read_to_string(folder.join(path))
                .map_err(|error| failed(format!("cannot be read: {error}")))?;
            let value = content.trim_end_matches(['\r', '\n']);
            if value.is_empty() { Err(failed("is empty".into())) } else { Ok(value.to_owned()) }
        }
    }
}

/// Reads another secret of a job, by the name of its key.
///
/// # Errors
/// It is not to be had, and where it was looked for.
pub fn secret(key: &'static str, reference: &Reference, folder: &Path) -> Result<Secret, NoCredential> {
    text(key, reference, folder).map(|text| Secret::new(&text))
}

/// Whether both variables are set.
#[must_use]
pub fn in_environment((client_id, secret_key): (&str, &str)) -> bool {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    let is_set = |variable: &str| std::env::var(variable).is_ok_and(|value| !value.is_empty());
    is_set(client_id) && is_set(secret_key)
}
