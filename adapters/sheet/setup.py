"""What an office that works in a workbook needs: the workbook with drop-downs, and the mapping file as its own copy."""

from __future__ import annotations

from pathlib import Path

from adapters.kit.setup.plan import MAPPING, Asked, Plan, quoted
from adapters.sheet import htcds, sample

CASES = "cases.xlsx"
SAMPLE = "sample.xlsx"


async def plan(asked: Asked) -> Plan:
    """Plan an empty workbook in the language of the office, one with invented cases, and a mapping file of its own."""
    path = Path(asked.given.get("path", asked.path(CASES))).absolute()
    # No number that a row of the office could have: what was read once under a number is not read again under it.
    invented = [
        case.having({htcds.KEY: f"SAMPLE-{number}"})
        for number, case in enumerate(sample.sample_cases(asked.today, recipient=asked.recipient), start=1)
    ]
    first = invented[0].having({htcds.READY_TO_ASK: "Yes"})
    mapping = htcds.MARKS[htcds.READY_TO_REFER].read_text(encoding="utf-8")
    new = f"trm sheet new {quoted(path)} --language {asked.language}"
    return Plan(
        files={
            **({CASES: asked.line_list(asked.language)} if "path" not in asked.given else {}),
            MAPPING: mapping,
            SAMPLE: sample.render_sample([first, *invented[1:]]),
        },
        settings={"path": str(path), "mapping": asked.path(MAPPING), "language": asked.language},
        steps=[
            *([f"make the workbook, if it is not there: {new}"] if "path" in asked.given else []),
            f"set the constants in {asked.path(MAPPING)} to what is true of the office",
            asked.check,
            f"to try it, set path to {asked.path(SAMPLE)}: its cases are invented, and its first row is marked "
            f"as ready to ask, so it becomes the draft of an enquiry to {asked.recipient}",
            asked.into_node(),
            "results come beside the workbook, in trm-results.xlsx",
        ],
    )
