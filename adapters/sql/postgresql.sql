-- The inbox of the gateway and its least rights, for PostgreSQL 13 or newer. Run by an administrator, in the database of
-- the office: psql -v ON_ERROR_STOP=1 -d cases < postgresql.sql. Run again, it leaves what is there as it is.
-- Then set the password:  \password trm_adapter

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trm_owner') THEN
    CREATE ROLE trm_owner;  -- owns the inbox and nobody logs in as it: neither the gateway nor a program can change the table
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trm_adapter') THEN
    CREATE ROLE trm_adapter LOGIN NOINHERIT CONNECTION LIMIT 8;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trm_office') THEN
    CREATE ROLE trm_office;  -- the people and programs of the office that read the inbox: GRANT trm_office TO ...;
  END IF;
END
$$;

CREATE TABLE IF NOT EXISTS trm_inbox (
  item_key     varchar(160) COLLATE "C" PRIMARY KEY,  -- the idempotency key
  kind         varchar(10)  NOT NULL CHECK (kind IN ('message', 'notice', 'settled')),
  type         varchar(100) NOT NULL,                 -- type of the message, or what the news is
  record       varchar(100) COLLATE "C",              -- news: the ref of the row of trm_outbox it is about
  attempt      integer,
  version      varchar(100),
  message_id   varchar(64),
  conversation varchar(64),
  in_reply_to  varchar(64),
  sender_name  varchar(200),
  received_at  timestamptz  NOT NULL,
  state        varchar(10)  NOT NULL DEFAULT 'new',   -- the office may write its own word; 'erased' is the gateway's
  document     text                                   -- the message as JSON; empty once erased
);
CREATE INDEX IF NOT EXISTS trm_inbox_record ON trm_inbox (record);

-- Files of messages, where file_inbox names this table: one row for each mebibyte, in the order of piece; what each file
-- is stands in the document, under attachments. A file is whole once its message is in the inbox.
CREATE TABLE IF NOT EXISTS trm_inbox_file (
  item_key     varchar(160) COLLATE "C" NOT NULL,  -- that of the message
  part         integer NOT NULL,                      -- the number of the file
  piece        integer NOT NULL,
  data         bytea,                            -- empty once erased
  PRIMARY KEY (item_key, part, piece)
);

ALTER TABLE trm_inbox OWNER TO trm_owner;
ALTER TABLE trm_inbox_file OWNER TO trm_owner;

REVOKE ALL ON trm_inbox FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON trm_inbox TO trm_adapter;         -- no DELETE: a key is remembered for ever
GRANT SELECT, UPDATE (state) ON trm_inbox TO trm_office;
REVOKE ALL ON trm_inbox_file FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON trm_inbox_file TO trm_adapter;
GRANT SELECT ON trm_inbox_file TO trm_office;

-- The view is the office's own: the rows that are ready, and no column more than a referral needs. For example:
--
--   CREATE VIEW trm_outbox AS
--     SELECT id AS ref, changed_at AS changed, case_number AS "Case Number", birth_date AS "Birthdate"
--     FROM cases WHERE ready_to_refer;
--   GRANT SELECT ON trm_outbox TO trm_adapter;
--
-- And its files, where file_view names it: part counts from 0 on for each ref, and piece for each of its files; doc_kind is
-- a code of the list doc_kind. A file of less than 8 MiB may be one piece.
--
--   CREATE VIEW trm_outbox_file AS
--     SELECT case_id AS ref, number AS part, 0 AS piece, 'court_document' AS doc_kind, content AS data FROM decisions;
--   GRANT SELECT ON trm_outbox_file TO trm_adapter;
