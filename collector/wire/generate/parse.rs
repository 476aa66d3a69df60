//! Reads the small part of C that `wire.h` keeps to: `#define NAME number`, `enum { NAME = number, ... }`, and structs of
//! fixed-width integers, arrays of them, and earlier structs. Anything else is an error, never skipped: a declaration
//! that the Rust side silently lacked would be a record that nobody reads.

use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub struct Declarations {
    /// In the order of the file.
    pub constants: Vec<(String, u64)>,
    pub structs: Vec<Struct>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Struct {
    pub name: String,
    pub fields: Vec<Field>,
    pub bytes: usize,
    pub align: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub offset: usize,
    /// Elements of an array.
    pub count: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Integer { rust: &'static str, bytes: usize },
    Struct { name: String, bytes: usize, align: usize },
}

impl Kind {
    pub fn bytes(&self) -> usize {
        match self {
            Kind::Integer { bytes, .. } | Kind::Struct { bytes, .. } => *bytes,
        }
    }

    fn align(&self) -> usize {
        match self {
            Kind::Integer { bytes, .. } => *bytes,
            Kind::Struct { align, .. } => *align,
        }
    }
}

pub fn parse(text: &str) -> Result<Declarations, String> {
    let mut result = Declarations { constants: Vec::new(), structs: Vec::new() };
    let mut code = String::new();
    for line in without_comments(text)?.lines() {
        match line.trim_start().strip_prefix('#') {
            Some(directive) => define(directive, &mut result.constants)?,
            None => {
                code.push_str(line);
                code.push('\n');
            }
        }
    }
    let mut tokens = Tokens { list: tokens(&code)?, next: 0 };
    while let Some(word) = tokens.take() {
        match word.as_str() {
            "enum" => enumeration(&mut tokens, &mut result.constants)?,
            "struct" => structure(&mut tokens, &mut result)?,
            other => return Err(format!("'{other}' begins no declaration that is allowed here")),
        }
    }
    let mut names = BTreeMap::new();
    for (name, value) in &result.constants {
        if let Some(earlier) = names.insert(name, value) {
            return Err(format!("{name} is defined twice ({earlier} and {value})"));
        }
    }
    Ok(result)
}

fn without_comments(text: &str) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        result.push_str(&rest[..start]);
        result.push(' ');
        let end = rest[start..].find("*/").ok_or("a comment does not end")?;
        // line breaks inside a comment still end a directive before it
        result.push_str(if rest[start..start + end].contains('\n') { "\n" } else { "" });
        rest = &rest[start + end + 2..];
    }
    result.push_str(rest);
    Ok(result)
}

fn define(directive: &str, constants: &mut Vec<(String, u64)>) -> Result<(), String> {
    let words: Vec<&str> = directive.split_whitespace().collect();
    match words.as_slice() {
        ["define", name, value] => constants.push((name.to_string(), number(value)?)),
        ["define", _] | ["ifndef", _] | ["endif"] => {}
        _ => return Err(format!("'#{directive}' is not `#define NAME number`")),
    }
    Ok(())
}

fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("'{text}' is no number"))
}

fn tokens(code: &str) -> Result<Vec<String>, String> {
    let mut result: Vec<String> = Vec::new();
    let mut in_word = false;
    for character in code.chars() {
        if character.is_ascii_alphanumeric() || character == '_' {
            match result.last_mut() {
                Some(word) if in_word => word.push(character),
                _ => result.push(character.to_string()),
            }
            in_word = true;
            continue;
        }
        in_word = false;
        match character {
            '{' | '}' | '[' | ']' | ';' | '=' | ',' => result.push(character.to_string()),
            space if space.is_whitespace() => {}
            other => return Err(format!("'{other}' is not allowed here")),
        }
    }
    Ok(result)
}

struct Tokens {
    list: Vec<String>,
    next: usize,
}

impl Tokens {
    fn take(&mut self) -> Option<String> {
        let token = self.list.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn word(&mut self) -> Result<String, String> {
        self.take().ok_or_else(|| "the file ends inside a declaration".to_string())
    }

    fn peek(&self) -> Option<&str> {
        self.list.get(self.next).map(String::as_str)
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        match self.word()? {
            found if found == wanted => Ok(()),
            found => Err(format!("'{wanted}' expected, '{found}' found")),
        }
    }
}

fn enumeration(tokens: &mut Tokens, constants: &mut Vec<(String, u64)>) -> Result<(), String> {
    if tokens.peek() != Some("{") {
        tokens.word()?;
    }
    tokens.expect("{")?;
    while tokens.peek() != Some("}") {
        let name = tokens.word()?;
        tokens.expect("=")?;
        constants.push((name, number(&tokens.word()?)?));
        if tokens.peek() == Some(",") {
            tokens.word()?;
        }
    }
    tokens.expect("}")?;
    tokens.expect(";")
}

fn structure(tokens: &mut Tokens, result: &mut Declarations) -> Result<(), String> {
    let mut made = Struct { name: tokens.word()?, fields: Vec::new(), bytes: 0, align: 1 };
    tokens.expect("{")?;
    while tokens.peek() != Some("}") {
        let kind = kind(tokens, &result.structs)?;
        let name = tokens.word()?;
        let mut count = None;
        if tokens.peek() == Some("[") {
            tokens.word()?;
            let length = tokens.word()?;
            let named = result.constants.iter().find(|(name, _)| *name == length).map(|(_, value)| *value);
            count =
                Some(usize::try_from(named.map_or_else(|| number(&length), Ok)?).map_err(|error| error.to_string())?);
            tokens.expect("]")?;
        }
        tokens.expect(";")?;
        let (offset, align) = (made.bytes, kind.align());
        if offset % align != 0 {
            return Err(format!("struct {}: a hole of {} bytes before {name}", made.name, align - offset % align));
        }
        made.bytes += kind.bytes() * count.unwrap_or(1);
        made.align = made.align.max(align);
        made.fields.push(Field { name, kind, offset, count });
    }
    tokens.expect("}")?;
    tokens.expect(";")?;
    if made.bytes == 0 || !made.bytes.is_multiple_of(8) {
        return Err(format!("struct {}: {} bytes, not a multiple of 8", made.name, made.bytes));
    }
    result.structs.push(made);
    Ok(())
}

fn kind(tokens: &mut Tokens, earlier: &[Struct]) -> Result<Kind, String> {
    let word = tokens.word()?;
    Ok(match word.as_str() {
        "__u8" => Kind::Integer { rust: "u8", bytes: 1 },
        "__u16" => Kind::Integer { rust: "u16", bytes: 2 },
        "__s16" => Kind::Integer { rust: "i16", bytes: 2 },
        "__u32" => Kind::Integer { rust: "u32", bytes: 4 },
        "__s32" => Kind::Integer { rust: "i32", bytes: 4 },
        "__u64" => Kind::Integer { rust: "u64", bytes: 8 },
        "__s64" => Kind::Integer { rust: "i64", bytes: 8 },
        "struct" => {
            let name = tokens.word()?;
            let known = earlier
                .iter()
                .find(|made| made.name == name)
                .ok_or_else(|| format!("struct {name} is not known yet"))?;
            Kind::Struct { name, bytes: known.bytes, align: known.align }
        }
        other => return Err(format!("'{other}' is no type that is allowed here")),
    })
}
