"""The published vectors in docs/spec/vectors: made by the project from throw-away keys, and judged by the product.

``make`` writes or compares them. What has no randomness must be the same byte for byte. ML-DSA-65 signatures, sealed
keys and sealed contents are random: a file with them is written once and then stays as long as the product accepts and
refuses its cases as it says, and everything in it that is not random is what would be written today.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from support import (
    vector_batches,
    vector_clauses,
    vector_disclosure,
    vector_evidence,
    vector_parts,
    vector_plain,
    vector_sealed,
    vector_trust,
)
from support import vector_judges as judges

Case = dict[str, Any]

FOLDER: Final = Path("docs/spec/vectors")
NOTE: Final = "TRM Gateway, protocol nrm1 (draft). Invented nodes, throw-away keys, synthetic content."

PLAIN: Final[dict[str, Callable[[], Case]]] = {
    "encodings": vector_plain.encodings,
    "identity": vector_plain.identity,
    "numbers": vector_plain.numbers,
    "disclosure": vector_disclosure.disclosure,
    "http": vector_plain.http,
}
SEALED: Final[dict[str, Callable[[], Case]]] = {
    "descriptors": vector_sealed.descriptors,
    "keysets": vector_sealed.keysets,
    "batches": vector_batches.batches,
    "envelopes": vector_sealed.envelopes,
    "parts": vector_parts.parts,
    "receipts": vector_sealed.receipts,
    "voids": vector_sealed.voids,
    "taken": vector_sealed.taken,
    "trust": vector_trust.trust,
    "evidence": vector_evidence.evidence,
    "clauses": vector_clauses.clauses,
}


def make(root: Path, *, check: bool) -> list[str]:
    """Bring the vectors up to date; the names of the files that were not. `check` writes nothing."""
    stale: list[str] = []
    for name, build in (PLAIN | SEALED).items():
        path = root / FOLDER / f"{name}.json"
        held = path.read_text(encoding="utf-8") if path.exists() else None
        wanted = {"note": NOTE, **build()}
        if held is not None and _up_to_date(name, held, wanted):
            continue
        stale.append((FOLDER / path.name).as_posix())
        if not check:
            _write(path, name, wanted)
    return stale


def text_of(value: Case) -> str:
    """The file of a value."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, name: str, value: Case) -> None:
    wrong = [where for where, said, expected in verdicts(name, value) if said != expected]
    if wrong:
        raise RuntimeError(f"{name}: the product does not judge as stated: {', '.join(wrong)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_of(value), encoding="utf-8")


def _up_to_date(name: str, held: str, wanted: Case) -> bool:
    if name in PLAIN:
        return held == text_of(wanted)
    value: Case = json.loads(held)
    same = text_of(fixed(value)) == text_of(fixed(wanted)) and held == text_of(value)
    return same and all(said == expected for _, said, expected in verdicts(name, value))


def fixed(value: Any) -> Any:
    """A value without what is random in it."""
    if isinstance(value, dict):
        return {key: None if key in vector_sealed.RANDOM else fixed(item) for key, item in value.items()}
    return [fixed(item) for item in value] if isinstance(value, list) else value


def verdicts(name: str, file: Case) -> Iterator[tuple[str, object, object]]:
    """Each case of a file: where it is, what the product says, what the file says."""
    match name:
        case "encodings":
            yield from _encodings(file)
        case "identity":
            yield from _each(file["bad_records"], judges.bad_record)
            yield from _each(file["bad_keys"], judges.bad_key)
        case "numbers":
            for case in file["links"]:
                yield case["name"], judges.numbers(case), [step["verdict"] for step in case["steps"]]
        case "disclosure":
            yield from _each(file["bodies"], vector_disclosure.judge_body)
            yield from _each(file["shown"], lambda case: vector_disclosure.judge_fields(file, case))
        case "batches":
            for case in file["valid"]:
                yield case["name"], vector_batches.roots(case), [case["root"]] * len(case["documents"])
                good = [{"name": case["name"], "code": None} | document for document in case["documents"]]
                yield from _each(good, lambda each: vector_batches.judge(file, each))
            yield from _each(file["invalid"], lambda case: vector_batches.judge(file, case))
        case "http":
            yield from _each([*file["requests"], *file["answers"]], lambda case: judges.http(file, case))
        case "descriptors":
            yield from _each(file["cases"], lambda case: judges.descriptor(file, case))
        case "keysets":
            yield from _each(file["cases"], lambda case: judges.keyset(file, case))
        case "envelopes":
            yield from _each(file["valid"] + file["invalid"], lambda case: judges.envelope(file, case))
        case "parts":
            yield from _each(file["valid"] + file["invalid"], lambda case: vector_parts.judge(file, case))
        case "receipts":
            yield from _each([*file["valid"], *file["invalid"]], lambda case: judges.receipts(file, case))
        case "voids":
            yield from _each([file["valid"], *file["invalid"]], lambda case: judges.void(file, case))
        case "taken":
            yield from _each([file["valid"], *file["invalid"]], lambda case: judges.taken(file, case))
        case "trust":
            records, approvals = file["records"], file["approvals"]
            yield from _each(records["cases"], lambda case: vector_trust.record(records, case))
            yield from _each(file["changes"], vector_trust.change)
            yield from _each(approvals["cases"], lambda case: vector_trust.approval(approvals, case))
            for case in file["scopes"]:
                yield case["name"], vector_trust.scope(case), case["verdict"]
        case "evidence":
            for case in file["cases"]:
                yield case["name"], vector_evidence.judge(file, case), case["verdicts"]
        case "clauses":
            yield from vector_clauses.verdicts(file)
        case _:
            raise RuntimeError(f"nobody judges {name}")


def _encodings(file: Case) -> Iterator[tuple[str, object, object]]:
    yield from _each(file["not_canonical"], judges.not_canonical)
    yield from _each(file["not_base64url"], judges.bad_base64url)


def _each(cases: list[Case], judge: Callable[[Case], str | None]) -> Iterator[tuple[str, object, object]]:
    for case in cases:
        yield case["name"], judge(case), case.get("code")
