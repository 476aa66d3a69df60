//! Where a control group has its files: of version 2, or of version 1 where a controller still belongs to that.

use std::fs;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    Cpu,
    Memory,
}

impl Controller {
    fn name(self) -> &'static str {
        match self {
            Controller::Cpu => "cpu",
            Controller::Memory => "memory",
        }
    }
}

/// The folder and the name of a process's group under a controller; `cgroups` is its /proc/PID/cgroup.
pub fn folder(cgroups: &str, controller: Controller) -> Option<(String, String)> {
    folder_in(cgroups, controller, &fs::read_to_string("/proc/self/mounts").unwrap_or_default())
}

fn folder_in(cgroups: &str, controller: Controller, mounts: &str) -> Option<(String, String)> {
    let groups = || {
        cgroups.lines().filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            Some((fields.next()?, fields.next()?))
        })
    };
    let has = |list: &str| list.split(',').any(|word| word == controller.name());
    let first = groups().find(|(controllers, _)| has(controllers)).map(|(_, path)| ("cgroup", path));
    let (kind, path) = first.or_else(|| groups().find(|(all, _)| all.is_empty()).map(|(_, path)| ("cgroup2", path)))?;
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, mounted, options) = (fields.next()?, fields.next()?, fields.next()?);
        (mounted == kind && (kind == "cgroup2" || has(options))).then_some(at)
    })?;
    Some((format!("{mount}{}", path.trim_end_matches('/')), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid 0 0\n\
        cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0\n\
        cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n";
    const TWO: &str = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev 0 0\n";

    #[test]
    fn both_layouts() {
        for (cgroups, mounts, expected) in [
            ("0::/user.slice/a.scope\n", TWO, Some(("/sys/fs/cgroup/user.slice/a.scope", "/user.slice/a.scope"))),
            ("0::/\n", TWO, Some(("/sys/fs/cgroup", "/"))),
            ("3:cpu,cpuacct:/jobs/7\n0::/\n", HYBRID, Some(("/sys/fs/cgroup/cpu,cpuacct/jobs/7", "/jobs/7"))),
            ("0::/jobs\n", HYBRID, Some(("/sys/fs/cgroup/unified/jobs", "/jobs"))),
            ("", TWO, None),
            ("0::/a\n", "", None),
        ] {
            let found = folder_in(cgroups, Controller::Cpu, mounts);
            let found = found.as_ref().map(|(folder, name)| (folder.as_str(), name.as_str()));
            assert_eq!(found, expected, "{cgroups}");
        }
    }
}
