//! What an answer must look like, with one column for each version.

use cluster::Version;
use cluster::wire::Answer;
use rocketmq_protocol::frame::HeaderEncoding;

/// The versions whose answers are told apart. The mock's profiles stand in the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    V4_9_7,
    V5_3_3,
    V5_5_0,
}

impl Column {
    /// Protocol version that the servers write into every answer.
    fn ordinal(self) -> i32 {
        let version = match self {
            Column::V4_9_7 => Version::V4_9_7,
            Column::V5_3_3 => Version::V5_3_3,
            Column::V5_5_0 => Version::V5_5_0,
        };
        version.ordinal()
    }
}

/// What one ext field must hold.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Is(String),
    /// Not empty, otherwise free.
    Any,
    /// This many offset message ids of the broker, joined by commas.
    OffsetIds(usize),
    /// A unique id made by the broker: with an IPv4 or an IPv6 address of its machine.
    UniqueId,
}

#[derive(Clone, Debug)]
pub(crate) enum Remark {
    None,
    Contains(&'static str),
    /// Human text that is nobody's contract.
    Free,
}

/// One expected answer: code, remark, and exactly the listed ext fields.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    code: i32,
    remark: Remark,
    fields: Vec<(&'static str, Value)>,
    json: bool,
    silent: bool,
}

impl Expected {
    pub(crate) fn code(code: i32) -> Expected {
        Expected { code, remark: Remark::None, fields: Vec::new(), json: false, silent: false }
    }

    /// No answer at all.
    pub(crate) fn silence() -> Expected {
        Expected { silent: true, ..Expected::code(0) }
    }

    pub(crate) fn is_silence(&self) -> bool {
        self.silent
    }

    pub(crate) fn remark(mut self, remark: Remark) -> Expected {
        self.remark = remark;
        self
    }

    pub(crate) fn says(self, part: &'static str) -> Expected {
        self.remark(Remark::Contains(part))
    }

    pub(crate) fn field(mut self, name: &'static str, value: Value) -> Expected {
        self.fields.retain(|(known, _)| *known != name);
        self.fields.push((name, value));
        self
    }

    pub(crate) fn is(self, name: &'static str, value: impl ToString) -> Expected {
        self.field(name, Value::Is(value.to_string()))
    }

    /// Answered in JSON also where the version otherwise repeats the request's encoding.
    pub(crate) fn json(mut self) -> Expected {
        self.json = true;
        self
    }

    /// Every difference, in words.
    pub(crate) fn differences(&self, answer: &Answer, asked: HeaderEncoding, column: Column) -> Vec<String> {
        let mut found = Vec::new();
        if answer.code != self.code {
            found.push(format!("code {} instead of {}", answer.code, self.code));
        }
        if answer.version != column.ordinal() {
            found.push(format!("version {} instead of {}", answer.version, column.ordinal()));
        }
        let text = answer.remark.as_deref().unwrap_or_default();
        match self.remark {
            Remark::None if !text.is_empty() => found.push(format!("remark `{text}` instead of none")),
            Remark::Contains(part) if !text.contains(part) => {
                found.push(format!("remark `{text}` without `{part}`"));
            }
            _ => {}
        }
        for (name, value) in &self.fields {
            match answer.fields.get(*name) {
                None => found.push(format!("no field {name}, should be {value:?}")),
                Some(actual) if !value.fits(actual) => {
                    found.push(format!("field {name} is `{actual}`, should be {value:?}"));
                }
                Some(_) => {}
            }
        }
        for (name, actual) in &answer.fields {
            if !self.fields.iter().any(|(known, _)| known == name) {
                found.push(format!("unexpected field {name} = `{actual}`"));
            }
        }
        let echoes = column == Column::V4_9_7 && !self.json;
        let encoding = if echoes { asked } else { HeaderEncoding::Json };
        if answer.encoding != encoding {
            found.push(format!("header in {:?} instead of {encoding:?}", answer.encoding));
        }
        found
    }
}

impl Value {
    fn fits(&self, actual: &str) -> bool {
        let is_hex = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
        match self {
            Value::Is(expected) => actual == expected,
            Value::Any => !actual.is_empty(),
            Value::OffsetIds(count) => {
                let ids: Vec<_> = actual.split(',').collect();
                ids.len() == *count && ids.iter().all(|id| is_hex(id, 32) && id.starts_with("7F000001"))
            }
            Value::UniqueId => is_hex(actual, 32) || is_hex(actual, 56),
        }
    }
}

/// The expectation of each version.
#[derive(Clone, Debug)]
pub(crate) struct Columns([Expected; 3]);

impl Columns {
    pub(crate) fn of(&self, column: Column) -> &Expected {
        &self.0[column as usize]
    }

    /// The same for every version.
    pub(crate) fn all(expected: Expected) -> Columns {
        Columns([expected.clone(), expected.clone(), expected])
    }

    /// 4.9.7, and both 5.x.
    pub(crate) fn split(old: Expected, new: Expected) -> Columns {
        Columns([old, new.clone(), new])
    }

    /// One for each version.
    pub(crate) fn each(columns: [Expected; 3]) -> Columns {
        Columns(columns)
    }

    /// Changes every column.
    pub(crate) fn map(self, change: impl Fn(Expected) -> Expected) -> Columns {
        Columns(self.0.map(change))
    }

    /// Changes the columns of 5.x.
    pub(crate) fn map_new(self, change: impl Fn(Expected) -> Expected) -> Columns {
        let [old, middle, new] = self.0;
        Columns([old, change(middle), change(new)])
    }

    /// The column of 4.9.7 from here, those of 5.x from `new`.
    pub(crate) fn old_else(self, new: Expected) -> Columns {
        let [old, ..] = self.0;
        Columns::split(old, new)
    }
}

/// A stored message: region and trace switch, ids, queue and offset; 5.x repeats the unique id as transaction id.
pub(crate) fn stored(unique_id: &str, queue_id: i32, queue_offset: i64) -> Columns {
    Columns::all(
        processed(0)
            .field("msgId", Value::OffsetIds(1))
            .is("queueId", queue_id)
            .is("queueOffset", queue_offset),
    )
    .map_new(|expected| expected.is("transactionId", unique_id))
}

/// A send that the processor refused: its code, a remark, nothing but region and trace switch.
pub(crate) fn refused(old_code: i32, new_code: i32, part: &'static str) -> Columns {
    Columns::split(processed(old_code).says(part), processed(new_code).says(part))
}

/// An answer of the send processor without anything stored.
pub(crate) fn processed(code: i32) -> Expected {
    Expected::code(code).is("MSG_REGION", "DefaultRegion").is("TRACE_ON", "true")
}

/// Records found by a query (12), which is answered in JSON always.
pub(crate) fn found() -> Expected {
    Expected::code(0)
        .json()
        .field("indexLastUpdateTimestamp", Value::Any)
        .field("indexLastUpdatePhyoffset", Value::Any)
}
