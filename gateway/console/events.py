"""The entries of the audit log in words: what happened, and what its members are (docs/audit-events.md)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.console.states import Table
from gateway.console.words import N_, Words

EVENTS: Table = {
    "node.made": N_("This node was made"),
    "node.restored": N_("This node was restored from a backup"),
    "node.older": N_("The database of this node is older than what was seen of it"),
    "ledger.applied": N_("What the ledger names was taken away again after a restore"),
    "consent.confirmed": N_("The consents of a case were confirmed after a restore"),
    "node.ended": N_("This node's own tombstone was published"),
    "backup.made": N_("A backup was made"),
    "epoch.rotated": N_("A new storage epoch began, the older keys were destroyed"),
    "keyset.issued": N_("New encryption keys were published"),
    "keys.busy": N_("The key service was asked for more than its limits allow"),
    "key.destroyed": N_("A key was destroyed"),
    "key.revoked": N_("A key was revoked"),
    "descriptor.requested": N_("The root holders were asked for the next descriptor"),
    "descriptor.published": N_("A descriptor of this node was published"),
    "directory.published": N_("The directory of this country was published"),
    "maintenance.begun": N_("Somebody began maintenance of this node: nothing new was taken in"),
    "maintenance.ended": N_("Somebody ended maintenance of this node"),
    "clock.confirmed": N_("The time of this node was confirmed"),
    "clock.reset": N_("A time that was wrongly believed was taken back"),
    "cases.found": N_("The cases of this folder were found at the first start"),
    "machine.invited": N_("A person made an invitation by which one more machine may get the keys of this node"),
    "machine.joined": N_("A machine has the keys of this node from now on"),
    "machine.retired": N_("A machine was taken off: it is lost or no longer used"),
    "case.opened": N_("A case was opened"),
    "case.assigned": N_("Who looks after a case was said"),
    "case.flagged": N_("A case got a flag"),
    "case.unflagged": N_("A flag was taken off a case"),
    "case.labelled": N_("A case was called something else"),
    "case.handed_over": N_("A case was handed over to another unit"),
    "case.joined": N_("Somebody said which case an enquiry is about"),
    "case.related": N_("Somebody said how two cases belong together"),
    "case.change_asked": N_("A first person asked to merge, split or move cases"),
    "case.undo_asked": N_("Somebody asked to take a change of cases back"),
    "case.changed": N_("A second person changed cases, or took a change back"),
    "case.status_noted": N_("Somebody noted how a country sees the person of a case"),
    "case.role_noted": N_("Somebody noted a role of the person of a case"),
    "case.blocked": N_("Somebody was kept out of a case"),
    "case.unblocked": N_("Somebody was let into a case again"),
    "case.copied": N_("The person's own copy was made"),
    "link.reset": N_("The numbering to a country was restarted"),
    "link.reset_offered": N_("A restored country asked to restart the numbering"),
    "link.reset_accepted": N_("A person accepted that"),
    "link.opened": N_("The numbering to a country is open again"),
    "link.listed": N_("What a country knows to be taken away was taken away again"),
    "log.restart_accepted": N_("The log of a restored country starts again"),
    "peer.proposed": N_("A country was added"),
    "peer.digits_wrong": N_("Wrong digits were typed for a country"),
    "peer.verified": N_("The digits of a country were compared"),
    "peer.state": N_("The trust in a country changed"),
    "peer.roots_changed": N_("A country replaced its root keys"),
    "peer.descriptor": N_("A country published a descriptor"),
    "peer.suspended": N_("A country was stopped by this node"),
    "peer.tombstone": N_("A country's node ended permanently"),
    "change.proposed": N_("A change of trust was proposed"),
    "change.approved": N_("A change of trust was approved"),
    "change.completed": N_("Enough people approved a change of trust"),
    "change.effective": N_("A change of trust took effect"),
    "change.expired": N_("A change of trust did not find enough people to approve it"),
    "change.withdrawn": N_("A change of trust was withdrawn"),
    "policy.adopted": N_("A corridor policy took effect"),
    "trust.issued": N_("This node signed its trust in a country"),
    "trust.taken": N_("A country's trust in this node was received"),
    "trust.replaced": N_("Earlier trust records of a country were replaced"),
    "draft.made": N_("A record of the case system became a draft"),
    "draft.changed": N_("A draft was changed"),
    "draft.released_first": N_("A first person released a draft"),
    "draft.released": N_("A draft was released"),
    "draft.discarded": N_("A draft was discarded"),
    "consent.recorded": N_("A consent was recorded"),
    "consent.held": N_("A consent was received from another country"),
    "consent.withdraw": N_("A withdrawal of consent was recorded"),
    "consent.withdrawn": N_("A withdrawal of consent took effect"),
    "attachment.added": N_("A file was sealed"),
    "attachment.read": N_("A file was read"),
    "message.queued": N_("A message was submitted"),
    "message.released": N_("A person released a message"),
    "message.minimised": N_("The corridor policy removed something from a message"),
    "message.departed": N_("A message was numbered, signed and sealed"),
    "message.state": N_("A message changed its state"),
    "message.again": N_("A message was resent or offered again"),
    "message.open": N_("A person opened a message"),
    "message.cancel": N_("A person took a message back"),
    "message.received": N_("A message was accepted"),
    "message.rejected": N_("A message was refused for good"),
    "message.reviewed": N_("A person looked at a message under a revoked key"),
    "message.erased": N_("A message was erased"),
    "message.erased_locally": N_("The case system was asked to erase a message"),
    "messages.doubted": N_("A country revoked a key that had signed messages"),
    "receipts.issued": N_("This node signed receipts"),
    "receipts.held": N_("Receipts of a country were kept"),
    "request.passed_on": N_("A withdrawal or request to erase was passed on"),
    "request.followed": N_("A request to erase was followed"),
    "request.answered": N_("A request to erase was answered"),
    "retention.held": N_("A legal hold was placed"),
    "retention.released": N_("A legal hold was lifted"),
    "alert.acknowledged": N_("A person took a safety alert"),
    "alert.reviewed": N_("A second person read a safety alert of ours, or nobody could"),
    "asylum.held": N_("An asylum hold was placed"),
    "asylum.held_again": N_("After a restore an asylum hold lies again, and keeps from all States"),
    "asylum.lift_wanted": N_("A first person asked for an asylum hold to be lifted"),
    "asylum.lifted": N_("A second person lifted an asylum hold"),
    "asylum.ended": N_("An asylum hold ended"),
    "asylum.linked_asked": N_("It was asked whether what a linked person fears concerns this person too"),
    "asylum.set_apart": N_("A person said that what a linked person fears does not concern this one"),
    "statistics.released": N_("The cases of a period were counted"),
    "content.read": N_("Somebody was shown content"),
    "content.asked": N_("A data protection officer was shown a message, for a reason that is kept"),
    "evidence.disclosed": N_("Content was exported as evidence"),
    "alarm.dismissed": N_("An alarm was dismissed"),
    "token.made": N_("A token was created"),
    "token.revoked": N_("A token was revoked"),
    "person.added": N_("Somebody was invited to this console"),
    "person.changed": N_("Somebody was given other rights"),
    "person.invited": N_("Somebody may make another passkey"),
    "person.vouched": N_("An administrator vouched for somebody who may release"),
    "person.signed_out": N_("Somebody's sessions were ended"),
    "person.ended": N_("Somebody no longer works here"),
    "passkey.made": N_("A passkey was made"),
    "admin.offered": N_("Somebody offered a passkey to become an administrator"),
    "session.begun": N_("Somebody signed in"),
    "session.ended": N_("Sessions ended"),
    "login.made": N_("Somebody signed in at a shell"),
    "login.ended": N_("Personal tokens ended"),
    "sign_in.refused": N_("An attempt to sign in was refused"),
}
COVERED: Table = {
    "witnessed": N_("witnessed by other countries"),
    "signed": N_("signed by this node"),
    "open": N_("waits for the next checkpoint"),
}
READ: Table = {
    "message": N_("a message"),
    "draft": N_("a draft"),
    "conversation": N_("a conversation"),
    "case": N_("a case"),
    "contact": N_("whether a person may be contacted"),
    "consent": N_("a consent"),
    "evidence": N_("the evidence of a conversation"),
}
FILE = N_("file %(n)s of a message")


@dataclass(frozen=True, slots=True)
class Events:
    """Names of audit events in one language."""

    words: Words

    def event(self, name: str) -> str:
        """Describe an event."""
        return self._of(EVENTS, name)

    def covered(self, how: str) -> str:
        """Describe who vouches for an entry."""
        return self._of(COVERED, how)

    def read(self, what: str) -> str:
        """Describe the kind of content that somebody was shown."""
        if what.startswith("file/"):
            return self.words(FILE, n=what.removeprefix("file/"))
        return self._of(READ, what)

    def _of(self, table: Table, name: str) -> str:
        said = table.get(name)
        return f"{name} [{self.words.language.no_label}]" if said is None else self.words(said)
