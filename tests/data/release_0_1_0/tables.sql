CREATE INDEX alarm_open ON alarm (kind, peer, ref) WHERE dismissed is null;
CREATE INDEX attachment_id ON attachment (id, n);
CREATE INDEX attachment_message ON attachment (message, n);
CREATE INDEX change_state ON change (state, subject);
CREATE INDEX conversation_alert ON conversation (alert) WHERE alert is not null;
CREATE INDEX conversation_due ON conversation (due, conversation, peer) WHERE due is not null;
CREATE INDEX conversation_fold ON conversation (fold) WHERE fold is not null;
CREATE INDEX conversation_ours ON conversation (ours, conversation, peer) WHERE ours is not null;
CREATE INDEX conversation_theirs ON conversation (theirs, conversation, peer) WHERE theirs is not null;
CREATE INDEX datakey_epoch ON datakey (epoch);
CREATE INDEX draft_state ON draft (state, ref);
CREATE INDEX erasure_due ON erasure (ref) WHERE place = 'due';
CREATE INDEX erasure_request ON erasure (request) WHERE request is not null;
CREATE INDEX erasure_untold ON erasure (ref) WHERE told is null;
CREATE INDEX hook_call_order ON hook_call (hook, conversation, seq);
CREATE INDEX inbox_peer ON inbox (peer, urgent desc, n);
CREATE INDEX message_consent ON message (consent) WHERE consent is not null;
CREATE INDEX message_conversation ON message (conversation, ref);
CREATE INDEX message_undelivered ON message (peer, at) WHERE direction = 'out' and state = 'awaiting_handover';
CREATE INDEX notice_origin ON notice (origin, seq);
CREATE INDEX outbox_expires ON outbox (expires);
CREATE INDEX outbox_peer ON outbox (peer, files, ref);
CREATE INDEX passkey_person ON passkey (person);
CREATE INDEX reading_reader ON reading (reader, seq);
CREATE INDEX receipt_due_peer ON receipt_due (peer, seq);
CREATE INDEX receipt_members ON receipt (batch) WHERE batch is not null;
CREATE INDEX receipt_message ON receipt (direction, peer, id);
CREATE INDEX reminder_conversation ON reminder (conversation);
CREATE INDEX request_onward_of ON request_onward (request);
CREATE INDEX request_open ON request (ref) WHERE state != 'over';
CREATE INDEX session_person ON session (person);
CREATE INDEX statement_message ON statement (message);
CREATE INDEX submission_at ON submission (at);
CREATE TABLE alarm (
	seq INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	peer TEXT, 
	ref INTEGER, 
	proof BLOB, 
	dismissed INTEGER, 
	PRIMARY KEY (seq)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE approval (
	change TEXT NOT NULL, 
	admin TEXT NOT NULL, 
	document BLOB NOT NULL, 
	at INTEGER NOT NULL, 
	PRIMARY KEY (change, admin), 
	FOREIGN KEY(change) REFERENCES change (hash)
);
CREATE TABLE asylum_hold (
	label BLOB NOT NULL, 
	ref INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	lift BLOB, 
	PRIMARY KEY (label, ref)
);
CREATE TABLE attachment (
	ref INTEGER NOT NULL, 
	file TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	peer TEXT, 
	id TEXT NOT NULL, 
	n INTEGER NOT NULL, 
	message INTEGER, 
	length INTEGER NOT NULL, 
	held INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	PRIMARY KEY (ref), 
	UNIQUE (file)
);
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	leaf BLOB NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE TABLE audit_tile (
	level INTEGER NOT NULL, 
	idx INTEGER NOT NULL, 
	hashes BLOB NOT NULL, 
	PRIMARY KEY (level, idx)
);
CREATE TABLE change (
	hash TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	seq INTEGER, 
	payload BLOB NOT NULL, 
	state TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	effective INTEGER, 
	PRIMARY KEY (hash), 
	UNIQUE (subject, seq)
);
CREATE TABLE checkpoint (
	size INTEGER NOT NULL, 
	note BLOB NOT NULL, 
	at INTEGER NOT NULL, 
	PRIMARY KEY (size)
);
CREATE TABLE consent (
	ref INTEGER NOT NULL, 
	consent BLOB NOT NULL, 
	holder TEXT NOT NULL, 
	state TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	PRIMARY KEY (ref), 
	UNIQUE (consent, holder)
);
CREATE TABLE consent_told (
	consent BLOB NOT NULL, 
	peer TEXT NOT NULL, 
	ref INTEGER NOT NULL, 
	PRIMARY KEY (consent, peer)
);
CREATE TABLE conversation (
	conversation BLOB NOT NULL, 
	peer TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	changes INTEGER NOT NULL, 
	quoted INTEGER, 
	state TEXT, 
	since INTEGER, 
	arrived INTEGER, 
	upto INTEGER, 
	due INTEGER, 
	ours INTEGER, 
	theirs INTEGER, 
	alert INTEGER, 
	fold INTEGER, 
	PRIMARY KEY (conversation, peer)
);
CREATE TABLE cosignature (
	size INTEGER NOT NULL, 
	peer TEXT NOT NULL, 
	line BLOB NOT NULL, 
	at INTEGER NOT NULL, 
	first BLOB NOT NULL, 
	PRIMARY KEY (size, peer)
);
CREATE TABLE counted (
	conversation BLOB NOT NULL, 
	peer TEXT NOT NULL, 
	PRIMARY KEY (conversation, peer)
);
CREATE TABLE datakey (
	ref INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	wrapped BLOB NOT NULL, 
	PRIMARY KEY (ref)
);
CREATE TABLE directory (
	node TEXT NOT NULL, 
	ref INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	n INTEGER NOT NULL, 
	PRIMARY KEY (node)
);
CREATE TABLE draft (
	ref INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	origin INTEGER, 
	state TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	first BLOB, 
	PRIMARY KEY (ref), 
	UNIQUE (id)
);
CREATE TABLE envelope (
	ref INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (ref)
);
CREATE TABLE erasure (
	ref INTEGER NOT NULL, 
	message INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	epoch INTEGER NOT NULL, 
	place TEXT NOT NULL, 
	told INTEGER, 
	request INTEGER, 
	PRIMARY KEY (ref), 
	UNIQUE (message)
);
CREATE TABLE event (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	ref INTEGER, 
	state TEXT
);
CREATE TABLE hold (
	conversation BLOB NOT NULL, 
	ground TEXT NOT NULL, 
	until TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	PRIMARY KEY (conversation)
);
CREATE TABLE hook (
	name TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE hook_call (
	hook TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	conversation BLOB, 
	since INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_try INTEGER NOT NULL, 
	PRIMARY KEY (hook, seq)
);
CREATE TABLE inbox (
	ref INTEGER NOT NULL, 
	peer TEXT NOT NULL, 
	n INTEGER NOT NULL, 
	urgent BOOLEAN NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_try INTEGER NOT NULL, 
	PRIMARY KEY (ref)
);
CREATE TABLE invitation (
	hash TEXT NOT NULL, 
	person TEXT NOT NULL, 
	expires INTEGER NOT NULL, 
	PRIMARY KEY (hash), 
	FOREIGN KEY(person) REFERENCES person (id), 
	UNIQUE (person)
);
CREATE TABLE link (
	peer TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	epoch INTEGER NOT NULL, 
	high INTEGER NOT NULL, 
	PRIMARY KEY (peer, direction)
);
CREATE TABLE link_gap (
	peer TEXT NOT NULL, 
	epoch INTEGER NOT NULL, 
	first INTEGER NOT NULL, 
	last INTEGER NOT NULL, 
	seen INTEGER NOT NULL, 
	PRIMARY KEY (peer, epoch, first)
);
CREATE TABLE link_number (
	peer TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	epoch INTEGER NOT NULL, 
	n INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	prev TEXT, 
	link TEXT NOT NULL, 
	PRIMARY KEY (peer, direction, epoch, n)
);
CREATE TABLE link_reset (
	peer TEXT NOT NULL, 
	state TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	backup INTEGER, 
	epoch INTEGER, 
	change TEXT, 
	"view" BLOB, 
	ours BLOB, 
	offer BLOB, 
	accepted BLOB, 
	PRIMARY KEY (peer)
);
CREATE TABLE local_item (
	message INTEGER NOT NULL, 
	ref INTEGER NOT NULL, 
	PRIMARY KEY (message)
);
CREATE TABLE message (
	ref INTEGER NOT NULL, 
	direction TEXT NOT NULL, 
	peer TEXT NOT NULL, 
	id TEXT NOT NULL, 
	conversation BLOB NOT NULL, 
	consent BLOB, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT, 
	epoch INTEGER, 
	n INTEGER, 
	prev TEXT, 
	size INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	expires INTEGER NOT NULL, 
	out_of_order BOOLEAN NOT NULL, 
	origin INTEGER, 
	PRIMARY KEY (ref), 
	UNIQUE (id, direction, peer)
);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value BLOB NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE notice (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind TEXT NOT NULL, 
	origin INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	refusals INTEGER NOT NULL, 
	next_try INTEGER NOT NULL, 
	message TEXT, 
	code TEXT, 
	at INTEGER NOT NULL
);
CREATE TABLE origin (
	ref INTEGER NOT NULL, 
	"key" BLOB NOT NULL, 
	version BLOB NOT NULL, 
	at INTEGER NOT NULL, 
	PRIMARY KEY (ref), 
	UNIQUE ("key")
);
CREATE TABLE outbox (
	ref INTEGER NOT NULL, 
	peer TEXT NOT NULL, 
	files BOOLEAN NOT NULL, 
	expires INTEGER NOT NULL, 
	PRIMARY KEY (ref)
);
CREATE TABLE own_descriptor (
	version INTEGER NOT NULL, 
	document BLOB NOT NULL, 
	PRIMARY KEY (version)
);
CREATE TABLE passkey (
	id TEXT NOT NULL, 
	person TEXT NOT NULL, 
	"key" BLOB NOT NULL, 
	counter INTEGER NOT NULL, 
	synced BOOLEAN NOT NULL, 
	made INTEGER NOT NULL, 
	used INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(person) REFERENCES person (id)
);
CREATE TABLE peer (
	node TEXT NOT NULL, 
	name TEXT NOT NULL, 
	state TEXT NOT NULL, 
	cause TEXT, 
	demo BOOLEAN NOT NULL, 
	keyset BLOB, 
	keyset_seen INTEGER, 
	schemas TEXT, 
	attempts INTEGER NOT NULL, 
	next_try INTEGER NOT NULL, 
	failing_since INTEGER, 
	added INTEGER NOT NULL, 
	verified INTEGER, 
	PRIMARY KEY (node), 
	UNIQUE (name)
);
CREATE TABLE peer_descriptor (
	node TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	document BLOB NOT NULL, 
	PRIMARY KEY (node, version), 
	FOREIGN KEY(node) REFERENCES peer (node)
);
CREATE TABLE person (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	roles TEXT NOT NULL, 
	unit TEXT, 
	language TEXT, 
	made INTEGER NOT NULL, 
	ended INTEGER, 
	admin TEXT, 
	card BLOB, 
	PRIMARY KEY (id), 
	UNIQUE (admin)
);
CREATE TABLE reading (
	seq INTEGER NOT NULL, 
	reader TEXT NOT NULL, 
	what TEXT NOT NULL, 
	id TEXT NOT NULL, 
	day INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id, what, reader, day)
);
CREATE TABLE receipt (
	"of" TEXT NOT NULL, 
	status TEXT NOT NULL, 
	peer TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	id TEXT NOT NULL, 
	code TEXT, 
	at INTEGER NOT NULL, 
	object BLOB NOT NULL, 
	batch INTEGER, 
	PRIMARY KEY ("of", status)
);
CREATE TABLE receipt_batch (
	ref INTEGER NOT NULL, 
	document BLOB NOT NULL, 
	PRIMARY KEY (ref)
);
CREATE TABLE receipt_due (
	seq INTEGER NOT NULL, 
	peer TEXT NOT NULL, 
	"of" TEXT NOT NULL, 
	status TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE TABLE release (
	period TEXT NOT NULL, 
	ref INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	PRIMARY KEY (period)
);
CREATE TABLE reminder (
	label BLOB NOT NULL, 
	conversation BLOB NOT NULL, 
	percent INTEGER NOT NULL, 
	PRIMARY KEY (label)
);
CREATE TABLE request (
	ref INTEGER NOT NULL, 
	message INTEGER NOT NULL, 
	peer TEXT NOT NULL, 
	state TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	follow INTEGER, 
	due INTEGER NOT NULL, 
	done INTEGER, 
	answered INTEGER, 
	PRIMARY KEY (ref), 
	UNIQUE (message)
);
CREATE TABLE request_onward (
	message INTEGER NOT NULL, 
	request INTEGER NOT NULL, 
	answer INTEGER, 
	PRIMARY KEY (message)
);
CREATE TABLE review (
	message INTEGER NOT NULL, 
	peer TEXT NOT NULL, 
	kid TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	done INTEGER, 
	PRIMARY KEY (message)
);
CREATE TABLE sealed (
	ref INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (ref)
);
CREATE TABLE session (
	hash TEXT NOT NULL, 
	person TEXT NOT NULL, 
	made INTEGER NOT NULL, 
	seen INTEGER NOT NULL, 
	PRIMARY KEY (hash), 
	FOREIGN KEY(person) REFERENCES person (id)
);
CREATE TABLE statement (
	hash TEXT NOT NULL, 
	message INTEGER NOT NULL, 
	evidence INTEGER NOT NULL, 
	created INTEGER NOT NULL, 
	PRIMARY KEY (hash)
);
CREATE TABLE submission (
	"key" BLOB NOT NULL, 
	digest BLOB NOT NULL, 
	answer BLOB NOT NULL, 
	at INTEGER NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE tally (
	period TEXT NOT NULL, 
	ref INTEGER NOT NULL, 
	PRIMARY KEY (period)
);
CREATE TABLE token (
	id TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	role TEXT NOT NULL, 
	unit TEXT, 
	label TEXT NOT NULL, 
	made INTEGER NOT NULL, 
	expires INTEGER NOT NULL, 
	revoked INTEGER, 
	PRIMARY KEY (id)
);
CREATE TABLE trust_record (
	peer TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	hash TEXT NOT NULL, 
	document BLOB NOT NULL, 
	acked INTEGER, 
	PRIMARY KEY (peer, direction, seq)
);
CREATE TABLE upload (
	peer TEXT NOT NULL, 
	id TEXT NOT NULL, 
	envelope BLOB NOT NULL, 
	began INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	expires INTEGER NOT NULL, 
	PRIMARY KEY (peer, id)
);
CREATE TABLE withdrawal (
	consent BLOB NOT NULL, 
	ref INTEGER NOT NULL, 
	PRIMARY KEY (consent)
);
CREATE TABLE witnessed (
	peer TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	size INTEGER NOT NULL, 
	root BLOB NOT NULL, 
	note BLOB NOT NULL, 
	PRIMARY KEY (peer, origin)
);
