//! What `/proc` says of a process: who runs it, how it was started, in which container.

use crate::HostError;
use crate::mappings::living_thread;
use serde::Serialize;
use std::fs;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProcessFacts {
    pub pid: u32,
    /// comm
    pub name: String,
    /// Arguments, separated by blanks; empty for a kernel thread.
    pub command_line: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
    pub user_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_id: Option<String>,
    /// As its own pid namespace sees it, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_pid: Option<u32>,
}

/// Every process there is, by pid.
pub fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut pids: Vec<u32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

pub fn facts(pid: u32) -> Result<ProcessFacts, HostError> {
    let text = |name: &str| {
        fs::read(format!("/proc/{pid}/{name}"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| HostError::of_process(pid, error))
    };
    let status = text("status")?;
    let cgroups = text("cgroup").unwrap_or_default();
    let living = living_thread(pid).unwrap_or(pid);
    let arguments = fs::read(format!("/proc/{living}/cmdline")).map_err(|error| HostError::of_process(pid, error))?;
    Ok(ProcessFacts {
        pid,
        name: text("comm")?.trim_end().to_owned(),
        command_line: command_line(&String::from_utf8_lossy(&arguments)),
        executable: fs::read_link(format!("/proc/{living}/exe")).ok().map(|path| path.to_string_lossy().into_owned()),
        user_id: status_field(&status, "Uid").and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0),
        cgroup: cgroup_of(&cgroups),
        container_id: container_of(&cgroups),
        namespace_pid: namespace_pid(&status),
    })
}

/// Blanks between arguments; the zeros at the end that programs leave when they change their title are dropped.
fn command_line(raw: &str) -> String {
    raw.trim_end_matches('\0').replace('\0', " ")
}

/// A line of `/proc/PID/status`, without its name.
pub(crate) fn status_field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn namespace_pid(status: &str) -> Option<u32> {
    let all: Vec<&str> = status_field(status, "NSpid")?.split_whitespace().collect();
    if all.len() < 2 { None } else { all.last()?.parse().ok() }
}

/// The control group whose limits the process feels: of version 2; where that is only the root (the hybrid layout),
/// the one that limits its CPU, then its memory.
fn cgroup_of(text: &str) -> Option<String> {
    let path_of = |wanted: &str| {
        text.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            controllers.split(',').any(|controller| controller == wanted).then_some(path)
        })
    };
    let order = ["", "cpu", "memory", "name=systemd"];
    let found: Vec<&str> = order.iter().filter_map(|controller| path_of(controller)).collect();
    found.iter().find(|path| **path != "/").or(found.first()).map(|path| (*path).to_owned())
}

/// Docker, containerd, CRI-O and podman all name the group after the container: 64 hex digits. The innermost one counts.
fn container_of(text: &str) -> Option<String> {
    text.lines()
        .flat_map(|line| line.rsplit('/'))
        .flat_map(|part| part.split(|c: char| !c.is_ascii_hexdigit()))
        .find(|run| run.len() == 64)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f4e9c1b2a7d8e6f5c4b3a291807f6e5d4c3b2a1908f7e6d5c4b3a2918070605";

    #[test]
    fn groups_and_containers() {
        let cases = [
            ("0::/user.slice/user-1000.slice\n".to_owned(), Some("/user.slice/user-1000.slice"), None),
            ("9:name=systemd:/\n4:memory:/jobs/7\n1:cpu,cpuacct:/\n0::/\n".to_owned(), Some("/jobs/7"), None),
            ("0::/\n".to_owned(), Some("/"), None),
            (format!("0::/system.slice/docker-{ID}.scope\n"), None, Some(ID)),
            (format!("4:memory:/docker/{ID}\n0::/\n"), None, Some(ID)),
            (format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope\n"), None, Some(ID)),
            (format!("0::/machine.slice/libpod-{ID}.scope/container\n"), None, Some(ID)),
            (String::new(), None, None),
        ];
        for (text, cgroup, container) in &cases {
            if cgroup.is_some() || text.is_empty() {
                assert_eq!(cgroup_of(text).as_deref(), *cgroup, "{text}");
            }
            assert_eq!(container_of(text).as_deref(), *container, "{text}");
        }
    }

    #[test]
    fn pieces() {
        assert_eq!(command_line("python3\0-m\0http.server\0\0\0"), "python3 -m http.server");
        assert_eq!(command_line(""), "");
        assert_eq!(namespace_pid("Pid:\t5\nNSpid:\t41200\t7\n"), Some(7));
        assert_eq!(namespace_pid("NSpid:\t41200\n"), None);
    }

    #[test]
    fn ourselves() {
        let own = facts(std::process::id()).expect("own facts");
        assert_eq!(own.executable.map(Into::into), std::env::current_exe().ok());
        assert!(own.command_line.contains("wakechain_host"), "{}", own.command_line);
        assert!(pids().contains(&own.pid));
        assert!(matches!(facts(u32::MAX), Err(HostError::NoProcess { .. })));
    }
}
