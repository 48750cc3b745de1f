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

-- The view is the office's own: the rows that are ready, and no column more than a referral needs. For example:
--
--   CREATE VIEW trm_outbox AS
--     SELECT id AS ref, changed_at AS changed, case_number AS "Case Number", birth_date AS "Birthdate"
--     FROM cases WHERE ready_to_refer;
