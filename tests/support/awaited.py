"""Message types and header fields that data of this repository name before their schemas are here.

Empty both once the catalogue is complete: then the checks that take them are strict by themselves.
"""

TYPES: frozenset[str] = frozenset()

FIELDS: frozenset[str] = frozenset()
