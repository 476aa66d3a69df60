//! Numbers of CUDA's interfaces that stand for something: kinds of copies, types and sizes of elements.

use wakechain_cuda::variants::plain_name;

/// ncclDataType_t: its name and the bytes of an element.
pub fn nccl_type(data_type: u64) -> Option<(&'static str, u64)> {
    const TYPES: [(&str, u64); 12] = [
        ("int8", 1),
        ("uint8", 1),
        ("int32", 4),
        ("uint32", 4),
        ("int64", 8),
        ("uint64", 8),
        ("float16", 2),
        ("float32", 4),
        ("float64", 8),
        ("bfloat16", 2),
        ("float8e4m3", 1),
        ("float8e5m2", 1),
    ];
    TYPES.get(usize::try_from(data_type).ok()?).copied()
}

/// Elements of the driver's memset functions.
pub fn memset_element_bytes(function: &str) -> u64 {
    match plain_name(function).trim_end_matches("Async") {
        "cuMemsetD16" | "cuMemsetD2D16" => 2,
        "cuMemsetD32" | "cuMemsetD2D32" => 4,
        _ => 1,
    }
}

/// cudaMemcpyKind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyKind {
    HostToHost,
    HostToDevice,
    DeviceToHost,
    DeviceToDevice,
    Default,
}

impl CopyKind {
    pub fn of_number(kind: u64) -> Option<CopyKind> {
        Some(match kind {
            0 => CopyKind::HostToHost,
            1 => CopyKind::HostToDevice,
            2 => CopyKind::DeviceToHost,
            3 => CopyKind::DeviceToDevice,
            4 => CopyKind::Default,
            _ => return None,
        })
    }

    /// What the driver function's name says; an array lies on the device.
    pub fn of_name(function: &str) -> Option<CopyKind> {
        let plain = plain_name(function);
        let says = |parts: &[&str]| parts.iter().any(|part| plain.contains(part));
        if says(&["HtoD", "HtoA"]) {
            return Some(CopyKind::HostToDevice);
        }
        if says(&["DtoH", "AtoH"]) {
            return Some(CopyKind::DeviceToHost);
        }
        says(&["DtoD", "DtoA", "AtoD", "AtoA"]).then_some(CopyKind::DeviceToDevice)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            CopyKind::HostToHost => "host_to_host",
            CopyKind::HostToDevice => "host_to_device",
            CopyKind::DeviceToHost => "device_to_host",
            CopyKind::DeviceToDevice => "device_to_device",
            CopyKind::Default => "default",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_function_says_in_its_name_what_it_copies_and_sets() {
        assert_eq!(CopyKind::of_name("cuMemcpyHtoDAsync_v2_ptsz"), Some(CopyKind::HostToDevice));
        assert_eq!(CopyKind::of_name("cuMemcpyAtoH_v2"), Some(CopyKind::DeviceToHost));
        assert_eq!(CopyKind::of_name("cuMemcpyAsync"), None);
        assert_eq!(CopyKind::of_number(4), Some(CopyKind::Default));
        assert_eq!(CopyKind::of_number(99), None);
        assert_eq!(memset_element_bytes("cuMemsetD32Async_ptsz"), 4);
        assert_eq!(memset_element_bytes("cuMemsetD2D16_v2"), 2);
        assert_eq!(memset_element_bytes("cudaMemset"), 1);
        assert_eq!(nccl_type(9), Some(("bfloat16", 2)));
        assert_eq!(nccl_type(99), None);
    }
}
