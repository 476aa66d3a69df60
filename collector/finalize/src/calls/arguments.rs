//! What the arguments of one call tell, as columns of `cuda_call`.

use wakechain_cuda::{Machine, Role, values, variants};
use wakechain_wire::spool::ReadAt;
use wakechain_wire::*;

use super::kernels::KernelId;
use super::objects::{Kind, ObjectId};
use super::{Caller, Calls, CopyKind, units};
use crate::clock::exact;
use crate::context::Context;
use crate::details::Details;
use crate::probes::Function;
use crate::syscalls::AARCH64_MACHINE;

#[derive(Default)]
pub struct Arguments {
    pub kernel: Option<KernelId>,
    pub shape: Option<u32>,
    pub bytes: Option<i64>,
    pub stream: Option<ObjectId>,
    pub object: Option<ObjectId>,
    pub address: Option<i64>,
    pub details: Details,
}

impl Arguments {
    /// The object that the call is about: the one that it makes, else the first. Others stand in `details` by their kind.
    fn about(&mut self, kind: Kind, object: ObjectId, is_made: bool) {
        match self.object {
            Some(_) if !is_made => self.details.say(&format!("{}_id", kind.as_str()), object),
            _ => self.object = Some(object),
        }
    }
}

/// A call with its arguments and what else was read of it.
pub struct Recorded {
    pub call: CallArgsRecord,
    words: Vec<u64>,
    bytes: Vec<u8>,
}

impl Recorded {
    /// `None` = the record holds no arguments.
    pub fn from_bytes(bytes: &[u8], kind: u32) -> Option<Recorded> {
        let call = match kind {
            RECORD_CALL_ARGS | RECORD_CALL_MEMORY | RECORD_CALL_TEXT => CallArgsRecord::from_bytes(bytes)?,
            _ => return None,
        };
        let was_read = call.base.header.has(CALL_HAS_MEMORY);
        let memory = match kind {
            RECORD_CALL_MEMORY if was_read => bytes.get(CallArgsRecord::BYTES..),
            RECORD_CALL_TEXT if was_read => CallTextRecord::from_bytes(bytes)
                .and_then(|text| bytes.get(CallTextRecord::BYTES..CallTextRecord::BYTES + text.text_bytes as usize)),
            _ => None,
        };
        let bytes = memory.unwrap_or_default().to_vec();
        let words = bytes.chunks_exact(8).filter_map(|word| Some(u64::from_le_bytes(word.try_into().ok()?))).collect();
        Some(Recorded { call, words, bytes })
    }

    /// The text up to its zero; cut names say so.
    fn text(&self) -> Option<String> {
        let text = self.bytes.split(|byte| *byte == 0).next().filter(|text| !text.is_empty())?;
        let cut = if self.bytes.len() >= CALL_TEXT_BYTES as usize { "..." } else { "" };
        Some(format!("{}{cut}", String::from_utf8_lossy(text)))
    }
}

/// What the parameters say together.
#[derive(Default)]
struct Sum {
    grid: [Option<u64>; 3],
    block: [Option<u64>; 3],
    shared: Option<u64>,
    bytes: Option<u64>,
    factor: Option<u64>,
    copy: Option<u64>,
    handle: Option<u64>,
    new_handle: Option<u64>,
    rank: Option<u64>,
    ranks: Option<u64>,
    made_communicator: Option<ObjectId>,
}

impl Calls {
    pub fn read_arguments<S: ReadAt>(
        &mut self,
        context: &mut Context<S>,
        function: &Function,
        recorded: &Recorded,
        caller: Caller,
        to: &mut Arguments,
    ) {
        let Some(known) = function.known else { return };
        let machine = if context.machine == AARCH64_MACHINE { Machine::Aarch64 } else { Machine::X86_64 };
        let call = &recorded.call;
        let mut sum = Sum::default();
        for (role, value) in values::values(known.roles, call, &recorded.words, machine) {
            self.take(function, call, caller, role, value, &mut sum, to);
        }
        let bytes = match sum.factor {
            Some(count) => count.checked_mul(units::memset_element_bytes(&function.name)),
            None => sum.bytes,
        };
        to.bytes = bytes.and_then(|bytes| to.details.integer("bytes", bytes));
        // a number that is none of the enum's says nothing, whatever the name
        let copies = sum.copy.map_or(function.copies, CopyKind::of_number);
        if let Some(kind) = copies {
            to.details.say("copy", kind.as_str());
        }
        to.shape = self.shape(&sum);
        let is_named = known.roles.iter().any(|role| matches!(role, Role::Name | Role::NameOut));
        let text = is_named.then(|| recorded.text()).flatten();
        self.kernel(context, call, caller, text, &sum, to);
        if known.roles.contains(&Role::NewCommunicator) {
            self.communicator(recorded, &sum, to);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn take(
        &mut self,
        function: &Function,
        call: &CallArgsRecord,
        caller: Caller,
        role: Role,
        value: u64,
        sum: &mut Sum,
        to: &mut Arguments,
    ) {
        let Caller { process, ended, .. } = caller;
        let (start_ns, end_ns) = (call.base.start_ns, if ended { call.base.end_ns } else { u64::MAX });
        let output = Some(call.output).filter(|output| call.base.header.has(CALL_HAS_OUTPUT) && *output != 0);
        let succeeded = ended && call.base.result == 0;
        match role {
            Role::GridX => sum.grid[0] = Some(value),
            Role::GridY => sum.grid[1] = Some(value),
            Role::GridZ => sum.grid[2] = Some(value),
            Role::BlockX => sum.block[0] = Some(value),
            Role::BlockY => sum.block[1] = Some(value),
            Role::BlockZ => sum.block[2] = Some(value),
            Role::Shared | Role::DriverShared => sum.shared = Some(value),
            Role::Kernel => sum.handle = Some(value).filter(|handle| *handle != 0),
            Role::NewKernel => sum.new_handle = output,
            Role::CopyKind => sum.copy = Some(value),
            Role::Bytes => sum.bytes = Some(value),
            Role::Factor => sum.factor = sum.factor.unwrap_or(1).checked_mul(value),
            Role::Count => {
                to.details.say("count", value);
                sum.factor = Some(value);
            }
            Role::DataType => {
                let known = units::nccl_type(value);
                sum.factor = sum.factor.and_then(|count| count.checked_mul(known?.1));
                if let Some((name, _)) = known {
                    to.details.say("type", name);
                }
            }
            Role::Rank => sum.rank = Some(value),
            Role::Ranks => sum.ranks = Some(value),
            Role::Flags if value != 0 => to.details.say("flags", value),
            Role::Address => to.address = to.details.integer("address", value),
            Role::NewAddress => to.address = output.and_then(|output| to.details.integer("address", output)),
            Role::Stream => {
                let per_thread = variants::default_stream_is_per_thread(&function.name);
                to.stream = Some(self.objects.stream(process, value, start_ns, per_thread));
            }
            Role::NewStream => {
                to.stream = output.map(|output| self.objects.made(process, Kind::Stream, output, start_ns, end_ns))
            }
            Role::EndStream => {
                to.stream = Some(match succeeded {
                    true => self.objects.ended(process, Kind::Stream, value, start_ns, end_ns),
                    false => self.objects.used(process, Kind::Stream, value, start_ns),
                })
            }
            _ => {
                let Some((kind, life)) = object_of(role) else { return };
                let object = match life {
                    Life::Made => output.map(|output| self.objects.made(process, kind, output, start_ns, end_ns)),
                    Life::Ended if succeeded => Some(self.objects.ended(process, kind, value, start_ns, end_ns)),
                    Life::Used | Life::Ended => Some(self.objects.used(process, kind, value, start_ns)),
                };
                let Some(object) = object else { return };
                let before = to.object;
                to.about(kind, object, life == Life::Made);
                if role == Role::NewCommunicator {
                    sum.made_communicator = Some(object);
                    if let Some(parent) = before.filter(|parent| *parent != object) {
                        self.objects.say(object, "communicator_id", parent);
                    }
                }
                // what an executable graph was made of, by whoever made it first
                if role == Role::Graph
                    && let Some(exec) = before
                {
                    self.objects.say_once(exec, "graph_id", object);
                }
            }
        }
    }

    fn kernel<S: ReadAt>(
        &mut self,
        context: &mut Context<S>,
        call: &CallArgsRecord,
        caller: Caller,
        text: Option<String>,
        sum: &Sum,
        to: &mut Arguments,
    ) {
        let Caller { process, launched, .. } = caller;
        let names = |handle: u64| text.as_deref().map(|name| (handle, name));
        if let Some((handle, name)) = sum.new_handle.or(sum.handle).and_then(names) {
            to.kernel = Some(self.kernels.name(process, handle, name));
            return;
        }
        let Some(handle) = sum.handle else { return };
        let kernel = match self.kernels.known(process, handle) {
            Some(known) => known,
            None => match launched {
                // the driver's launch inside a runtime's: the same kernel by another handle
                Some(launched) => {
                    self.kernels.alias(process, handle, launched);
                    launched
                }
                None => {
                    let symbol = context.frames.device_function(&context.who, process, handle, call.base.start_ns);
                    self.kernels.of_symbol(process, handle, symbol)
                }
            },
        };
        if let Some(launched) = launched {
            self.kernels.unite(launched, kernel);
        }
        if let Some(new_handle) = sum.new_handle {
            self.kernels.alias(process, new_handle, kernel);
        }
        to.kernel = Some(kernel);
    }

    /// The id is the same in every rank of a communicator, and long: its hash stands for it.
    fn communicator(&mut self, recorded: &Recorded, sum: &Sum, to: &mut Arguments) {
        let mut facts: Vec<(&str, serde_json::Value)> = Vec::new();
        if !recorded.words.is_empty() {
            let hash = recorded.words.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
                (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
            });
            facts.push(("id", format!("{hash:016x}").into()));
        }
        facts.extend(sum.rank.map(|rank| ("rank", rank.into())));
        facts.extend(sum.ranks.map(|ranks| ("ranks", ranks.into())));
        for (key, value) in facts {
            if let Some(object) = sum.made_communicator {
                self.objects.say(object, key, value.clone());
            }
            to.details.say(key, value);
        }
    }

    fn shape(&mut self, sum: &Sum) -> Option<u32> {
        let Sum { grid, block, shared, .. } = sum;
        let shape = [grid[0]?, grid[1]?, grid[2]?, block[0]?, block[1]?, block[2]?, (*shared)?];
        // shared memory is a size_t of the caller's: beyond an exact integer it is no launch at all
        exact(shape[6])?;
        let next = self.shapes.len() as u32 + 1;
        Some(*self.shapes.entry(shape).or_insert(next))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Life {
    Used,
    Made,
    Ended,
}

fn object_of(role: Role) -> Option<(Kind, Life)> {
    Some(match role {
        Role::Event => (Kind::Event, Life::Used),
        Role::NewEvent => (Kind::Event, Life::Made),
        Role::EndEvent => (Kind::Event, Life::Ended),
        Role::Graph => (Kind::Graph, Life::Used),
        Role::NewGraph => (Kind::Graph, Life::Made),
        Role::EndGraph => (Kind::Graph, Life::Ended),
        Role::GraphExec => (Kind::GraphExec, Life::Used),
        Role::NewGraphExec => (Kind::GraphExec, Life::Made),
        Role::EndGraphExec => (Kind::GraphExec, Life::Ended),
        Role::Module => (Kind::Module, Life::Used),
        Role::NewModule => (Kind::Module, Life::Made),
        Role::EndModule => (Kind::Module, Life::Ended),
        Role::Communicator => (Kind::Communicator, Life::Used),
        Role::NewCommunicator => (Kind::Communicator, Life::Made),
        Role::EndCommunicator => (Kind::Communicator, Life::Ended),
        _ => return None,
    })
}
