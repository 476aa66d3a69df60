//! User names. The binary is static and so has no name services: `/etc/passwd` and `/etc/group` are read, and for users
//! that are not there (LDAP, SSSD) the host's own `getent` and `id` are asked.

use crate::tool;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

const TOOL_LIMIT: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub user_id: u32,
    pub group_id: u32,
    /// Every group the user is in, `group_id` among them.
    pub groups: Vec<u32>,
    pub home: PathBuf,
}

/// Names for user ids, read once.
#[derive(Debug, Default)]
pub struct Names(Vec<(u32, String)>);

impl Names {
    pub fn read() -> Self {
        let text = read_text("/etc/passwd");
        Self(text.lines().filter_map(passwd_line).map(|user| (user.user_id, user.name)).collect())
    }

    pub fn of(&self, user_id: u32) -> Option<&str> {
        self.0.iter().find(|(id, _)| *id == user_id).map(|(_, name)| name.as_str())
    }
}

/// A user by name or by number.
pub fn find(wanted: &str) -> Option<User> {
    find_in(wanted, &read_text("/etc/passwd"), &read_text("/etc/group")).or_else(|| {
        let line = tool::ask("getent", &["passwd", "--", wanted], TOOL_LIMIT)?;
        let mut user = passwd_line(line.trim_end())?;
        let groups = tool::ask("id", &["-G", "--", &user.name], TOOL_LIMIT)?;
        user.groups = groups.split_whitespace().filter_map(|group| group.parse().ok()).collect();
        Some(user)
    })
}

fn find_in(wanted: &str, passwd: &str, groups: &str) -> Option<User> {
    let by_id = wanted.parse::<u32>().ok();
    let mut user = passwd
        .lines()
        .filter_map(passwd_line)
        .find(|user| user.name == wanted || by_id.is_some_and(|id| id == user.user_id))?;
    for line in groups.lines() {
        let mut fields = line.split(':').skip(2);
        let (Some(id), Some(members)) = (fields.next(), fields.next()) else { continue };
        let Ok(id) = id.parse() else { continue };
        if !user.groups.contains(&id) && members.split(',').any(|member| member == user.name) {
            user.groups.push(id);
        }
    }
    Some(user)
}

/// `name:x:1000:1000:comment:/home/name:/bin/sh`
fn passwd_line(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, user_id, group_id, _, home, ..] = fields[..] else { return None };
    let group_id = group_id.parse().ok()?;
    Some(User {
        name: name.to_owned(),
        user_id: user_id.parse().ok()?,
        group_id,
        groups: vec![group_id],
        home: PathBuf::from(home),
    })
}

fn read_text(path: &str) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\n# a comment\nann:x:1000:1001:Ann,,,:/home/ann:/bin/sh\n7:x:1007:7::/:\n";
    const GROUP: &str = "root:x:0:\nvideo:x:44:ann,bob\nann:x:1001:ann\nrender:x:105:bobann\nbroken\n";

    #[test]
    fn by_name_and_by_number() {
        let ann = find_in("ann", PASSWD, GROUP).expect("ann");
        assert_eq!((ann.user_id, ann.group_id, &ann.groups[..]), (1000, 1001, &[1001, 44][..]));
        assert_eq!(ann.home, PathBuf::from("/home/ann"));
        assert_eq!(find_in("1000", PASSWD, GROUP), Some(ann));
        assert_eq!(find_in("7", PASSWD, GROUP).map(|user| user.user_id), Some(1007));
        assert_eq!(find_in("nobody", PASSWD, GROUP), None);
    }

    #[test]
    fn the_real_root() {
        assert_eq!(find("root").map(|user| user.user_id), Some(0));
        assert_eq!(Names::read().of(0), Some("root"));
        assert_eq!(find("no-such-user-here"), None);
    }
}
