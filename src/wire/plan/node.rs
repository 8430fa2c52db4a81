//! Typed reading of a TOML tree: every problem is kept with its line, every key asked for is remembered,
//! every key not asked for is refused. Knows nothing of plans.

use super::{Place, Problem};
use std::{collections::BTreeMap, ops::RangeInclusive};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A value with its path and place.
pub(super) struct Node<'a, 'i> {
    pub value: &'a DeValue<'i>,
    pub path: String,
    pub place: Place,
}

/// The whole document.
pub(super) struct Document<'i>(Spanned<DeTable<'i>>);

/// Collects problems and places.
pub(super) struct Reader {
    line_starts: Vec<usize>,
    text: String,
    problems: Vec<Problem>,
    spans: BTreeMap<String, Place>,
}

impl Reader {
    pub fn new(text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            line_starts: std::iter::once(0).chain(starts).collect(),
            text: text.to_owned(),
            problems: Vec::new(),
            spans: BTreeMap::new(),
        }
    }

    pub fn into_parts(self) -> (BTreeMap<String, Place>, Vec<Problem>) {
        (self.spans, self.problems)
    }

    /// The TOML tree; after a syntax error there is none, for its remains would only mislead.
    pub fn document<'i>(&mut self, text: &'i str) -> Option<Document<'i>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let place = self.place(error.span().map_or(0, |span| span.start));
            let hint = error
                .message()
                .contains("duplicate key")
                .then(|| "keep one of the two: a second value would hide the first".to_owned());
            self.report(place, "", format!("not TOML: {}", error.message()), hint);
        }
        errors.is_empty().then_some(Document(root))
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line.max(1) - 1];
        let column = self
            .text
            .get(start..offset)
            .map_or(1, |s| s.chars().count() + 1);
        Place { line, column }
    }

    fn report(&mut self, place: Place, path: &str, message: String, hint: Option<String>) {
        self.problems.push(Problem {
            line: place.line,
            column: place.column,
            path: path.to_owned(),
            message,
            hint,
        });
    }

    /// A problem with the value of `node`.
    pub fn refuse<T>(&mut self, node: &Node, message: String, hint: Option<String>) -> Option<T> {
        self.report(node.place, &node.path, message, hint);
        None
    }

    /// The value is of another type than `expected`.
    pub fn mistyped<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        let shown = show(node.value);
        let hint = matches!(node.value, DeValue::String(s) if s.parse::<f64>().is_ok() && expected.contains("number"))
            .then(|| "write it without quotation marks".to_owned());
        let message = format!("{} is {shown}; expected {expected}", leaf(&node.path));
        self.refuse(node, message, hint)
    }
}

impl<'i> Document<'i> {
    /// The root table.
    pub fn table<'a, 'r>(&'a self, reader: &'r mut Reader) -> Table<'a, 'i, 'r> {
        Table {
            reader,
            entries: self.0.get_ref(),
            path: String::new(),
            place: Place { line: 1, column: 1 },
            asked: Vec::new(),
        }
    }
}

/// A table being read.
pub(super) struct Table<'a, 'i, 'r> {
    pub reader: &'r mut Reader,
    entries: &'a DeTable<'i>,
    path: String,
    place: Place,
    asked: Vec<&'static str>,
}

impl<'a, 'i, 'r> Table<'a, 'i, 'r> {
    pub fn open(reader: &'r mut Reader, node: &Node<'a, 'i>) -> Option<Self> {
        let DeValue::Table(entries) = node.value else {
            return reader.mistyped(node, "a table");
        };
        Some(Self {
            reader,
            entries,
            path: node.path.clone(),
            place: node.place,
            asked: Vec::new(),
        })
    }

    fn node(&mut self, key: &'static str) -> Option<Node<'a, 'i>> {
        self.asked.push(key);
        let value = self.entries.get(key)?;
        let node = Node {
            value: value.get_ref(),
            path: join(&self.path, key),
            place: self.reader.place(value.span().start),
        };
        self.reader.spans.insert(node.path.clone(), node.place);
        Some(node)
    }

    /// The value of a key that may be absent; `None` too when it is refused (that is reported).
    pub fn may<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Reader, &Node<'a, 'i>) -> Option<T>,
    ) -> Option<T> {
        let node = self.node(key)?;
        read(self.reader, &node)
    }

    /// The value of a key that must be there.
    pub fn need<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Reader, &Node<'a, 'i>) -> Option<T>,
    ) -> Option<T> {
        if let Some(node) = self.node(key) {
            return read(self.reader, &node);
        }
        let path = join(&self.path, key);
        let home = if self.path.is_empty() {
            "the plan".to_owned()
        } else {
            format!("`{}`", self.path)
        };
        let message = format!("key `{key}` is missing in {home}");
        self.reader.report(self.place, &path, message, None);
        None
    }

    /// Refuses every key that nobody asked for.
    pub fn close(self) {
        for (key, _) in self.entries {
            let name: &str = key.get_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let hint = match nearest(name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys here: {}", self.asked.join(", ")),
            };
            let place = self.reader.place(key.span().start);
            let path = join(&self.path, name);
            let message =
                format!("unknown key `{name}`; a key this program does not know is refused");
            self.reader.report(place, &path, message, Some(hint));
        }
    }
}

/// Every element of an array.
pub(super) fn list<'a, 'i, T>(
    reader: &mut Reader,
    node: &Node<'a, 'i>,
    mut read: impl FnMut(&mut Reader, &Node<'a, 'i>) -> Option<T>,
) -> Option<Vec<T>> {
    let DeValue::Array(array) = node.value else {
        return reader.mistyped(node, "a list");
    };
    let mut all = Vec::with_capacity(array.len());
    for (i, item) in array.iter().enumerate() {
        let child = Node {
            value: item.get_ref(),
            path: format!("{}[{i}]", node.path),
            place: reader.place(item.span().start),
        };
        reader.spans.insert(child.path.clone(), child.place);
        all.push(read(reader, &child));
    }
    all.into_iter().collect()
}

/// Text.
pub(super) fn text(reader: &mut Reader, node: &Node) -> Option<String> {
    match node.value {
        DeValue::String(s) => Some(s.clone().into_owned()),
        _ => reader.mistyped(node, "text in quotation marks"),
    }
}

/// `true` or `false`.
pub(super) fn flag(reader: &mut Reader, node: &Node) -> Option<bool> {
    match node.value {
        DeValue::Boolean(b) => Some(*b),
        _ => reader.mistyped(node, "true or false"),
    }
}

/// A finite number.
pub(super) fn number(reader: &mut Reader, node: &Node) -> Option<f64> {
    let value = match node.value {
        DeValue::Float(f) => f.as_str().parse::<f64>().ok(),
        DeValue::Integer(_) => integer(node.value).map(|i| i as f64),
        _ => None,
    };
    match value {
        Some(v) if v.is_finite() => Some(v),
        _ => reader.mistyped(node, "a finite number"),
    }
}

/// A whole number within `range`.
pub(super) fn whole<T: TryFrom<i64>>(
    reader: &mut Reader,
    node: &Node,
    range: RangeInclusive<i64>,
) -> Option<T> {
    match integer(node.value).filter(|i| range.contains(i)) {
        Some(i) => T::try_from(i).ok(),
        None => reader.mistyped(
            node,
            &format!("a whole number from {} to {}", range.start(), range.end()),
        ),
    }
}

fn integer(value: &DeValue) -> Option<i64> {
    match value {
        DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).ok(),
        _ => None,
    }
}

/// A calendar date, with or without quotation marks, as `YYYY-MM-DD`.
pub(super) fn date(reader: &mut Reader, node: &Node) -> Option<String> {
    let found = datetime(node).filter(|d| d.date.is_some() && d.time.is_none());
    match found {
        Some(d) => Some(d.to_string()),
        None => reader.mistyped(node, "a date such as 2026-01-05"),
    }
}

/// An instant with its offset from UTC, RFC 3339.
pub(super) fn instant(reader: &mut Reader, node: &Node) -> Option<String> {
    let found = datetime(node).filter(|d| d.date.is_some() && d.time.is_some());
    match found {
        Some(d) if d.offset.is_some() => Some(d.to_string()),
        Some(d) => {
            let message = format!("{} is {d}, without an offset", leaf(&node.path));
            let hint = "add Z for UTC, or the offset such as +01:00".to_owned();
            reader.refuse(node, message, Some(hint))
        }
        None => reader.mistyped(node, "an instant such as 2026-01-05T09:00:00Z"),
    }
}

fn datetime(node: &Node) -> Option<toml::value::Datetime> {
    match node.value {
        DeValue::Datetime(d) => Some(*d),
        DeValue::String(s) => s.parse().ok(),
        _ => None,
    }
}

/// One word out of a closed list.
pub(super) fn word<T: Copy>(
    reader: &mut Reader,
    node: &Node,
    words: &[(&'static str, T)],
) -> Option<T> {
    let all = words.iter().map(|(w, _)| *w).collect::<Vec<_>>().join(", ");
    let DeValue::String(found) = node.value else {
        return reader.mistyped(node, &format!("one of {all}"));
    };
    if let Some((_, value)) = words.iter().find(|(w, _)| w == found) {
        return Some(*value);
    }
    let hint =
        nearest(found, words.iter().map(|(w, _)| *w)).map(|w| format!("did you mean {w:?}?"));
    let message = format!("{} is {found:?}; expected one of {all}", leaf(&node.path));
    reader.refuse(node, message, hint)
}

/// The last key of a path, for a message that stands beside the line.
pub(super) fn leaf(path: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    format!("`{name}`")
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn show(value: &DeValue) -> String {
    match value {
        DeValue::String(s) => format!("the text {s:?}"),
        DeValue::Integer(i) => i.to_string(),
        DeValue::Float(f) => f.to_string(),
        DeValue::Boolean(b) => b.to_string(),
        DeValue::Datetime(d) => d.to_string(),
        DeValue::Array(a) => format!("a list of {}", a.len()),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    known
        .map(|k| (strsim::normalized_damerau_levenshtein(word, k), k))
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}
