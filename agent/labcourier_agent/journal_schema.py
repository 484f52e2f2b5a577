"""The tables of the journal, and the way there from older ones."""

from __future__ import annotations

import sqlite3

from labcourier_agent.exits import AgentError

VERSION = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS datasets (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    client_key TEXT NOT NULL UNIQUE,
    plan TEXT NOT NULL,             -- JSON of Plan
    portal_id TEXT,                 -- the portal's id, once it has answered
    answer TEXT,                    -- JSON: the portal's last word about the dataset
    begun_at REAL NOT NULL,
    closed_at REAL,
    ended_at REAL                   -- nothing more will be done here: all is verified, or the portal takes no more
);
CREATE INDEX IF NOT EXISTS datasets_by_identity ON datasets (identity);
CREATE TABLE IF NOT EXISTS bundles (
    id INTEGER PRIMARY KEY,
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE,
    state TEXT NOT NULL DEFAULT 'sending'
        CONSTRAINT bundle_state_is_known CHECK (state IN ('waiting', 'sending', 'sent')),
    sealed INTEGER NOT NULL DEFAULT 0,  -- the digests of its members are in the journal: the manifest may travel
    upload_url TEXT
);
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY,
    dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE,
    source TEXT NOT NULL,
    path TEXT NOT NULL,             -- in the dataset, as sent
    portal_path TEXT,               -- as the portal normalised it, once announced
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    file_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'found'
        CONSTRAINT file_state_is_known
        CHECK (state IN ('found', 'announced', 'sending', 'sent', 'stated', 'verified', 'failed', 'withdrawn')),
    ready_at REAL NOT NULL,         -- not to be sent before (seconds since 1970)
    sha256 TEXT,
    upload_url TEXT,
    bundle INTEGER,                 -- the bundle it travels in; its members are in the order of their ids
    singly INTEGER NOT NULL DEFAULT 0,  -- not to travel in a bundle
    sent_at REAL,
    changes INTEGER NOT NULL DEFAULT 0,
    resends INTEGER NOT NULL DEFAULT 0,
    fault TEXT,                     -- of a failed or withdrawn file: see records.Fault
    reason TEXT,
    CONSTRAINT file_path_is_unique_in_its_dataset UNIQUE (dataset, path)
);
CREATE INDEX IF NOT EXISTS files_by_state ON files (dataset, state);
CREATE INDEX IF NOT EXISTS files_by_bundle ON files (bundle) WHERE bundle IS NOT NULL;
"""
OF_VERSION_1 = (
    "id, dataset, source, path, portal_path, size, mtime_ns, file_id, state, ready_at, sha256, upload_url, sent_at,"
    " changes, resends, fault, reason"
)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """One transaction, so that two agents starting at once do it once. Errors: AgentError for a journal of a newer
    agent; sqlite3.Error.
    """
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _steps(_version(connection)).split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _version(connection: sqlite3.Connection) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise AgentError("The journal was written by a newer agent: update labcourier-agent.")
    return version


def _steps(version: int) -> str:
    if version != 1:
        return SCHEMA
    # SQLite cannot change a CHECK: the table is written anew.
    return f"""ALTER TABLE files RENAME TO files_of_version_1;
DROP INDEX files_by_state;
{SCHEMA}
INSERT INTO files ({OF_VERSION_1}) SELECT {OF_VERSION_1} FROM files_of_version_1;
DROP TABLE files_of_version_1;
"""  # noqa: S608 names are ours
