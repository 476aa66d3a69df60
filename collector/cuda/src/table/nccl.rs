//! NCCL. Parameters: nccl.h of NCCL 2. It exports its functions to profilers once more with a `p` before their names;
//! only one of the two is to count.

use super::Of;
use crate::role::Role::*;

pub const ROWS: &[Of] = &[
    (
        "collective",
        "ncclAllReduce ncclReduceScatter ncclBroadcast",
        &[Skip, Skip, Count, DataType, Skip, Communicator, Stream],
    ),
    ("collective", "ncclBcast", &[Skip, Count, DataType, Skip, Communicator, Stream]),
    ("collective", "ncclReduce", &[Skip, Skip, Count, DataType, Skip, Skip, Communicator, Stream]),
    ("collective", "ncclAllGather ncclAlltoAll", &[Skip, Skip, Count, DataType, Communicator, Stream]),
    ("collective", "ncclGather ncclScatter", &[Skip, Skip, Count, DataType, Skip, Communicator, Stream]),
    ("collective", "ncclSend ncclRecv", &[Skip, Count, DataType, Skip, Communicator, Stream]),
    ("collective", "ncclGroupStart ncclGroupEnd ncclGroupSimulateEnd", &[]),
    ("context", "ncclCommInitRank ncclCommInitRankConfig", &[NewCommunicator, Ranks, UniqueId, Rank]),
    ("context", "ncclCommInitRankScalable", &[NewCommunicator, Ranks, Rank]),
    ("context", "ncclCommInitAll", &[NewCommunicator, Ranks]),
    ("context", "ncclCommSplit ncclCommShrink", &[Communicator, Skip, Skip, NewCommunicator]),
    ("context", "ncclCommDestroy ncclCommAbort", &[EndCommunicator]),
    ("context", "ncclCommFinalize ncclCommRevoke", &[Communicator]),
    ("context", "ncclGetUniqueId", &[]),
    ("allocate", "ncclMemAlloc", &[NewAddress, Bytes]),
    ("allocate", "ncclCommRegister", &[Communicator, Address, Bytes]),
    ("allocate", "ncclCommWindowRegister", &[Communicator, Address, Bytes]),
    ("free", "ncclMemFree", &[Address]),
    ("free", "ncclCommDeregister ncclCommWindowDeregister", &[Communicator]),
];
