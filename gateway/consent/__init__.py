"""Consent of a person: records, scope, withdrawal."""
