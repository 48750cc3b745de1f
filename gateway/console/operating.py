"""What a node tells those who run it, in words: alarms with what to do, troubles, steps of the way to a peer.

docs/operations.md has the same at length. A name without words here is shown as it is and marked, as in `states`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.console.states import Says, Table
from gateway.console.words import N_, Words
from gateway.errors import PROXY_CODES, Code
from schemas.codelists import code_list

Alarms = Mapping[str, tuple[str, str]]

CALL = N_("Call the administrators of that country.")
RESTORE = N_("Check the disk. Restore a backup, or have it recorded and sent again.")
RENEW = N_("Hold the yearly key ceremony in time.")
ALARMS: Alarms = {
    "message.failed": (
        N_("One of our messages will not be sent"),
        N_(
            "Find the reason and fix it, then send it again: here with the same content, or by a person with "
            "new content."
        ),
    ),
    "message.rejected": (
        N_("The other side refused a message of ours for good"),
        N_("The reason says why. Call them; what is needed is sent as a new message."),
    ),
    "message.held": (
        N_("Our case system refused a message that was received"),
        N_("Fix the case system or its mapping file, then offer the message again, or let the desk take it."),
    ),
    "message.forgotten": (
        N_("A restored country accepted this message and has no record of it"),
        N_("Call them; resend it if they ask for it."),
    ),
    "consent.unconfirmed": (
        N_("Consents wait to be confirmed after a restore: nothing goes on them"),
        N_("A worker of each case confirms them, from the desk or with trm consent confirm."),
    ),
    "consent.withdrawn_again": (
        N_("A restore had undone the withdrawal of a consent; the withdrawal stands again"),
        N_("Withdraw it once more, so that every country hears of it."),
    ),
    "admins.compare": (
        N_("This node was put back: an administrator who was retired since is one again"),
        N_(
            "Compare the list of administrators with what was decided. Two others retire whoever is one no more, "
            "before anybody is let in or trusted; then dismiss this."
        ),
    ),
    "case.changed_again": (
        N_("After a restore a case was merged, split, moved or closed to somebody again, as the ledger says"),
        N_(
            "Look at the case: its label and the reasons are lost. Keep out anew whoever may not see it and was "
            "enrolled after the backup, before they come in."
        ),
    ),
    "consent.untold": (
        N_("A country that knows a consent cannot be told that it was withdrawn"),
        N_("Call it today: nothing may go on that consent there. Then find out why nothing passes to it."),
    ),
    "node.older": (
        N_("The database of this node is older than what was seen of it: it accepts nothing"),
        N_("Two people restart the numbering to each country, under Trust, as after a restore."),
    ),
    "ledger.unwritable": (
        N_("The ledger of withdrawals and erasures cannot be written"),
        N_("Mend the disk that [backup] ledger names; what is missing is written later."),
    ),
    "consent.changed": (
        N_("A country told other grants of a consent after a part was taken back: all of it counts as taken back"),
        N_("Call it. What the person still agrees to is recorded as a new consent."),
    ),
    "consent.two_cases": (
        N_("Two cases rely on one consent"),
        N_("Two people say whose it is, or that both are one person: trm case move, trm case merge."),
    ),
    "content.asked": (
        N_("A data protection officer was shown what a message says"),
        N_("Read the reason under Data protection, and dismiss this."),
    ),
    "content.damaged": (N_("Something stored can no longer be opened"), RESTORE),
    "conversation.overdue": (
        N_("The time to answer is over"),
        N_("Tell the focal point: we have to give ours, and ask for theirs."),
    ),
    "safety.alert": (
        N_("A safety alert arrived and nobody has taken it"),
        N_("Tell the duty contact at once. It ends by itself once it has been taken."),
    ),
    "emergency.undecided": (
        N_("A referral in danger to life has not been decided within its time"),
        N_("Ours to decide: accept or decline it now. Theirs: call their duty contact, and ask a second unit."),
    ),
    "alert.second_look": (
        N_("A safety alert of ours may say more about a person than is needed"),
        N_("A second person reads it within a day and says what was found; if there is nobody, say so."),
    ),
    "alert.unread": (
        N_("Nobody has taken a second look at a safety alert of ours within a day"),
        N_("Let a second person read it now, and call the other side where it says too much."),
    ),
    "safety.unacknowledged": (
        N_("Nobody took a safety alert within its time"),
        N_("Call now: our duty contact, or theirs."),
    ),
    "news.refused": (
        N_("Our case system refused the status news about one of our messages"),
        N_("Check the case system; look for the record there. The node tries again every five minutes."),
    ),
    "adapter.busy": (N_("Our case system has not accepted messages for some time"), N_("Check the case system.")),
    "webhook.failed": (
        N_("A system in our country could not be told of something for five days; the node gave up"),
        N_("Make sure that its receiver runs, and let it read the events again from where it stopped."),
    ),
    "feared_state.told": (
        N_("A message told something to a State from which an asylum hold keeps away, and one person released it"),
        N_("Let a second person look at it today: is the person safe, and must the other side be called?"),
    ),
    "asylum.linked": (
        N_(
            "An asylum hold lies on a linked case, or a message told of asylum there, and nobody has said whether it "
            "concerns this person too"
        ),
        N_(
            "Nothing of this case goes to those States until somebody answers: place a hold on it as well, or two "
            "people say on its page that it does not concern the person."
        ),
    ),
    "consent.lapses": (
        N_("A consent on which a case relies ends within a week, or has ended"),
        N_(
            "Ask the person, or who acts for the child now, and record the answer, before what waits for it is due: "
            "drafts, what was released, what stands in the outbox."
        ),
    ),
    "erasure.overdue": (
        N_("The time to erase and to confirm is over"),
        N_("Tell the focal point: follow the request, or call the other side."),
    ),
    "erasure.asked": (
        N_("A country asked for something to be erased; a person has to decide"),
        N_("Tell the focal point: it is listed under Records."),
    ),
    "erasure.untold": (
        N_("A country that received data from us cannot be told to erase them"),
        N_("Call, and find out why nothing passes to it."),
    ),
    "erasure.unanswered": (
        N_("A request was followed, but the answer to it cannot be written"),
        N_("Check whether our unit and the trust in that country are still there. The node tries again every minute."),
    ),
    "erasure.kept": (
        N_("The other side says that something is kept or left over"),
        N_("Tell the focal point: the message has their confirmation."),
    ),
    "erasure.unproven": (
        N_("A confirmation contains somebody else's certificate that does not verify"),
        N_("Tell the focal point to ask the other side."),
    ),
    "erasure.left": (
        N_("A message was erased here, but our case system cannot erase it"),
        N_("Have it erased there by hand."),
    ),
    "erasure.refused": (
        N_("Our case system refused to erase a message"),
        N_("Check the case system, and have it erased there by hand. The node asks it again every hour."),
    ),
    "peer.undelivered": (
        N_("Something has been waiting for a country for three days"),
        N_("Call them, and check the connection. Delivery continues by itself."),
    ),
    "peer.first_form": (
        N_("The root holders of a country have not signed since release 0.1.0: what is for it waits"),
        N_(
            "Call its administrator: its node needs this release, then its root holders sign. Delivery continues by "
            "itself."
        ),
    ),
    "peer.silent": (
        N_("A country has presented no fresh keys for a day"),
        N_("Check the connection to it; then call them."),
    ),
    "peer.refuses": (
        N_("A country answers, but not with anything that can be used"),
        N_("Call its administrator: what is for it waits, and is tried less and less often."),
    ),
    "peer.overworked": (
        N_("A country asks for more work than this node does for one"),
        N_("Call its administrator: something there repeats itself. Others are served as before."),
    ),
    "peer.stale_keyset": (
        N_("A country answers, but presents no keys that may be used"),
        N_("Call its administrator: nothing is sealed for it until it does."),
    ),
    "peer.gap": (
        N_("A number of a country has been missing for ten minutes or longer"),
        N_("Call them if it persists."),
    ),
    "peer.link_reset": (
        N_("A country says that it was restored from a backup"),
        N_("Call its administrator; then accept the reset under Trust."),
    ),
    "peer.link_reset_required": (
        N_("A country was restored and accepts nothing yet; messages for it keep waiting"),
        CALL,
    ),
    "peer.reset_refused": (
        N_("A country does not accept our request to restart the numbering"),
        N_("Two people request it again, under Trust."),
    ),
    "peer.rollback": (
        N_("A country used a number that had expired; it was refused"),
        N_("Call them: was their node restored?"),
    ),
    "peer.equivocation": (
        N_("A country signed two different things under one number: nothing passes"),
        N_("Do not resend anything. Keep the node as it is, and call both administrators."),
    ),
    "peer.bad_chain": (
        N_("The numbers of the two nodes do not match: nothing passes"),
        N_("Do not resend anything. Was a copy of a node started? Call both administrators."),
    ),
    "peer.tombstone": (
        N_("A country's node has ended, and its roots say so"),
        N_("Call them, and pair the new node from the beginning."),
    ),
    "peer.damaged": (
        N_("What is stored about a country no longer verifies"),
        N_("Restore a backup, or pair it again. The other countries continue."),
    ),
    "peer.suspended_us": (N_("A country suspended its trust in us; what waits is held"), CALL),
    "peer.revoked_us": (N_("A country ended its trust in us"), CALL),
    "peer.roots_changed": (
        N_("A country replaced its root keys: nothing passes until the digits are compared again"),
        N_("A trust administrator calls them and compares the digits, under Trust."),
    ),
    "peer.review": (
        N_("A country revoked a key that had signed messages to us"),
        N_("Tell the focal point: these messages are listed under Records, and their senders have to be asked."),
    ),
    "peer.held_false": (
        N_("A country says that it holds a descriptor of ours that our roots did not sign"),
        N_("Call its operator: its node or its disk is at fault."),
    ),
    "log.rolled_back": (
        N_("The audit log here is not the one that was signed: nothing more is sent"),
        N_("Leave everything as it is, copy the node's folder, and verify the log under Audit."),
    ),
    "log.disputed": (
        N_("A country says that our log does not continue the one it witnessed, and presents no proof"),
        N_("Verify the log under Audit; call its operator."),
    ),
    "log.restarted": (
        N_("A country was restored from a backup, and its log continues from there"),
        N_("Nothing, if its reset was accepted here after a call; otherwise call its operator."),
    ),
    "node.restored": (
        N_("This node was restored from a backup"),
        N_("Nothing passes until people on both sides have agreed to restart the numbering, under Trust."),
    ),
    "clock.back": (
        N_("The clock of this machine is earlier than what was signed: nothing is sent"),
        N_("Synchronise the clock with a time service."),
    ),
    "clock.unconfirmed": (
        N_("The time of this node is not confirmed: nothing is erased, and after more than a day nothing is sent"),
        N_("Synchronise the clock with a time service. If no country can be reached, compare it and confirm it here."),
    ),
    "erasure.waits": (
        N_("Nothing could be erased for a day, because the time of this node is not confirmed"),
        N_("Synchronise the clock with a time service. If no country can be reached, compare it and confirm it here."),
    ),
    "message.telephone": (
        N_("A withdrawal, an erasure or a safety alert waits because the clock of this node is in doubt"),
        N_("Telephone the other country now. The message goes by itself when the clock is right."),
    ),
    "own.no_key": (N_("This node has no valid key for some use"), RENEW),
    "own.roots_due": (
        N_("The root holders of this node have not signed since release 0.1.0: nothing is taken in or sent"),
        N_("Hold the key ceremony: two root holders sign the next descriptor of this node."),
    ),
    "own.keys_busy": (
        N_("Somebody asks the key service for more than this node needs"),
        N_(
            "Find out whether people or programs of yours read this much. If nobody did, the node is in the hands of "
            "somebody else: stop it and call its administrators."
        ),
    ),
    "own.split_view": (
        N_("A country holds another descriptor of this node: our roots signed twice"),
        N_("Our root keys may be in the wrong hands. Call the holders of the root keys now."),
    ),
    "own.unknown_descriptor": (
        N_("A country holds a descriptor of this node that this node never published"),
        N_("Was this node restored from an old copy? If not: call the holders of the root keys now."),
    ),
}
"""Kind by kind: what has happened, and what to do. Those of endings (`ends_60`) are made of `ENDINGS`."""
ENDINGS: Alarms = {
    "own.descriptor": (N_("The descriptor of this node expires in %(days)s days"), RENEW),
    "own.sig": (N_("The last signing key of this node expires in %(days)s days"), RENEW),
    "own.http": (N_("The last connection key of this node expires in %(days)s days"), RENEW),
    "own.log": (N_("The last log key of this node expires in %(days)s days"), RENEW),
    "own.wit": (N_("The last witness key of this node expires in %(days)s days"), RENEW),
    "peer.descriptor": (N_("The descriptor of a country expires in %(days)s days"), CALL),
    "peer.trust": (
        N_("The trust in a country expires in %(days)s days"),
        N_("A trust administrator renews it under Trust."),
    ),
    "region.national": (
        N_("What is known of a country has to be looked at again in %(days)s days"),
        N_("Ask the country to confirm its page under Guidance, and bring the region pack up to date."),
    ),
}
BEFORE = (60, 30, 7)
"""Days before an end at which it is told."""

DELIVERY: Table = {
    "idle": N_("nothing waits"),
    "waiting": N_("messages wait"),
    "failing": N_("does not answer"),
    "announced": N_("said that people are working on it"),
    "held": N_("held: people have to agree first"),
}
TROUBLES: Table = {
    "failed": N_("ours, will not go"),
    "rejected": N_("ours, refused by the other side"),
    "held": N_("theirs, refused by our case system"),
}
"""What `node.status` counts of messages that a person has to look at."""
REASONS: Table = {
    str(code): text
    for code, text in {
        Code.CANCELLED: N_("taken back by a person"),
        Code.NOT_ACTIVE: N_("there is no active trust"),
        Code.STALE_KEYSET: N_("the other side has no keys that may be used"),
        Code.NO_COMMON_SCHEMA: N_("the two nodes have no form of this kind of message in common"),
        Code.NO_COMMON_SUITE: N_("the two nodes have no cryptography in common"),
        Code.CLOSED_BY_POLICY: N_("the corridor policy does not let it leave"),
        Code.ADAPTER_REFUSED: N_("the case system refused it"),
        Code.BUSY: N_("the key service was busy"),
        Code.ADAPTER_BUSY: N_("the case system was busy"),
        Code.CONFLICT: N_("its content was erased"),
        Code.NOT_FOUND: N_("it, or a file of it, is no longer here: write it again"),
        Code.UNREACHABLE: N_("the other side does not answer"),
        Code.PROXY_AWAY: N_("the proxy of our network does not answer"),
        Code.PROXY_LOGIN: N_("the proxy of our network asks for another login"),
        Code.PROXY_REFUSED: N_("the proxy of our network does not let it through"),
        Code.LOG_ROLLED_BACK: N_("the audit log is not the one that was signed"),
        Code.LOG_UNCONFIRMED: N_("nobody has confirmed yet that the audit log is the newest"),
        Code.CLOCK: N_("a clock is wrong"),
    }.items()
}
"""Reasons that only this node gives; those that travel are the list wire_code."""
STEPS: Mapping[str, tuple[str, str]] = {
    "name": (N_("The name has an address"), N_("Check the name with your resolver; the other side may have moved.")),
    "tcp": (
        N_("A server is listening there"),
        N_("Ask whether their node runs, and check the firewalls on both sides."),
    ),
    "tls": (
        N_("It presents the key that is known of it"),
        N_("Ask what is in front of their node: nothing may end TLS there. A new server key needs a new descriptor."),
    ),
    "clock": (N_("The clocks agree"), N_("Synchronise the clocks of both machines with a time service.")),
    "keys": (
        N_("Its signing keys are in force, and ours there"),
        N_("Its administrator has to publish a descriptor with valid keys, and has to know our newest one."),
    ),
    "keyset": (N_("It presents keys that may be used now"), N_("Ask them to check the log of their node.")),
    "versions": (N_("Both have cryptography in common"), N_("One of the two nodes has to be upgraded.")),
    "schemas": (
        N_("It admits us, and both have kinds of messages in common"),
        N_("Ask its administrator whether this node is active there; if it is, one of the two has to be upgraded."),
    ),
    "scope": (
        N_("The trust of both sides lets something pass"),
        N_("A trust administrator checks under Trust what both sides permit."),
    ),
    "signed round trip": (
        N_("A signed question gets its signed answer"),
        N_("Try again; if it persists, both sides check their logs."),
    ),
}
"""The steps of a ping (`gateway.trust.ping`): what is seen, and what to do where it is not."""
LEGS: Table = {
    "submission": N_("accepted here and stored"),
    "sealing": N_("numbered, signed and sealed"),
    "sending": N_("answered by the other node"),
    "acceptance": N_("accepted there"),
    "hand-over": N_("the other node says that it went the whole way"),
    "delivered receipt": N_("its signed receipt was verified here"),
}
"""The parts of the way of a test message (`gateway.messages.probe`)."""
HALTS: Table = {
    "log_rolled_back": N_("the audit log is not the one that was signed"),
    "log_unconfirmed": N_("nobody has confirmed yet that the audit log is the newest"),
    "no_key": N_("no key of this node is valid"),
    "clock": N_("the clock of this machine is wrong"),
    "roots_due": N_("the root holders of this node have not signed since release 0.1.0"),
    "maintenance": N_("people are working on this node"),
}
USES: Table = {
    "sig": N_("signs messages"),
    "http": N_("connection"),
    "log": N_("signs the audit log"),
    "wit": N_("witnesses the logs of others"),
    "enc": N_("encryption"),
    "epoch": N_("storage"),
}
KEY_PLACES = {"file": "key_file", "tpm": "key_tpm", "pkcs11": "key_token"}
"""Where the secret of the key store lies, in the codes that a confirmation of an erasure says it by."""


@dataclass(frozen=True, slots=True)
class Tells:
    """Texts about the node's operation, in one language."""

    words: Words

    def alarm(self, kind: str) -> str:
        """Describe an alarm."""
        return self._alarm(kind)[0]

    def remedy(self, kind: str) -> str:
        """Say how to resolve an alarm."""
        return self._alarm(kind)[1]

    def reason(self, code: object) -> str:
        """Say why a message did not go; a code without a text is shown as it is."""
        name = str(code)
        if name.startswith("gate_"):
            gate = name.removeprefix("gate_").upper()
            return f"{gate}{self.words.colon}{Says(self.words).gate(gate)}"
        if name in REASONS:
            return self.words(REASONS[name])
        return self.words.code("wire_code", name) if name in code_list("wire_code") else name

    def of(self, table: Mapping[str, str], name: object) -> str:
        """Look up a text in a table of this module."""
        said = table.get(str(name))
        return f"{name} [{self.words.language.no_label}]" if said is None else self.words(said)

    def step(self, name: str) -> str:
        """Describe a step of a ping."""
        return self.of({step: seen for step, (seen, _) in STEPS.items()}, name)

    def fix(self, name: str, code: str | None) -> str:
        """Say how to mend a failed step of a ping; where the proxy on the way out is at fault, say that."""
        if code in PROXY_CODES:
            return self.reason(code)
        return self.of({step: fix for step, (_, fix) in STEPS.items()}, name)

    def _alarm(self, kind: str) -> tuple[str, str]:
        subject, _, days = kind.partition(".ends_")
        if days and subject in ENDINGS:
            said, do = ENDINGS[subject]
            return self.words(said, days=days), self.words(do)
        if kind not in ALARMS:
            return f"{kind} [{self.words.language.no_label}]", ""
        said, do = ALARMS[kind]
        return self.words(said), self.words(do)
