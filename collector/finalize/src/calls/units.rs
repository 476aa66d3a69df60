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

/// cudaMemcpyKind, or what the driver function's name says.
pub fn copy_kind(function: &str, kind: Option<u64>) -> Option<&'static str> {
    let plain = plain_name(function);
    let by_name =
        [("HtoD", 1), ("DtoH", 2), ("DtoD", 3), ("HtoA", 1), ("AtoH", 2), ("DtoA", 3), ("AtoD", 3), ("AtoA", 3)]
            .into_iter()
            .find(|(part, _)| plain.contains(part))
            .map(|(_, kind)| kind);
    Some(match kind.or(by_name)? {
        0 => "host_to_host",
        1 => "host_to_device",
        2 => "device_to_host",
        3 => "device_to_device",
        4 => "default",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_function_says_in_its_name_what_it_copies_and_sets() {
        assert_eq!(copy_kind("cuMemcpyHtoDAsync_v2_ptsz", None), Some("host_to_device"));
        assert_eq!(copy_kind("cuMemcpyAtoH_v2", None), Some("device_to_host"));
        assert_eq!(copy_kind("cuMemcpyAsync", None), None);
        assert_eq!(copy_kind("cudaMemcpy", Some(4)), Some("default"));
        assert_eq!(copy_kind("cudaMemcpy", Some(99)), None);
        assert_eq!(memset_element_bytes("cuMemsetD32Async_ptsz"), 4);
        assert_eq!(memset_element_bytes("cuMemsetD2D16_v2"), 2);
        assert_eq!(memset_element_bytes("cudaMemset"), 1);
        assert_eq!(nccl_type(9), Some(("bfloat16", 2)));
        assert_eq!(nccl_type(99), None);
    }
}
