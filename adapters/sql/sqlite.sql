-- The inbox of the gateway, for SQLite: sqlite3 exchange.db < sqlite.sql. Run again, it leaves what is there as it is.
-- SQLite knows no accounts: whoever may open the file may read and change all of it. Use a file that holds nothing but
-- what the gateway exchanges, and give it to the accounts of the office and the gateway only.

CREATE TABLE IF NOT EXISTS trm_inbox (
  item_key     text PRIMARY KEY NOT NULL,             -- the idempotency key
  kind         text NOT NULL CHECK (kind IN ('message', 'notice', 'settled')),
  type         text NOT NULL,                         -- type of the message, or what the news is
  record       text,                                  -- news: the ref of the row of trm_outbox it is about
  attempt      integer,
  version      text,
  message_id   text,
  conversation text,
  in_reply_to  text,
  sender_name  text,
  received_at  text NOT NULL,                         -- UTC
  state        text NOT NULL DEFAULT 'new',           -- the office may write its own word; 'erased' is the gateway's
  document     text                                   -- the message as JSON; empty once erased
);
CREATE INDEX IF NOT EXISTS trm_inbox_record ON trm_inbox (record);

-- Files of messages, where file_inbox names this table: one row for each mebibyte, in the order of piece; what each file
-- is stands in the document, under attachments. A file is whole once its message is in the inbox.
CREATE TABLE IF NOT EXISTS trm_inbox_file (
  item_key     text NOT NULL,  -- that of the message
  part         integer NOT NULL,                      -- the number of the file
  piece        integer NOT NULL,
  data         blob,                             -- empty once erased
  PRIMARY KEY (item_key, part, piece)
);

-- The view is the office's own: the rows that are ready, and no column more than a referral needs. For example:
--
--   CREATE VIEW trm_outbox AS
--     SELECT id AS ref, changed_at AS changed, case_number AS "Case Number", birth_date AS "Birthdate"
--     FROM cases WHERE ready_to_refer;
--
-- And its files, where file_view names it: part counts from 0 on for each ref, and piece for each of its files; doc_kind is
-- a code of the list doc_kind. A file of less than 8 MiB may be one piece.
--
--   CREATE VIEW trm_outbox_file AS
--     SELECT case_id AS ref, number AS part, 0 AS piece, 'court_document' AS doc_kind, content AS data FROM decisions;
