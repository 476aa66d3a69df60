//! Names of kernel addresses, out of /proc/kallsyms: only those that the stacks of this capture fall into, and the
//! entries of interrupts, by which a stack tells that its thread was merely borrowed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

/// How the kernel's interrupt entries begin, x86_64 and aarch64.
const INTERRUPT_ENTRIES: &[&str] =
    &["asm_common_interrupt", "asm_sysvec_", "el1_irq", "el1h_64_irq", "el0_irq", "el0t_64_irq", "call_on_irq_stack"];

struct Symbol {
    address: u64,
    name: String,
}

/// `{"symbols": [[address in hex, name, bytes], ...]}`; empty where the kernel hides its addresses.
pub fn for_addresses(addresses: &BTreeSet<u64>) -> Value {
    let symbols = read().unwrap_or_default();
    let rows: Vec<Value> = choose(&symbols, addresses)
        .into_iter()
        .map(|(address, name, bytes)| json!([format!("{address:x}"), name, bytes]))
        .collect();
    json!({ "symbols": rows })
}

/// Code symbols, sorted by address.
fn read() -> std::io::Result<Vec<Symbol>> {
    let mut symbols = Vec::new();
    let mut lines = BufReader::with_capacity(1 << 16, File::open("/proc/kallsyms")?);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        symbols.extend(parse(&line));
        line.clear();
    }
    symbols.sort_by_key(|symbol| symbol.address);
    Ok(symbols)
}

/// `ffffffff81000000 T name [module]`
fn parse(line: &str) -> Option<Symbol> {
    let mut words = line.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok().filter(|address| *address != 0)?;
    let kind = words.next()?;
    let name = words.next()?;
    // a module's name in brackets is part of it: it tells the GPU's driver from the kernel itself
    let name = words.next().map_or_else(|| name.to_owned(), |module| format!("{name} {module}"));
    matches!(kind, "t" | "T" | "w" | "W").then_some(Symbol { address, name })
}

/// Address, name, bytes to the next symbol (0 = the last one).
fn choose<'a>(symbols: &'a [Symbol], addresses: &BTreeSet<u64>) -> Vec<(u64, &'a str, u64)> {
    let is_entry = |symbol: &Symbol| INTERRUPT_ENTRIES.iter().any(|entry| symbol.name.starts_with(entry));
    let mut chosen: BTreeSet<usize> =
        symbols.iter().enumerate().filter(|(_, symbol)| is_entry(symbol)).map(|(index, _)| index).collect();
    chosen.extend(
        addresses
            .iter()
            .filter_map(|address| symbols.partition_point(|symbol| symbol.address <= *address).checked_sub(1)),
    );
    let bytes = |index: usize| {
        let here = symbols.get(index)?.address;
        Some(symbols[index..].iter().find(|symbol| symbol.address > here)?.address - here)
    };
    chosen
        .into_iter()
        .filter_map(|index| {
            symbols.get(index).map(|symbol| (symbol.address, symbol.name.as_str(), bytes(index).unwrap_or(0)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_the_symbol_below_it() {
        let text = "0000000000000000 A fixed\n1000 T first\n1100 t asm_sysvec_timer\n1200 D data\n1300 W second\n1300 T second_alias\n1400 t third [net]\n";
        let symbols: Vec<Symbol> = text.lines().filter_map(parse).collect();
        let addresses = BTreeSet::from([0x0fff, 0x10ff, 0x1400, 0x9999]);
        assert_eq!(
            choose(&symbols, &addresses),
            [(0x1000, "first", 0x100), (0x1100, "asm_sysvec_timer", 0x200), (0x1400, "third [net]", 0)]
        );
    }
}
