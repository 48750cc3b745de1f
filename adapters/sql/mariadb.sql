-- The inbox of the gateway and its least rights, for MariaDB 10.6 or newer and MySQL 8. Run by an administrator, in
-- the database of the office: mariadb cases < mariadb.sql. Run again, it leaves what is there as it is.
-- The host of the account is the machine of the gateway. Until it has a password it is locked, since without one anybody
-- on that machine could be it. Then set the password:
--   ALTER USER trm_adapter@localhost IDENTIFIED BY '...' ACCOUNT UNLOCK;

CREATE USER IF NOT EXISTS trm_adapter@localhost ACCOUNT LOCK;
CREATE ROLE IF NOT EXISTS trm_office;  -- the people and programs of the office that read the inbox: GRANT trm_office TO ...;

CREATE TABLE IF NOT EXISTS trm_inbox (
  item_key     varchar(160) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,  -- the idempotency key
  kind         varchar(10)  NOT NULL CHECK (kind IN ('message', 'notice', 'settled')),
  type         varchar(100) NOT NULL,                 -- type of the message, or what the news is
  record       varchar(100) CHARACTER SET ascii COLLATE ascii_bin,  -- news: the ref of the row of trm_outbox
  attempt      integer,
  version      varchar(100),
  message_id   varchar(64)  CHARACTER SET ascii COLLATE ascii_bin,
  conversation varchar(64)  CHARACTER SET ascii COLLATE ascii_bin,
  in_reply_to  varchar(64)  CHARACTER SET ascii COLLATE ascii_bin,
  sender_name  varchar(200),
  received_at  datetime     NOT NULL,                 -- UTC
  state        varchar(10)  NOT NULL DEFAULT 'new',   -- the office may write its own word; 'erased' is the gateway's
  document     longtext,                              -- the message as JSON; empty once erased
  INDEX trm_inbox_record (record)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Files of messages, where file_inbox names this table: one row for each mebibyte, in the order of piece; what each file
-- is stands in the document, under attachments. A file is whole once its message is in the inbox.
CREATE TABLE IF NOT EXISTS trm_inbox_file (
  item_key     varchar(160) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,  -- that of the message
  part         integer NOT NULL,                      -- the number of the file
  piece        integer NOT NULL,
  data         mediumblob,                       -- empty once erased
  PRIMARY KEY (item_key, part, piece)
) ENGINE = InnoDB;

GRANT SELECT, INSERT, UPDATE ON trm_inbox TO trm_adapter@localhost;  -- no DELETE: a key is remembered for ever
GRANT SELECT, UPDATE (state) ON trm_inbox TO trm_office;
GRANT SELECT, INSERT, UPDATE ON trm_inbox_file TO trm_adapter@localhost;
GRANT SELECT ON trm_inbox_file TO trm_office;

-- The view is the office's own: the rows that are ready, and no column more than a referral needs. For example:
--
--   CREATE SQL SECURITY DEFINER VIEW trm_outbox AS
--     SELECT id AS ref, changed_at AS changed, case_number AS `Case Number`, birth_date AS `Birthdate`
--     FROM cases WHERE ready_to_refer;
--   GRANT SELECT ON trm_outbox TO trm_adapter@localhost;
--
-- And its files, where file_view names it: part counts from 0 on for each ref, and piece for each of its files; doc_kind is
-- a code of the list doc_kind. A file of less than 8 MiB may be one piece.
--
--   CREATE VIEW trm_outbox_file AS
--     SELECT case_id AS ref, number AS part, 0 AS piece, 'court_document' AS doc_kind, content AS data FROM decisions;
--   GRANT SELECT ON trm_outbox_file TO trm_adapter@localhost;
