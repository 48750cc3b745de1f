"""Message types and header fields that data of this repository name before their schemas are here.

Empty both once the catalogue is complete: then the checks that take them are strict by themselves.
"""

TYPES: frozenset[str] = frozenset(
    {
        *("identification.certificate", "guardian.notice", "family.inquiry", "family.report", "risk.request"),
        *("risk.assessment", "bid.report", "assistance.plan", "nationality.request", "nationality.reply"),
        *("traveldoc.request", "traveldoc.reply", "return.proposal", "return.response", "return.cancel"),
        *("departure.notice", "arrival.confirmation", "reintegration.plan", "monitoring.report", "proceedings.notice"),
        *("case.closure", "closure.response", "safety.alert", "safety.alert.ack", "safety.alert.update"),
        *("data.correction", "data.correction.ack", "subject.access", "erasure.request", "erasure.confirmation"),
        *("breach.notice", "directory.update", "stats.request", "stats.submission"),
    }
)

FIELDS: frozenset[str] = frozenset({"*/header/vital_interest/ground", "*/header/vital_interest/approver_ref"})
