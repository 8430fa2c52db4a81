//! A finished session as text: the one-page report, tables. Returns text, never writes.
