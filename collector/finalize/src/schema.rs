//! The one copy of the schema, cut into statements: tables first, indexes after the last row, views at the end. Comments
//! stay inside their statements, so that whoever reads `sqlite_schema` reads them too.

const SCHEMA: &str = include_str!("../../schema.sql");

pub struct Schema {
    pub tables: Vec<&'static str>,
    pub indexes: Vec<&'static str>,
    pub views: Vec<&'static str>,
}

pub fn schema() -> Schema {
    let mut made = Schema { tables: Vec::new(), indexes: Vec::new(), views: Vec::new() };
    for statement in statements(SCHEMA) {
        let code = first_code(statement);
        if code.starts_with("CREATE INDEX") {
            made.indexes.push(code);
        } else if code.starts_with("CREATE VIEW") {
            made.views.push(code);
        } else if !code.is_empty() {
            made.tables.push(code);
        }
    }
    made
}

/// Cuts at each `;` that stands in neither a comment nor a string.
fn statements(text: &'static str) -> Vec<&'static str> {
    let bytes = text.as_bytes();
    let (mut found, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let rest = &text[at..];
        let skip_to = |end: &str| {
            rest.get(1..).and_then(|rest| rest.find(end)).map_or(text.len(), |found| at + 1 + found + end.len())
        };
        at = match bytes[at] {
            b'-' if rest.starts_with("--") => skip_to("\n"),
            b'/' if rest.starts_with("/*") => skip_to("*/"),
            b'\'' => skip_to("'"),
            b';' => {
                found.push(&text[start..=at]);
                start = at + 1;
                at + 1
            }
            _ => at + rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    found
}

/// From the statement's first word on: what stands before it belongs to the statement before, or to the file.
fn first_code(statement: &'static str) -> &'static str {
    let mut rest = statement.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_found_once() {
        let made = schema();
        let count = |word: &str| SCHEMA.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!(made.indexes.len(), count("CREATE INDEX"));
        assert_eq!(made.views.len(), count("CREATE VIEW"));
        assert_eq!(made.tables.len(), count("CREATE TABLE") + count("PRAGMA"));
        assert!(made.tables.iter().any(|sql| sql.contains("-- start_unix_ns (a string")), "comments are kept");
    }
}
