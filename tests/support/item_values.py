"""Items of every shape, made at random."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.errors import Code, Finding
from gateway.ports import Delivery, Json, MappedRecord, Notice, NoticeKind

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
FINDINGS = st.builds(Finding, place=TEXT, rule=TEXT, hint=TEXT)
NOTICES = st.builds(
    Notice,
    key=TEXT,
    ref=TEXT,
    kind=st.sampled_from(NoticeKind),
    at=st.integers(0, 2**32),
    message_id=st.none() | TEXT,
    conversation=st.none() | TEXT,
    code=st.none() | st.sampled_from(Code),
    findings=st.lists(FINDINGS, max_size=3).map(tuple),
)
RECORDS = st.builds(
    MappedRecord,
    mapping=TEXT,
    fields=st.dictionaries(TEXT, JSON, max_size=3),
    losses=st.lists(FINDINGS, max_size=3).map(tuple),
    left_out=st.lists(TEXT, max_size=3).map(tuple),
)
DELIVERIES = st.builds(
    Delivery,
    key=TEXT,
    message_id=TEXT,
    conversation=TEXT,
    in_reply_to=st.none() | TEXT,
    type=TEXT,
    sender=TEXT,
    sender_name=TEXT,
    purpose=st.none() | TEXT,
    created=st.integers(0, 2**32),
    received=st.integers(0, 2**32),
    out_of_order=st.booleans(),
    header=st.dictionaries(TEXT, JSON, max_size=3),
    content=st.dictionaries(TEXT, JSON, max_size=3),
    record=st.none() | RECORDS,
)
