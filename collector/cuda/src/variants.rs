//! The names of one function. A library exports it several times: `cuMemAlloc` and `cuMemAlloc_v2` (another ABI),
//! `cudaLaunchKernel` and `cudaLaunchKernel_ptsz` (the calling thread's own default stream). All are probed, each by its
//! own name; the table has the plain one, and a version only where its parameters differ.

/// The name without the suffixes of another ABI or of the per-thread default stream.
#[must_use]
pub fn plain_name(name: &str) -> &str {
    without_version(without_stream(name))
}

/// Whether this variant takes stream 0 as the calling thread's own default stream.
#[must_use]
pub fn default_stream_is_per_thread(name: &str) -> bool {
    without_stream(name) != name
}

/// `cuMemcpyHtoD_v2_ptds` -> `cuMemcpyHtoD_v2`
pub(crate) fn without_stream(name: &str) -> &str {
    ["_ptsz", "_ptds"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

fn without_version(name: &str) -> &str {
    match name.rsplit_once("_v") {
        Some((plain, digits)) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => plain,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_fall_away() {
        for (name, plain, per_thread) in [
            ("cuMemAlloc_v2", "cuMemAlloc", false),
            ("cuMemcpyHtoDAsync_v2_ptsz", "cuMemcpyHtoDAsync", true),
            ("cudaMemcpy_ptds", "cudaMemcpy", true),
            ("cudaGetDeviceProperties_v12000", "cudaGetDeviceProperties", false),
            ("cudaLaunchKernel", "cudaLaunchKernel", false),
            ("odd_v", "odd_v", false),
        ] {
            assert_eq!(plain_name(name), plain);
            assert_eq!(default_stream_is_per_thread(name), per_thread, "{name}");
        }
    }
}
