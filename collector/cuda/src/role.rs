//! What a parameter of a CUDA function tells.

/// One parameter; `Skip` = it does not matter, but takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Skip,
    /// A device function: address of its host stub, CUfunction, CUkernel.
    Kernel,
    /// A dim3 by value: 12 bytes, x and y in one word, z in the next.
    Grid,
    Block,
    GridX,
    GridY,
    GridZ,
    BlockX,
    BlockY,
    BlockZ,
    /// Bytes of shared memory: a size_t of the runtime's, an unsigned of the driver's.
    Shared,
    DriverShared,
    Stream,
    /// cudaMemcpyKind
    CopyKind,
    Bytes,
    /// Bytes = the product of all of these.
    Factor,
    /// Elements, of which `DataType` says the size: a factor of the bytes.
    Count,
    /// ncclDataType_t
    DataType,
    Address,
    Event,
    Graph,
    GraphExec,
    Module,
    Communicator,
    Flags,
    Rank,
    Ranks,
    /// const char *: the name of the device function that `NewKernel` or `Kernel` stands for.
    Name,
    /// const char **: at return, the name of the device function in `Kernel`.
    NameOut,
    /// const cudaLaunchConfig_t *: grid, block, shared memory, stream.
    LaunchConfig,
    /// const CUlaunchConfig *
    DriverLaunchConfig,
    /// const cudaMemcpy3DParms *: extent and kind.
    Copy3D,
    /// const cudaMemcpy3DPeerParms *: extent.
    Copy3DPeer,
    /// const CUDA_MEMCPY2D *: width and height.
    DriverCopy2D,
    /// const CUDA_MEMCPY3D *, CUDA_MEMCPY3D_PEER *: width, height and depth.
    DriverCopy3D,
    /// A cudaPitchedPtr by value: 32 bytes.
    Pitched,
    /// A cudaExtent by value: 24 bytes, whose product is the bytes.
    Extent,
    /// An ncclUniqueId by value: 128 bytes, the same in every rank.
    UniqueId,
    /// A structure of 64 bytes by value: an inter-process handle.
    Large64,
    /// The address of what the call makes: its value at return is the call's output.
    NewAddress,
    NewStream,
    NewEvent,
    NewGraph,
    NewGraphExec,
    NewModule,
    NewKernel,
    NewCommunicator,
    /// What the call ends the life of.
    EndStream,
    EndEvent,
    EndGraph,
    EndGraphExec,
    EndModule,
    EndCommunicator,
}

/// Part of what a parameter points to, or of a structure that is passed by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// So many words from this one on.
    Words { from: usize, count: usize },
    /// A text that ends with a zero.
    Text,
}

impl Role {
    /// Whether the parameter points to something that the call fills in.
    #[must_use]
    pub fn is_output(self) -> bool {
        use Role::*;
        matches!(
            self,
            NewAddress
                | NewStream
                | NewEvent
                | NewGraph
                | NewGraphExec
                | NewModule
                | NewKernel
                | NewCommunicator
                | NameOut
        )
    }

    /// What has to be read of memory, beyond the parameter itself. Offsets: cuda_runtime_api.h and cuda.h, 64-bit.
    #[must_use]
    pub fn content(self) -> Option<Content> {
        use Content::{Text, Words};
        Some(match self {
            Role::LaunchConfig | Role::DriverLaunchConfig => Words { from: 0, count: 5 },
            Role::Copy3D => Words { from: 16, count: 4 },
            Role::Copy3DPeer => Words { from: 18, count: 3 },
            Role::DriverCopy2D => Words { from: 14, count: 2 },
            Role::DriverCopy3D => Words { from: 22, count: 3 },
            Role::Extent => Words { from: 0, count: 3 },
            Role::UniqueId => Words { from: 0, count: 16 },
            Role::Name | Role::NameOut => Text,
            _ => return None,
        })
    }

    /// Words of a structure that is too large for registers; 0 = it is none.
    #[must_use]
    pub fn large_words(self) -> usize {
        match self {
            Role::Pitched => 4,
            Role::Extent => 3,
            Role::Large64 => 8,
            Role::UniqueId => 16,
            _ => 0,
        }
    }

    /// The upper half of a register that holds an `int` or `unsigned` is whatever was there before.
    #[must_use]
    pub fn is_32_bit(self) -> bool {
        use Role::*;
        matches!(
            self,
            GridX
                | GridY
                | GridZ
                | BlockX
                | BlockY
                | BlockZ
                | DriverShared
                | CopyKind
                | Flags
                | DataType
                | Rank
                | Ranks
        )
    }
}
