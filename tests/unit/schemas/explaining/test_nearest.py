"""The nearest word of ours: types by name and by their members."""

from __future__ import annotations

from schemas.explaining.nearest import find_nearest, likeliest_type, nearest_type


def test_a_type_is_guessed_from_names_alone() -> None:
    """Two names at least; what is in no content says nothing."""
    assert (
        likeliest_type({"person": {"pseudonym": "x"}, "services_requested": [{"service": "y"}]}) == "referral.request/1"
    )
    assert likeliest_type({"cells": [{"count": 1}], "dimensions": []}) == "stats.submission/1"
    assert likeliest_type({"prs_FirstName": "x"}) is None and likeliest_type([1]) is None
    assert (nearest_type("referral_request"), nearest_type("x"), nearest_type(3)) == ("referral.request/1", None, None)
    assert find_nearest(None, ["a"]) is None
