//! TCP segments that were sent again: rows of `tcp_retransmit`, with the process that holds the socket where it is known.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use wakechain_wire::spool::ReadAt;
use wakechain_wire::*;

use crate::context::Context;
use crate::database::row_id;
use crate::error::FinalizeError;
use crate::objects;
use crate::who::ProcessId;

/// What is known of sockets besides, by inode.
#[derive(Default)]
pub struct Sockets {
    /// Pids, as the capture found them in /proc.
    pub owners: HashMap<u64, u32>,
    /// Rows of `wait_object`, and whoever waited there.
    pub waited: HashMap<u64, (u32, ProcessId)>,
}

/// TCP_* of include/net/tcp_states.h, from 1 on.
const STATES: [&str; 12] = [
    "established",
    "syn_sent",
    "syn_received",
    "fin_wait_1",
    "fin_wait_2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
    "new_syn_received",
];

/// `retransmits` in order of time; how many rows.
pub fn write<S: ReadAt>(
    database: &Connection,
    context: &mut Context<S>,
    retransmits: &[SocketRecord],
    sockets: &Sockets,
) -> Result<u64, FinalizeError> {
    let mut insert = database.prepare(
        "INSERT INTO tcp_retransmit (id, at_ns, source, destination, state, process_id, object_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (index, record) in retransmits.iter().enumerate() {
        let waited = sockets.waited.get(&record.inode).filter(|_| record.inode != 0);
        let owner = sockets.owners.get(&record.inode).and_then(|pid| context.who.known_process(*pid, record.at_ns));
        let state = usize::from(record.state).checked_sub(1).and_then(|state| STATES.get(state)).copied();
        insert.execute(params![
            row_id(index),
            context.clock.relative(record.at_ns),
            objects::address(record.family, &record.local, record.local_port),
            objects::address(record.family, &record.remote, record.remote_port),
            state.unwrap_or("unknown"),
            owner.or(waited.map(|(_, process)| *process)),
            waited.map(|(object, _)| *object),
        ])?;
    }
    Ok(retransmits.len() as u64)
}
