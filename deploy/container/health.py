"""Ask the node of this container how it is: exit code 0 if it says 200, 1 if not, with one line that says why.

    python -I health.py live     the process answers
    python -I health.py ready    it can durably accept what comes

It asks over the socket in the node folder (`TRM_NODE`), because the local API listens on loopback alone, which no
probe from outside of the container reaches. Nothing of the product is imported: a probe that runs every ten seconds
has to be cheap.
"""

from __future__ import annotations

import http
import http.client
import os
import socket
import sys
from pathlib import Path

SECONDS = 7.0
"""A node finds out within 5 seconds that its disk does not take a write; the probe waits a little longer."""
QUESTIONS = ("live", "ready")


def ask_node(folder: Path, question: str) -> int:
    """Return the HTTP status that the node of `folder` gives to `/health/` and the question.

    Raises:
        OSError: nothing answers on its socket in time.
        http.client.HTTPException: what answers does not speak HTTP.
    """
    connection = http.client.HTTPConnection("localhost", timeout=SECONDS)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as way:
        way.settimeout(SECONDS)
        way.connect(str(folder / "run" / "api.sock"))
        connection.sock = way
        connection.request("GET", f"/health/{question}")
        return connection.getresponse().status


def main(arguments: list[str]) -> int:
    """Ask, and return the exit code: 0 for yes, 1 for no, 2 for wrong usage."""
    folder = os.environ.get("TRM_NODE")
    if len(arguments) != 1 or arguments[0] not in QUESTIONS or not folder:
        sys.stderr.write("health: usage: TRM_NODE=DIR python -I health.py live|ready\n")
        return 2
    try:
        status = ask_node(Path(folder), arguments[0])
    except (OSError, http.client.HTTPException) as exc:
        sys.stderr.write(f"health: the node does not answer on its socket ({type(exc).__name__})\n")
        return 1
    if status != http.HTTPStatus.OK:
        sys.stderr.write(f"health: not {arguments[0]} ({status}); trm doctor says why\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
