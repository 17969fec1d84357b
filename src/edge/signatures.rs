//! Signature files beside a plan: `plan.json.sig`, `plan.json.siti.sig`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::plan::approval::Signed;

/// A signature file is a few hundred bytes; what is longer is none, and is read no further.
const LONGEST: u64 = 16 * 1024;

/// More signatures than these are nobody's.
const MOST: usize = 100;

/// The signature files beside a plan, by name.
///
/// # Errors
/// The folder cannot be listed, or one of them cannot be read.
pub fn beside(plan: &Path) -> io::Result<Vec<Signed>> {
    let folder = plan.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let stem = plan.file_name().map(|name| format!("{}.", name.to_string_lossy())).unwrap_or_default();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(&stem)
            && Path::new(&name).extension().is_some_and(|extension| extension == "sig")
            && folder.join(&name).is_file()
        {
            files.push(name);
        }
    }
    files.sort();
    files.truncate(MOST);
    let read = |file: String| {
        let mut content = Vec::new();
        File::open(folder.join(&file))?.take(LONGEST).read_to_end(&mut content)?;
        Ok(Signed { file, content })
    };
    files.into_iter().map(read).collect()
}
