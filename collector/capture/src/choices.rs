//! What may stand in `--probe`: a function of the table, with or without the suffix of a variant, or a category, which is
//! all functions of that kind. A name that is neither is refused, with those that it may have been meant to be.

use std::collections::BTreeSet;

use wakechain_cuda::{known, rows};

const SUGGESTIONS: usize = 3;

#[must_use]
pub fn is_category(name: &str) -> bool {
    rows().any(|row| row.category == name)
}

fn categories() -> BTreeSet<&'static str> {
    rows().map(|row| row.category).collect()
}

/// A sentence for a name that means nothing.
pub fn check(name: &str) -> Result<(), String> {
    if is_category(name) || known(name, 0).is_some() {
        return Ok(());
    }
    let categories: Vec<&str> = categories().into_iter().collect();
    Err(format!(
        "{name} is no function that Wakechain can probe: did you mean {}? A category is possible, too: {}",
        nearest(name).join(", "),
        categories.join(", ")
    ))
}

/// The names that are the fewest changes away, without regard to capital letters.
fn nearest(name: &str) -> Vec<&'static str> {
    let wanted = name.to_ascii_lowercase();
    let names = rows().flat_map(|row| row.names.split_whitespace()).map(|name| name.split('@').next().unwrap_or(name));
    let mut all: Vec<(usize, &str)> =
        names.chain(categories()).map(|known| (distance(&wanted, &known.to_ascii_lowercase()), known)).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().take(SUGGESTIONS).map(|(_, known)| known).collect()
}

/// Levenshtein's: letters put in, left out or replaced.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, apart) in [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("abc", "abc", 0), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), apart, "{a} {b}");
            assert_eq!(distance(b, a), apart, "{b} {a}");
        }
    }

    #[test]
    fn what_is_known_passes_and_the_rest_is_told_what_is_near() {
        for name in ["cudaMalloc", "cuMemAlloc_v2", "cudaLaunchKernel_ptsz", "launch", "other"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for (wrong, meant) in [
            ("cudaMaloc", "cudaMalloc"),
            ("cudalaunchkernel", "cudaLaunchKernel"),
            ("launches", "launch"),
            ("ncclAllReduc", "ncclAllReduce"),
        ] {
            let sentence = check(wrong).expect_err(wrong);
            assert!(sentence.contains(&format!("mean {meant},")), "{sentence}");
        }
    }
}
