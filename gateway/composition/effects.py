"""What incoming messages do here besides being handed over, by type; what they say of cases is `gateway.cases.news`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.consent.effects import record_consent, withdraw_consent
from gateway.directory.cache import list_entry
from gateway.erasure.peer_requests.record import record_confirmation, record_request
from gateway.messages.effects import Effects
from gateway.policy.linked_holds import AsylumTold, EnquiryQuoted
from gateway.policy.told_asylum import MAY_TELL
from gateway.statistics.submissions import record_received

if TYPE_CHECKING:
    from gateway.composition.ground import Ground


def tie_effects(node: Ground) -> Effects:
    """By message type what it does here besides being handed over."""
    request = partial(record_request, node.content, node.keys.actor)
    asylum = partial(AsylumTold, node.linked_holds)
    effects: Effects = {
        "consent.record": (partial(record_consent, node.content),),
        "consent.withdrawal": (request, partial(withdraw_consent, node.content)),
        "erasure.request": (request,),
        "referral.request": (partial(EnquiryQuoted, node.linked_holds),),
        "referral.withdraw": (request,),
        "erasure.confirmation": (partial(record_confirmation, node.clock),),
        "directory.update": (partial(list_entry, node.content),),
        "stats.submission": (record_received,),
    }
    return {**effects, **{name: (*effects.get(name, ()), asylum) for name in MAY_TELL}}
