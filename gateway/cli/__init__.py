"""The `trm` command: results on standard output, errors and hints on standard error; exit 0 done, 1 refused or
failed, 2 wrong usage.
"""

from __future__ import annotations


def main() -> None:
    """Run the `trm` command."""
    from gateway.cli.root import trm

    trm()
