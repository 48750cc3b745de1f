"""Verbs for integrators: adapters, mappings, line lists, HTCDS."""
