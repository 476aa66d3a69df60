//! Whose job a process is: its Kubernetes pod, its Slurm job, by its control group and a few names of its environment.
//! Nothing else of an environment is kept: it may hold secrets.

use std::collections::BTreeMap;
use std::fs;

/// Variable, and what it is called in a trace.
const NAMES: [(&str, &str); 7] = [
    ("POD_NAME", "pod"),
    ("MY_POD_NAME", "pod"),
    ("POD_NAMESPACE", "namespace"),
    ("MY_POD_NAMESPACE", "namespace"),
    ("SLURM_JOB_ID", "slurm_job"),
    ("SLURM_JOB_NAME", "slurm_job_name"),
    ("SLURM_STEP_ID", "slurm_step"),
];

/// Empty where nothing tells.
pub fn of(pid: u32) -> BTreeMap<&'static str, String> {
    let cgroups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    read(&cgroups, &environment)
}

fn read(cgroups: &str, environment: &[u8]) -> BTreeMap<&'static str, String> {
    let mut place = BTreeMap::new();
    let variables = environment.split(|byte| *byte == 0).filter_map(|variable| std::str::from_utf8(variable).ok());
    let variables: Vec<(&str, &str)> = variables.filter_map(|variable| variable.split_once('=')).collect();
    let value = |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
    for (variable, name) in NAMES {
        if let Some(value) = value(variable).filter(|value| !value.is_empty()) {
            place.entry(name).or_insert(value);
        }
    }
    if let Some(uid) = pod_uid(cgroups) {
        place.insert("pod_uid", uid);
        // Kubernetes calls a pod's host by the pod's name
        if let Some(host) = value("HOSTNAME").filter(|_| value("KUBERNETES_SERVICE_HOST").is_some()) {
            place.entry("pod").or_insert(host);
        }
    }
    if let Some(job) = slurm_job(cgroups) {
        place.entry("slurm_job").or_insert(job);
    }
    place
}

/// `kubepods-burstable-pod3f4e_...slice`, `/kubepods/burstable/pod3f4e-...`: systemd writes "_" for "-".
fn pod_uid(cgroups: &str) -> Option<String> {
    cgroups.lines().flat_map(|line| line.split('/')).find_map(|part| {
        let name = part.strip_suffix(".slice").unwrap_or(part);
        let uid = if name.starts_with("kubepods") { name.split("-pod").nth(1)? } else { name.strip_prefix("pod")? };
        let uid = uid.replace('_', "-");
        (uid.len() == 36 && uid.chars().all(|letter| letter.is_ascii_hexdigit() || letter == '-')).then_some(uid)
    })
}

/// `/slurm/uid_1000/job_4711/step_0`, `/system.slice/slurmstepd.scope/job_4711/...`
fn slurm_job(cgroups: &str) -> Option<String> {
    let line = cgroups.lines().find(|line| line.contains("/slurm"))?;
    let job = line.split('/').find_map(|part| part.strip_prefix("job_"))?;
    job.chars().all(|letter| letter.is_ascii_digit()).then(|| job.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "3f4e9c1b-2a7d-4e6f-8c4b-3a291807f6e5";

    fn told(cgroups: &str, environment: &str) -> String {
        let place = read(cgroups, environment.replace(' ', "\0").as_bytes());
        place.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pods_and_jobs() {
        let systemd = format!(
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/x",
            UID.replace('-', "_")
        );
        let plain = format!("4:memory:/kubepods/besteffort/pod{UID}/0123");
        for (expected, cgroups, environment) in [
            (String::new(), "0::/user.slice", "PATH=/bin AWS_SECRET=x"),
            (format!("pod_uid={UID}"), systemd.as_str(), "HOSTNAME=trainer-0"),
            (
                format!("pod=trainer-0 pod_uid={UID}"),
                plain.as_str(),
                "HOSTNAME=trainer-0 KUBERNETES_SERVICE_HOST=10.0.0.1",
            ),
            (
                format!("namespace=ml pod=own pod_uid={UID}"),
                plain.as_str(),
                "HOSTNAME=h POD_NAME=own POD_NAMESPACE=ml KUBERNETES_SERVICE_HOST=1",
            ),
            ("slurm_job=4711".to_owned(), "0::/system.slice/slurmstepd.scope/job_4711/step_0", ""),
            ("slurm_job=12 slurm_step=0".to_owned(), "0::/", "SLURM_JOB_ID=12 SLURM_STEP_ID=0"),
        ] {
            assert_eq!(told(cgroups, environment), expected, "{cgroups}");
        }
    }
}
