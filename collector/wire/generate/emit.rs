//! Writes the declarations of `wire.h` as Rust: constants, and `#[repr(C)]` structs that are read from and written to
//! little-endian bytes without `unsafe`. Size and offsets are checked again by the compiler.

use std::fmt::Write;

use crate::parse::{Declarations, Field, Kind, Struct};

pub fn emit(declarations: &Declarations) -> String {
    let mut out = String::new();
    for (name, value) in &declarations.constants {
        let kind = if u32::try_from(*value).is_ok() { "u32" } else { "u64" };
        let _ = writeln!(out, "pub const {name}: {kind} = {value:#x};");
    }
    for made in &declarations.structs {
        structure(&mut out, made);
    }
    out
}

fn structure(out: &mut String, made: &Struct) {
    let name = camel_case(&made.name);
    let bytes = made.bytes;
    let mut fields = String::new();
    let mut read = String::new();
    let mut write = String::new();
    let mut checks = String::new();
    for field in &made.fields {
        let Field { name: field_name, offset, .. } = field;
        let _ = writeln!(fields, "    pub {field_name}: {},", rust_type(field));
        let _ = writeln!(read, "            {field_name}: {},", read_field(field));
        write_field(&mut write, field);
        let _ = writeln!(checks, "    assert!(std::mem::offset_of!({name}, {field_name}) == {offset});");
    }
    let _ = write!(
        out,
        "
/// `struct {c_name}` of wire.h, {bytes} bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct {name} {{
{fields}}}

impl Default for {name} {{
    /// All zero; arrays of more than 32 elements have no default of their own.
    fn default() -> Self {{
        Self::from_array(&[0; {bytes}])
    }}
}}

impl {name} {{
    pub const BYTES: usize = {bytes};

    /// Reads the first {bytes} bytes; `None` when there are fewer.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {{
        Some(Self::from_array(bytes.first_chunk::<{bytes}>()?))
    }}

    pub fn from_array(bytes: &[u8; {bytes}]) -> Self {{
        Self {{
{read}        }}
    }}

    pub fn to_bytes(&self) -> [u8; {bytes}] {{
        let mut bytes = [0; {bytes}];
{write}        bytes
    }}
}}

const _: () = {{
    assert!(std::mem::size_of::<{name}>() == {bytes});
{checks}}};
",
        c_name = made.name,
    );
}

fn camel_case(name: &str) -> String {
    let capital =
        |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    name.split('_').map(capital).collect()
}

fn element_type(kind: &Kind) -> String {
    match kind {
        Kind::Integer { rust, .. } => (*rust).to_string(),
        Kind::Struct { name, .. } => camel_case(name),
    }
}

fn rust_type(field: &Field) -> String {
    let element = element_type(&field.kind);
    field.count.map_or_else(|| element.clone(), |count| format!("[{element}; {count}]"))
}

fn offsets(field: &Field) -> impl Iterator<Item = usize> {
    let (offset, bytes) = (field.offset, field.kind.bytes());
    (0..field.count.unwrap_or(1)).map(move |index| offset + index * bytes)
}

/// Constant indices into an array of known length: nothing here can panic.
fn read_field(field: &Field) -> String {
    let elements: Vec<String> = offsets(field)
        .map(|at| {
            let list: Vec<String> = (at..at + field.kind.bytes()).map(|index| format!("bytes[{index}]")).collect();
            match &field.kind {
                Kind::Integer { rust, .. } => format!("{rust}::from_le_bytes([{}])", list.join(", ")),
                Kind::Struct { name, .. } => format!("{}::from_array(&[{}])", camel_case(name), list.join(", ")),
            }
        })
        .collect();
    if field.count.is_some() { format!("[{}]", elements.join(", ")) } else { elements.join("") }
}

fn write_field(out: &mut String, field: &Field) {
    for (index, at) in offsets(field).enumerate() {
        let element = if field.count.is_some() {
            format!("self.{}[{index}]", field.name)
        } else {
            format!("self.{}", field.name)
        };
        let bytes = match &field.kind {
            Kind::Integer { .. } => format!("{element}.to_le_bytes()"),
            Kind::Struct { .. } => format!("{element}.to_bytes()"),
        };
        let _ = writeln!(out, "        bytes[{at}..{}].copy_from_slice(&{bytes});", at + field.kind.bytes());
    }
}
