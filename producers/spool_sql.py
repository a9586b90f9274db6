"""The spool's tables and statements. SQLite, so that a file is all that it needs."""

from __future__ import annotations

APPLICATION_ID = 1330464071
"""``OMEG``, in the file's header: tells our files from other programs'."""

VERSION = 1
"""Of the schema, in the header as well."""

SCHEMA = """
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  request_id TEXT NOT NULL,
  value BLOB NOT NULL,
  created_at REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'refused')),
  owner TEXT
);
CREATE INDEX events_to_send ON events (owner, attempts, seq) WHERE state = 'waiting';
CREATE INDEX events_refused ON events (seq) WHERE state = 'refused';

CREATE TABLE intents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  owner TEXT NOT NULL,
  pid INTEGER NOT NULL,
  created_at REAL NOT NULL,
  request TEXT NOT NULL,
  images INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX intents_owner ON intents (owner);

CREATE TABLE intent_files (
  intent INTEGER NOT NULL REFERENCES intents (id),
  number INTEGER NOT NULL,
  filename TEXT NOT NULL,
  event BLOB NOT NULL,
  PRIMARY KEY (intent, number)
) WITHOUT ROWID;
CREATE TRIGGER intents_deleted AFTER DELETE ON intents BEGIN
  DELETE FROM intent_files WHERE intent = OLD.id;
END;

CREATE TABLE totals (events INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0);

CREATE TRIGGER events_inserted AFTER INSERT ON events BEGIN
  UPDATE totals SET events = events + 1, bytes = bytes + length(NEW.value);
END;
CREATE TRIGGER events_deleted AFTER DELETE ON events WHEN OLD.state = 'waiting' BEGIN
  UPDATE totals SET events = events - 1, bytes = bytes - length(OLD.value);
END;
CREATE TRIGGER events_refused_now AFTER UPDATE OF state ON events
WHEN OLD.state = 'waiting' AND NEW.state = 'refused' BEGIN
  UPDATE totals SET events = events - 1, bytes = bytes - length(OLD.value);
END;
CREATE TRIGGER events_waiting_again AFTER UPDATE OF state ON events
WHEN OLD.state = 'refused' AND NEW.state = 'waiting' BEGIN
  UPDATE totals SET events = events + 1, bytes = bytes + length(NEW.value);
END;

PRAGMA application_id = 1330464071;
PRAGMA user_version = 1;
"""
"""``totals`` counts what waits, so that nobody has to; the triggers keep it exact."""

TOTALS = "SELECT events, bytes, (SELECT count(*) FROM intents) FROM totals"

APPEND = """
INSERT INTO events (event_id, request_id, value, created_at, owner) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (event_id) DO UPDATE SET state = 'waiting', owner = excluded.owner
"""

MANY = 100
"""So many go into one statement: between two of them other threads take the interpreter."""

APPEND_MANY = APPEND.replace("(?, ?, ?, ?, ?)", ", ".join(["(?, ?, ?, ?, ?)"] * MANY))

REMOVE = "DELETE FROM events WHERE event_id = ?"
REMOVE_MANY = f"DELETE FROM events WHERE event_id IN ({', '.join('?' * MANY)})"  # noqa: S608  # constant

RELEASE = """
UPDATE events SET owner = NULL, attempts = attempts + 1, last_error = coalesce(?, last_error)
WHERE event_id = ? AND state = 'waiting'
"""

REFUSE = """
UPDATE events SET state = 'refused', owner = NULL, attempts = attempts + 1, last_error = ?
WHERE event_id = ?
"""

FORGET_OLD_REFUSED = """
DELETE FROM events WHERE state = 'refused' AND seq <= (
  SELECT seq FROM events WHERE state = 'refused' ORDER BY seq DESC LIMIT 1 OFFSET ?
)
"""

RETRY_REFUSED = "UPDATE events SET state = 'waiting', owner = NULL WHERE state = 'refused'"

UNCLAIMED = """
SELECT event_id, value FROM events
WHERE state = 'waiting' AND owner IS NULL ORDER BY attempts, seq LIMIT ?
"""

CLAIM = "UPDATE events SET owner = ? WHERE event_id = ?"

OWNERS = """
SELECT DISTINCT owner FROM events WHERE state = 'waiting' AND owner IS NOT NULL
"""

LET_GO = "UPDATE events SET owner = NULL WHERE state = 'waiting' AND owner = ?"

STATUS = """
SELECT t.events, t.bytes,
  (SELECT count(*) FROM events WHERE state = 'refused'),
  (SELECT count(*) FROM intents),
  (SELECT min(created_at) FROM events WHERE state = 'waiting'),
  (SELECT last_error FROM events WHERE state = 'waiting' AND last_error IS NOT NULL
   ORDER BY seq DESC LIMIT 1)
FROM totals t
"""

REFUSED = """
SELECT event_id, request_id, last_error FROM events WHERE state = 'refused' ORDER BY seq LIMIT ?
"""

ALL_EVENTS = "SELECT event_id, value FROM events"
INTENDED_FILES = "SELECT filename FROM intent_files"
ALL_INTENTS = "SELECT id, request FROM intents"

OPEN_INTENT = "INSERT INTO intents (owner, pid, created_at, request) VALUES (?, ?, ?, ?)"
CLOSE_INTENT = "DELETE FROM intents WHERE id = ?"
COUNT_IMAGE = "UPDATE intents SET images = images + 1 WHERE id = ?"
OPEN_FILE = "INSERT INTO intent_files (intent, number, filename, event) VALUES (?, ?, ?, ?)"
CLOSE_FILE = "DELETE FROM intent_files WHERE intent = ? AND number = ?"
INTENT_OWNERS = "SELECT DISTINCT owner FROM intents"
TAKE_INTENTS = "UPDATE intents SET owner = ? WHERE owner = ?"
INTENTS_OF = "SELECT id, request, images FROM intents WHERE owner = ? ORDER BY id"
FILES_OF = "SELECT number, filename, event FROM intent_files WHERE intent = ? ORDER BY number"
