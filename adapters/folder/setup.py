"""What a drop folder needs: its layout, and a draft to try it with."""

from __future__ import annotations

import json
from pathlib import Path

from adapters.folder import places
from adapters.kit.drop_folder import OUTGOING
from adapters.kit.files import Folder
from adapters.kit.setup.needs import Need, met, missing
from adapters.kit.setup.plan import SAMPLE, Asked, Plan, quoted, sample_draft

DROP = "drop"


async def plan(asked: Asked) -> Plan:
    """Plan a drop folder in the folder of the adapter, or at the `path` that was given, with a sample beside it."""
    root = Path(asked.given.get("path", asked.path(DROP))).absolute()
    part, name = (quoted(root / OUTGOING / each) for each in (".first.tmp", "first.json"))
    return Plan(
        folders=[str(root), *(str(root / name) for name in places.ALL)],
        files={SAMPLE: json.dumps(sample_draft(asked.recipient, asked.today), ensure_ascii=False, indent=2) + "\n"},
        settings={"path": str(root)},
        steps=[
            asked.check,
            asked.into_node(root),
            f"drop the sample: cp {quoted(asked.path(SAMPLE))} {part} && mv {part} {name}",
        ],
    )


def look_at(root: Path, name: str) -> Need:
    """Look at one folder of the layout: there, writable, on one disk with the others, closed to others."""
    place, path = f"folder {name}", quoted(root / name)
    try:
        with Folder(root) as top, Folder(root / name) as folder:
            folder.stage(".check.part", b"")
            folder.remove(".check.part")
            if folder.mode() & 0o007:
                return missing(place, "open_to_others", "take the rights of others away", f"chmod o-rwx {path}")
            if folder.device() != top.device():
                return missing(place, "other_disk", "keep all folders on one disk")
    except FileNotFoundError:
        hint = "mount the share, or make the layout"
        return missing(place, "missing_folder", hint, f"mkdir -m 700 -p {path}")
    except NotADirectoryError:
        return missing(place, "not_a_folder", "a link or a file is in its place; move it away")
    except OSError:
        hint = "the gateway must be able to make and remove files"
        return missing(place, "not_writable", hint, f"chown ACCOUNT {path} && chmod 700 {path}")
    return met(place)
