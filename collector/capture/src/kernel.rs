//! What the running kernel offers, by its own type information (BTF).

use std::ffi::OsStr;

use libbpf_rs::Btf;
use libbpf_rs::btf::types::{Composite, DataSec, Enum, Func, FuncProto, MemberAttr, Ptr, Struct, Typedef, Var};
use libbpf_rs::btf::{BtfType, ReferencesType, TypeId};

use crate::error::CaptureError;
use crate::options::Rung;

pub struct Kernel {
    btf: Btf<'static>,
    pub session: bool,
    pub multi: bool,
    /// sched_switch says the state of the thread that leaves (5.18).
    pub switch_says_state: bool,
    /// Bytes from a CPU's run queue to its preempt count (x86_64).
    pub preempt_count_from_run_queue: Option<i64>,
}

/// Of a variable that each CPU has: its offset in their area.
fn per_cpu_offset(btf: &Btf<'_>, variable: &str) -> Option<i64> {
    let wanted = btf.type_by_name::<Var<'_>>(variable)?.type_id();
    let area = btf.type_by_name::<DataSec<'_>>(".data..percpu")?;
    area.iter().find(|entry| entry.ty == wanted).map(|entry| i64::from(entry.offset))
}

/// A variable of its own until 6.1 and again since 6.15, a member of `pcpu_hot` in between.
fn preempt_count_offset(btf: &Btf<'_>) -> Option<i64> {
    per_cpu_offset(btf, "__preempt_count").or_else(|| {
        let hot = btf.type_by_name::<Struct<'_>>("pcpu_hot")?;
        let member = nested_member(btf, hot.type_id(), "preempt_count")?;
        Some(per_cpu_offset(btf, "pcpu_hot")? + member)
    })
}

/// Offset in bytes of a member, also one inside unnamed structs and unions.
fn nested_member(btf: &Btf<'_>, of: TypeId, name: &str) -> Option<i64> {
    let composite = Composite::try_from(btf.type_by_id::<BtfType<'_>>(of)?).ok()?;
    composite.iter().find_map(|member| {
        let offset = member_bytes(member.attr)?;
        match member.name {
            Some(found) if found == OsStr::new(name) => Some(offset),
            Some(found) if !found.is_empty() => None,
            _ => nested_member(btf, member.ty, name).map(|inner| inner + offset),
        }
    })
}

fn member_bytes(attributes: MemberAttr) -> Option<i64> {
    match attributes {
        MemberAttr::Normal { offset } => Some(i64::from(offset / 8)),
        MemberAttr::BitField { .. } => None,
    }
}

/// Whether programs can be attached so: `bpf_attach_type` has grown with the kernel.
fn has_attach_type(btf: &Btf<'_>, name: &str) -> bool {
    let types = btf.type_by_name::<Enum<'_>>("bpf_attach_type");
    types.is_some_and(|types| types.iter().any(|value| value.name == Some(OsStr::new(name))))
}

impl Kernel {
    pub fn look() -> Result<Kernel, CaptureError> {
        let btf = Btf::from_vmlinux().map_err(|error| {
            CaptureError::new(
                "no_btf",
                format!("This kernel does not describe its types (/sys/kernel/btf/vmlinux): {error}."),
                "Wakechain needs Linux 5.15 or newer, built with CONFIG_DEBUG_INFO_BTF as distributions do.",
            )
        })?;
        let switch_arguments = btf
            .type_by_name::<Typedef<'_>>("btf_trace_sched_switch")
            .and_then(|named| Ptr::try_from(named.referenced_type()).ok())
            .and_then(|pointer| FuncProto::try_from(pointer.referenced_type()).ok())
            .map_or(0, |function| function.iter().count());
        Ok(Kernel {
            // not by bpf_session_is_return(): 6.10 to 6.12 have it for kprobes alone
            session: has_attach_type(&btf, "BPF_TRACE_UPROBE_SESSION"),
            multi: btf.type_by_name::<Func<'_>>("bpf_uprobe_multi_link_attach").is_some(),
            // the first argument is the probe's own data
            switch_says_state: switch_arguments >= 5,
            preempt_count_from_run_queue: preempt_count_offset(&btf)
                .and_then(|count| Some(count - per_cpu_offset(&btf, "runqueues")?)),
            btf,
        })
    }

    /// Whether programs can be attached to this tracepoint.
    pub fn has(&self, tracepoint: &str) -> bool {
        let Some(named) = self.btf.type_by_name::<Typedef<'_>>(&format!("btf_trace_{tracepoint}")) else {
            return false;
        };
        // until 6.8 it said a number instead of the task
        tracepoint != "mark_victim" || self.first_argument_is_pointer(&named)
    }

    fn first_argument_is_pointer(&self, tracepoint: &Typedef<'_>) -> bool {
        let function = Ptr::try_from(tracepoint.referenced_type())
            .ok()
            .and_then(|pointer| FuncProto::try_from(pointer.referenced_type()).ok());
        // the first one of all is the probe's own data
        let first = function.and_then(|function| function.iter().nth(1).map(|argument| argument.ty));
        let kind = first.and_then(|first| self.btf.type_by_id::<BtfType<'_>>(first));
        kind.is_some_and(|kind| Ptr::try_from(kind).is_ok())
    }

    pub fn best_rung(&self) -> Rung {
        if self.session {
            Rung::Session
        } else if self.multi {
            Rung::Multi
        } else {
            Rung::Link
        }
    }
}
