//! Tables of the embedded store.

/// Version of these tables, in `user_version`.
pub(super) const VERSION: i64 = 1;

/// Made once. Samples stay in the form of the bus: one blob a batch.
pub(super) const TABLES: &str = "
CREATE TABLE session (
    id         TEXT PRIMARY KEY,
    client     TEXT NOT NULL,
    header     TEXT NOT NULL,
    plan       TEXT,
    closed     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE window (
    session    TEXT NOT NULL REFERENCES session(id),
    idx        INTEGER NOT NULL,
    manifest   BLOB NOT NULL,
    PRIMARY KEY (session, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE batch (
    session        TEXT NOT NULL REFERENCES session(id),
    device         INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    first_sequence INTEGER NOT NULL,
    count          INTEGER NOT NULL,
    t_first        INTEGER NOT NULL,
    t_last         INTEGER NOT NULL,
    payload        BLOB NOT NULL,
    PRIMARY KEY (session, device, kind, first_sequence)
) STRICT;
CREATE INDEX batch_time ON batch (session, device, kind, t_last);
CREATE TABLE event (
    session    TEXT NOT NULL REFERENCES session(id),
    sequence   INTEGER NOT NULL,
    json       BLOB NOT NULL,
    PRIMARY KEY (session, sequence)
) STRICT, WITHOUT ROWID;
";
