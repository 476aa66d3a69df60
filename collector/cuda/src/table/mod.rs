//! The table itself, by library. A row stands for all functions that are about the same and whose parameters tell the
//! same. A name may carry what it takes to tell parameters apart: `cuMemPrefetchAsync_v2` (that version alone), or
//! `cudaMemPrefetchAsync@13` (as that version of the library exports it).

mod driver;
mod nccl;
mod runtime;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::role::Role;
use crate::variants::{plain_name, without_stream};
use crate::{Known, Library};

#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub library: Library,
    pub category: &'static str,
    pub names: &'static str,
    pub roles: &'static [Role],
}

type Of = (&'static str, &'static str, &'static [Role]);

/// Every row of the table.
pub fn rows() -> impl Iterator<Item = Row> {
    let of = |library: Library, rows: &'static [Of]| {
        rows.iter().map(move |(category, names, roles)| Row { library, category, names, roles })
    };
    of(Library::Runtime, runtime::ROWS).chain(of(Library::Driver, driver::ROWS)).chain(of(Library::Nccl, nccl::ROWS))
}

/// Never probed unless asked for: called so often, for so little, that a probe would cost more than it tells.
pub(crate) const TOO_CHEAP: &[&str] = &[
    "cudaGetDevice",
    "cudaSetDevice",
    "cudaGetLastError",
    "cudaPeekAtLastError",
    "cudaStreamIsCapturing",
    "cudaStreamGetCaptureInfo",
    "cudaThreadExchangeStreamCaptureMode",
    "cudaEventQuery",
    "cudaStreamQuery",
    "cudaStreamGetPriority",
    "cudaDeviceGetAttribute",
    "cudaGetDeviceCount",
    "cudaGetDeviceProperties",
    "cudaPointerGetAttributes",
    "cudaDriverGetVersion",
    "cudaRuntimeGetVersion",
    "cuCtxGetCurrent",
    "cuCtxSetCurrent",
    "cuCtxPushCurrent",
    "cuCtxPopCurrent",
    "cuCtxGetDevice",
    "cuDeviceGet",
    "cuDeviceGetAttribute",
    "cuDeviceGetCount",
    "cuDriverGetVersion",
    "cuEventQuery",
    "cuGetProcAddress",
    "cuPointerGetAttribute",
    "cuPointerGetAttributes",
    "cuStreamGetCaptureInfo",
    "cuStreamGetCtx",
    "cuStreamGetPriority",
    "cuStreamIsCapturing",
    "cuStreamQuery",
    "cuThreadExchangeStreamCaptureMode",
    // no more than a jump to cudaLaunchKernel: to probe both would tell each launch twice
    "__cudaLaunchKernel",
];

/// What they return is no error code, or nothing at all.
const NO_RESULT: &[&str] = &[
    "__cudaRegisterFunction",
    "__cudaRegisterFatBinary",
    "__cudaRegisterFatBinaryEnd",
    "__cudaUnregisterFatBinary",
    "__cudaInitModule",
];

pub(crate) fn find(name: &str, major: u32) -> Option<Known> {
    static BY_NAME: OnceLock<HashMap<&'static str, Row>> = OnceLock::new();
    let by_name = BY_NAME
        .get_or_init(|| rows().flat_map(|row| row.names.split_whitespace().map(move |name| (name, row))).collect());
    let versioned = without_stream(name);
    let plain = plain_name(name);
    let row = by_name
        .get(format!("{versioned}@{major}").as_str())
        .or_else(|| by_name.get(versioned))
        .or_else(|| by_name.get(format!("{plain}@{major}").as_str()))
        .or_else(|| by_name.get(plain))?;
    Some(Known {
        library: row.library,
        category: row.category,
        roles: row.roles,
        by_default: !TOO_CHEAP.contains(&plain),
        returns_error: !NO_RESULT.contains(&plain),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_name_stands_once_and_its_prefix_fits_its_library() {
        let mut seen = HashSet::new();
        for row in rows() {
            for name in row.names.split_whitespace() {
                assert!(seen.insert(name), "{name} stands twice");
                let plain = plain_name(name.split('@').next().unwrap_or(name));
                let of = match plain.trim_start_matches('_') {
                    name if name.starts_with("cuda") => Library::Runtime,
                    name if name.starts_with("cu") => Library::Driver,
                    _ => Library::Nccl,
                };
                assert_eq!(row.library, of, "{name}");
                assert_eq!(
                    find(plain, 0).map(|known| known.category),
                    Some(row.category),
                    "{name}: as without a version"
                );
            }
        }
    }

    #[test]
    fn categories_are_those_of_the_trace() {
        let schema = include_str!("../../../schema.sql");
        for row in rows() {
            assert!(schema.contains(&format!("'{}'", row.category)), "{}", row.category);
        }
    }

    #[test]
    fn variants_are_known_by_their_plain_name() {
        for (name, category) in [
            ("cudaLaunchKernel", "launch"),
            ("cudaLaunchKernel_ptsz", "launch"),
            ("cuMemcpyHtoDAsync_v2_ptsz", "copy"),
            ("cuMemAlloc_v2", "allocate"),
            ("cuGraphInstantiate_v2", "graph"),
            ("cudaMemcpy_ptds", "copy"),
            ("ncclAllReduce", "collective"),
        ] {
            assert_eq!(find(name, 0).map(|known| known.category), Some(category), "{name}");
        }
        assert_eq!(find("cudaLaunchKernelInternal", 0), None);
        assert_eq!(find("printf", 0), None);
    }

    #[test]
    fn a_name_means_what_its_library_exports() {
        use crate::Role::{Skip, Stream};
        let stream =
            |name, major| find(name, major).and_then(|known| known.roles.iter().position(|role| *role == Stream));
        assert_eq!(stream("cudaMemPrefetchAsync", 12), Some(3));
        assert_eq!(stream("cudaMemPrefetchAsync_v2_ptsz", 12), Some(4));
        assert_eq!(stream("cudaMemPrefetchAsync_ptsz", 13), Some(4));
        assert_eq!(stream("cuMemPrefetchAsync", 1), Some(3));
        assert_eq!(stream("cuMemPrefetchAsync_v2", 1), Some(4));
        assert!(find("cudaMemPrefetchAsync", 0).is_some_and(|known| known.roles.contains(&Skip)));
    }

    #[test]
    fn what_is_too_cheap_is_known_but_not_probed() {
        for name in TOO_CHEAP {
            assert!(find(name, 0).is_some_and(|known| !known.by_default), "{name}");
        }
        assert!(find("cudaMalloc", 0).is_some_and(|known| known.by_default && known.returns_error));
        assert!(find("__cudaRegisterFunction", 0).is_some_and(|known| !known.returns_error));
    }
}
