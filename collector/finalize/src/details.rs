//! The column `details`: a JSON object for what is rare, NULL when there is nothing to say.

use serde_json::{Map, Value};

use crate::clock::exact;

#[derive(Debug, Default)]
pub struct Details {
    object: Map<String, Value>,
}

impl Details {
    pub fn say(&mut self, key: &str, value: impl Into<Value>) {
        self.object.insert(key.into(), value.into());
    }

    pub fn says(&self, key: &str) -> bool {
        self.object.contains_key(key)
    }

    /// A number for an INTEGER column: beyond 2^53 - 1 the column is NULL and the number stands here as text.
    pub fn integer(&mut self, key: &str, value: u64) -> Option<i64> {
        let fits = exact(value);
        if fits.is_none() {
            self.say(key, format!("{value:#x}"));
        }
        fits
    }

    pub fn into_text(self) -> Option<String> {
        (!self.object.is_empty()).then(|| Value::Object(self.object).to_string())
    }
}
