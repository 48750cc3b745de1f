"""Adapters for the case systems of countries: one folder per kind of local system, each a `gateway.ports.Adapter`."""
