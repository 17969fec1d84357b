//! Where the password of a shared journal is: in a file of its own, in a variable, or in PostgreSQL's own password file. That one has
//! lines of `host:port:database:user:password`, of which the first that fits counts. A `*` fits everything; a colon or a backslash
//! in a field has a backslash before it.

use std::path::{Path, PathBuf};

use super::address::{Address, Place};
use crate::model::secret::Secret;

/// The password, from the file or the variable that the URL names, or else from where PostgreSQL's own programs look; `None`: there
/// is none, and the server may not want one.
pub(super) fn find(
    address: &Address,
    file: Option<&Path>,
    named: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Secret>, String> {
    if let Some(path) = file {
        let text = private_text(path)?;
        let text = text.trim_end_matches(['\r', '\n']);
        return if text.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(Some(Secret::new(text))) };
    }
    if let Some(name) = named {
        let hint = "set it for this program; cron has an environment of its own";
        let text = variable(name);
        let text = text.ok_or_else(|| format!("the environment variable {name} is not set\n  hint: {hint}"))?;
        return Ok(Some(Secret::new(&text)));
    }
    if let Some(text) = variable("PGPASSWORD") {
        return Ok(Some(Secret::new(&text)));
    }
    let own = variable("HOME").map(|home| Path::new(&home).join(".pgpass")).filter(|path| path.exists());
    match variable("PGPASSFILE").map(PathBuf::from).or(own) {
        Some(path) => Ok(in_lines(&private_text(&path)?, address)),
        None => Ok(None),
    }
}

/// The text of a file that nobody else may read.
fn private_text(path: &Path) -> Result<String, String> {
    let unread = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if std::fs::metadata(path).map_err(unread)?.permissions().mode() & 0o077 != 0 {
            let shown = path.display();
            return Err(format!("{shown} may be read by others\n  hint: chmod 600 {shown}"));
        }
    }
    std::fs::read_to_string(path).map_err(unread)
}

/// The password for an address, if the lines have one.
fn in_lines(text: &str, address: &Address) -> Option<Secret> {
    let host = match &address.place {
        Place::Host(host) => host.clone(),
        Place::Socket(folder) => folder.to_string_lossy().into_owned(),
    };
    let wanted = [&host, &address.port.to_string(), &address.database, &address.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, places) = fields.split_last().filter(|(_, places)| places.len() == wanted.len())?;
        let is_here = |place: &str| place == "localhost" && matches!(address.place, Place::Socket(_));
        let fits =
            |(index, place): (usize, &String)| place == "*" || place == wanted[index] || index == 0 && is_here(place);
        places.iter().enumerate().all(fits).then(|| Secret::new(password))
    })
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut last) = (Vec::new(), String::new());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => last.extend(characters.next()),
            // A password may have colons of its own.
            ':' if fields.len() < 4 => fields.push(std::mem::take(&mut last)),
            other => last.push(other),
        }
    }
    fields.push(last);
    fields
}

#[cfg(test)]
pub(super) mod testing {
    /// Writes a file for its owner alone.
    pub(in super::super) fn write_private(path: &std::path::Path, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(path, text).expect("a file");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("its owner's");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text = "# a comment\nother:*:*:*:one\ndb.example:5432:books:someone:two\nbroken\n\
                    db.example:*:bo\\:oks:rekon:th:r\\\\ee\n*:*:*:*:last\nlocalhost:*:*:*:never\n";
        let of = |url: &str| {
            let address = Address::parse(url, Path::new("/"), &|_| None).unwrap();
            in_lines(text, &address).map(|secret| secret.expose().to_owned())
        };
        assert_eq!(of("postgres://rekon@db.example/bo%3Aoks").as_deref(), Some("th:r\\ee"));
        assert_eq!(of("postgres://someone@db.example/books").as_deref(), Some("two"));
        assert_eq!(of("postgres://rekon@db.example/books").as_deref(), Some("last"));
        let address = Address::parse("postgres://rekon@/books?host=/run/pg", Path::new("/"), &|_| None).unwrap();
        assert_eq!(
            in_lines("localhost:*:*:*:own", &address).map(|secret| secret.expose().to_owned()).as_deref(),
            Some("own")
        );
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        testing::write_private(&path, "x");
        assert_eq!(private_text(&path).as_deref(), Ok("x"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(private_text(&path).unwrap_err().contains("chmod 600"));
    }
}
