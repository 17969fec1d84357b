//! Where the journal lies: a file system that belongs to another machine cannot keep its promise.

use std::path::Path;

/// File systems whose files other machines may hold at the same time; SQLite's WAL needs memory that all of them would
/// have to share (`failure-modes.md` J7).
const REMOTE: [&str; 18] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "gfs2",
    "ocfs2",
    "beegfs",
    "gpfs",
    "pvfs2",
    "ncpfs",
    "coda",
    "davfs",
    "orangefs",
];

/// The type of a remote file system that holds this path; `None` if it is local, or if the system does not say.
pub(super) fn remote(path: &Path) -> Option<String> {
    // Other systems than Linux have no such file.
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let path = path.canonicalize().ok()?;
    let kind = kind_of(&mounts, &path)?;
    is_remote(kind).then(|| kind.to_owned())
}

fn is_remote(kind: &str) -> bool {
    REMOTE.contains(&kind) || kind.strip_prefix("fuse.").is_some_and(is_remote_fuse)
}

/// Of the file systems outside the kernel only these are local.
fn is_remote_fuse(name: &str) -> bool {
    !["fuseblk", "lxcfs", "fuse-overlayfs", "bindfs", "gocryptfs", "encfs", "mergerfs", "ntfs-3g"].contains(&name)
}

/// The type of the innermost mount above a path; the later of two at one place hides the earlier.
fn kind_of<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let (head, tail) = line.split_once(" - ")?;
        let point = unescaped(head.split(' ').nth(4)?);
        let kind = tail.split(' ').next()?;
        path.starts_with(&point).then(|| (Path::new(&point).components().count(), kind))
    });
    mounts.max_by_key(|(depth, _)| *depth).map(|(_, kind)| kind)
}

/// Spaces, tabs, newlines and backslashes of a mount point are written as three octal digits.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:20 / /srv/share rw - nfs4 host:/export rw
24 22 0:21 / /srv/share/local rw - xfs /dev/sdb1 rw
25 22 0:22 / /mnt/two\\040words rw - cifs //host/share rw
26 22 0:23 / /home/u/remote rw - fuse.sshfs u@host: rw
27 22 0:24 / /over rw - overlay overlay rw
28 22 0:25 / /over rw - tmpfs tmpfs rw";

    #[test]
    fn the_innermost_mount_decides() {
        let cases = [
            ("/srv/share/rekon/journal.db", "nfs4", true),
            ("/srv/share/local/journal.db", "xfs", false),
            ("/srv/shared/journal.db", "ext4", false),
            ("/mnt/two words/journal.db", "cifs", true),
            ("/home/u/remote/j.db", "fuse.sshfs", true),
            ("/over/j.db", "tmpfs", false),
        ];
        for (path, kind, remote) in cases {
            assert_eq!(kind_of(MOUNTS, Path::new(path)), Some(kind), "{path}");
            assert_eq!(is_remote(kind), remote, "{kind}");
        }
    }
}
