"""What integrators use: schemas and mappings without a node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.desks import enquiry, header, run
from support.house import ROOT

from adapters.sheet import htcds
from schemas import code_list
from schemas.labels import load_labels

HTCDS = ROOT / "adapters" / "sheet" / "htcds-2.0.yaml"


def test_schemas_are_listed_without_a_node(monkeypatch):
    """The catalogue of the installation is shown."""
    monkeypatch.delenv("TRM_NODE", raising=False)
    assert "referral.request/1" in run("schema", "list").stdout
    assert {item["type"] for item in json.loads(run("schema", "list", "--json").stdout)["schemas"]} >= {
        "consent.record/1"
    }


def test_a_schema_is_shown_field_by_field():
    """Every field has its class; the document is there for programs."""
    shown = run("schema", "show", "enquiry.capacity/1")
    assert (shown.exit_code, "/content/age_group" in shown.stdout) == (0, True)
    assert json.loads(run("schema", "show", "enquiry.capacity/1", "--document").stdout)["$schema"].startswith(
        "https://"
    )


def test_a_type_is_told_whole_to_people():
    """Who sends it, what is owed by which clock, each field with its meaning, the rules and the codes."""
    shown = run("schema", "show", "traveldoc.reply/1").stdout
    for said in (
        "from               consular_mfa",
        "answers            traveldoc.request/1",
        "owed for it        nothing",
        "/content/status",
        "how far the request has come",
        "/content: If `status` is `refused`, `reason` must be given.",
        "traveldoc_status  issued, pending, refused",
    ):
        assert said in shown
    assert "the receipt opened, by the clock acknowledge" in run("schema", "show", "family.report/1").stdout
    assert "from               any unit" in run("schema", "show", "consent.withdrawal/1").stdout
    countries = f"country          {len(code_list('country').codes)} codes, see --json"
    assert countries in run("schema", "show", "nationality.request/1").stdout


def test_a_type_is_told_whole_to_programs():
    """The same as JSON, with the labels of the codes."""
    told = json.loads(run("schema", "show", "nationality.request/1", "--json").stdout)
    assert told["answers"] == {"types": ["nationality.reply/1"], "clock": "nationality_reply"}
    fields = {field["path"]: field for field in told["fields"]}
    assert fields["/content/person/birth_date"]["needed"] == "yes, or why not"
    assert [fields[f"/content/{name}"]["required"] for name in ("context", "documents_seen")] == [True, False]
    lists = {each["list"]: each["codes"] for each in told["code_lists"]}
    assert lists["travel_doc"]["passport"] == "Passport"
    assert {"path": "/content/documents_seen/*", "text": EVERY_DOCUMENT} in told["rules"]


EVERY_DOCUMENT = "`kind` can only be `passport`, `id_card`, `emergency_document` or `laissez_passer`."


def test_a_type_is_shown_in_a_language():
    """Each member by its label, each code by its own; the same lines for programs."""
    shown = run("schema", "show", "closure.response/1", "--language", "en").stdout.splitlines()
    assert shown[0] == "Answer to a closure"
    assert "Answer: /content/answer (closure_answer)" in shown and "  Agreed: agree" in shown
    told = json.loads(run("schema", "show", "closure.response/1", "--language", "en", "--json").stdout)
    assert (told["language"], told["direction"]) == ("en", "ltr")
    assert {"depth": 1, "label": "Agreed", "value": "agree"} in told["lines"]


def test_arabic_keeps_its_marks_of_direction():
    """Each line on a terminal begins with the mark; JSON tells the direction instead."""
    shown = run("schema", "show", "closure.response/1", "--language", "ar").stdout
    assert shown and all(line.startswith("\u200f") for line in shown.splitlines())
    assert json.loads(run("schema", "show", "closure.response/1", "--language", "ar", "--json").stdout)[
        "direction"
    ] == ("rtl")


def test_a_language_that_is_not_known_is_refused():
    """Exit 1 with the languages there are; a schema document has none, which is wrong usage."""
    ran = run("schema", "show", "closure.response/1", "--language", "xx")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1].startswith("trm: hint: one of en, ")
    assert run("schema", "show", "closure.response/1", "--language", "en", "--document").exit_code == 2


def test_an_unknown_type_is_refused():
    """A type that is not held exits 1 with the way to the list."""
    ran = run("schema", "show", "referral.magic/1")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1] == "trm: hint: trm schema list shows them"


def test_a_good_draft_has_no_fault(tmp_path: Path, federation):
    """Checked alone and as a node would."""
    path = tmp_path / "draft.json"
    path.write_text(json.dumps(enquiry("AL")), encoding="utf-8")
    assert run("schema", "check", str(path)).stdout == "no fault found\n"
    assert federation.fr.trm("schema", "check", str(path)).stdout == "no fault found\n"


@pytest.mark.parametrize(
    ("draft", "place", "rule"),
    [
        ({"type": "enquiry.capacity/1"}, "/to", "required"),
        (enquiry("AL") | {"type": "x/1"}, "/type", "unknown_type"),
        (enquiry("AL") | {"header": []}, "/header", "type"),
        (enquiry("AL") | {"header": header(priority="soon")}, "/header/priority", "unknown_code"),
        (enquiry("AL") | {"to": 5}, "/to", "unknown_peer"),
        (enquiry("AL") | {"conversation": "C-17"}, "/conversation", "format"),
        (enquiry("AL") | {"in_reply_to": ["x"]}, "/in_reply_to", "format"),
        (enquiry("AL") | {"message": 1}, "/message", "format"),
        (enquiry("AL") | {"header": header(seen=3)}, "/header/seen", "additionalProperties"),
    ],
    ids=["missing", "type", "form", "code", "peer", "conversation", "reply", "message", "seen"],
)
def test_a_fault_of_a_draft_is_shown(draft, place, rule, federation):
    """The place, the rule and how to mend it, exit 1; a node finds no other fault in the form."""
    ran = run("schema", "check", "-", "--json", given=json.dumps(draft))
    assert ran.exit_code == 1
    found = {(item["place"], item["rule"]): item for item in json.loads(ran.stdout)["findings"]}
    assert found[place, rule]["expected"] and found[place, rule]["mend"]
    asked = federation.fr.trm("schema", "check", "-", "--json", given=json.dumps(draft))
    assert (place, rule) in {(item["place"], item["rule"]) for item in json.loads(asked.stdout)["findings"]}


def test_a_wrong_address_hides_no_other_fault():
    """What the letter says can be mended in one go."""
    draft = enquiry("AL") | {"to": None, "header": header(priority="soon")}
    found = json.loads(run("schema", "check", "-", "--json", given=json.dumps(draft)).stdout)["findings"]
    assert {item["place"] for item in found} == {"/to", "/header/priority"}


SECRET = "Zamira"
"""Stands for everything that a file says; no line of a check may print it."""

FOREIGN = enquiry("AL") | {
    "purpose": "referral_",
    "sender": SECRET,
    "content": {
        "services": ["safe_acomodation", SECRET],
        "ageGroup": SECRET,
        "country": SECRET,
        SECRET: True,
        "referral_kind": "return_reception",
        "language_needed": "sq",
        "note": "x" * 3000,
    },
}
"""What a program writes that was made for another format."""


def test_a_foreign_file_is_told_how_to_mend_it():
    """Each fault has its place, what is expected and what to do; names and codes are those of the schema."""
    ran = run("schema", "check", "-", "--json", given=json.dumps(FOREIGN))
    found = {(item["place"], item["rule"]): item for item in json.loads(ran.stdout)["findings"]}
    assert SECRET not in ran.stdout + ran.stderr and ran.exit_code == 1
    assert found["/content/services/0", "unknown_code"]["mend"] == "did you mean safe_accommodation?"
    assert "gets no default" in found["/content/services/1", "unknown_code"]["mend"]
    strange = found["/content", "additionalProperties"]
    assert strange["expected"].startswith("only services, ") and "did you mean `age_group`?" in strange["mend"]
    assert "the 2 members that this object does not have" in strange["mend"]
    assert "in square brackets" in found["/content/language_needed", "type"]["mend"]
    assert found["/content/note", "maxLength"]["mend"].startswith("shorten it")
    assert found["/purpose", "unknown_code"]["mend"] == "did you mean referral?"
    assert "`header`" in found["", "additionalProperties"]["mend"]
    assert all(item["expected"] and item["mend"] for item in found.values())


def test_corrections_are_told_to_people():
    """A fault is a place with its lines below, and the last line counts them."""
    ran = run("schema", "check", "-", given=json.dumps(FOREIGN))
    lines = ran.stdout.splitlines()
    place = lines.index("/content/services/0")
    assert lines[place + 1 : place + 4] == [
        "  rule      unknown_code",
        f"  expected  a code of service, which has {len(code_list('service').codes)}",
        "  mend      did you mean safe_accommodation?",
    ]
    assert lines[-1] == f"{sum(not line.startswith(' ') for line in lines) - 1} fault(s)"
    assert SECRET not in ran.stdout + ran.stderr


def test_a_file_that_does_not_say_what_it_is():
    """The type is guessed from the names of its members; a bare content is looked at too."""
    content = {"referral_kind": "x", "person": {"pseudonym": SECRET}, "services_requested": []}
    for draft in ({"content": content}, content):
        ran = run("schema", "check", "-", "--json", given=json.dumps(draft))
        found = {item["place"]: item for item in json.loads(ran.stdout)["findings"]}
        assert 'add "type": "referral.request/1"' in found["/type"]["mend"] and SECRET not in ran.stdout
    ran = run("schema", "check", "-", "--json", given=json.dumps(FOREIGN | {"type": "enquiry-capacity"}))
    assert "did you mean enquiry.capacity/1?" in ran.stdout


def test_the_node_explains_as_well(federation, tmp_path: Path):
    """What only a node sees has words too."""
    path = tmp_path / "draft.json"
    path.write_text(json.dumps(enquiry("AL") | {"in_reply_to": "it"}), encoding="utf-8")
    ran = federation.fr.trm("schema", "check", str(path), "--json")
    (fault,) = json.loads(ran.stdout)["findings"]
    assert (fault["place"], fault["rule"], fault["expected"]) == ("/in_reply_to", "format", "16 bytes as base64url")
    assert "trm message list" in fault["mend"]


def test_the_mapping_of_the_box_has_no_fault():
    """The HTCDS mapping that is delivered passes its own check."""
    ran = run("mapping", "check", str(HTCDS))
    assert (ran.exit_code, ran.stdout) == (0, "no fault found\n")


def test_a_mapping_with_an_unknown_code_is_red(tmp_path: Path):
    """A code that is in no list is named by its place in the file."""
    path = tmp_path / "office.yaml"
    path.write_text(MAPPING.replace("adult", "grown"), encoding="utf-8")
    ran = run("mapping", "check", str(path))
    assert ran.exit_code == 1 and "unknown_code" in ran.stdout


def test_a_mapping_that_is_no_mapping_is_refused(tmp_path: Path):
    """The faults of the file are findings on standard error."""
    path = tmp_path / "office.yaml"
    path.write_text("format: other/1\n", encoding="utf-8")
    ran = run("mapping", "check", str(path))
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.startswith("trm: error: ")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("title: 2026-13-45", "put it in quotation marks"),
        ("title: !!bool maybe", "put it in quotation marks"),
        ('title: !!int ""', "put it in quotation marks"),
        ("title: !!timestamp soon", "put it in quotation marks"),
        (f"title: {'9' * 5000}", "put it in quotation marks"),
        ("<<: {title: a}", "tables are not merged here"),
        ("title: &a text", "references are not used here"),
        ("title: *a", "references are not used here"),
        ("name: other", "this key stands twice in one table"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_at_its_line(tmp_path: Path, line: str, hint: str):
    """No value ends in a fault of the program, and nothing is written at one place and read at another."""
    path = tmp_path / "office.yaml"
    path.write_text(f"{MAPPING.rstrip()}\n{line}\n", encoding="utf-8")
    ran = run("mapping", "check", str(path))
    assert ran.exit_code == 1
    assert f"see line {MAPPING.rstrip().count(chr(10)) + 2}: " in ran.stderr
    assert hint in ran.stderr


@pytest.mark.parametrize("data", ["title: a\n".encode("utf-16"), b"title: a\0", b"title: Pr\xe9nom\n"])
def test_a_mapping_in_another_encoding_says_what_it_has_to_be(tmp_path: Path, data: bytes):
    """The hint tells how to save the file."""
    path = tmp_path / "office.yaml"
    path.write_bytes(data)
    ran = run("mapping", "check", str(path))
    assert ran.exit_code == 1
    assert "it has to be YAML in UTF-8" in ran.stderr


def test_a_record_is_previewed(tmp_path: Path):
    """A record becomes a draft on the screen, and nothing is stored."""
    (tmp_path / "office.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "record.json").write_text('{"Age": "over 18"}', encoding="utf-8")
    ran = run("mapping", "preview", str(tmp_path / "office.yaml"), str(tmp_path / "record.json"), "--json")
    record = json.loads(ran.stdout)["records"][0]
    assert record["draft"]["content"]["age_group"] == "adult"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["office.yaml", "record.json"]


def test_a_marked_row_is_previewed(tmp_path: Path):
    """A line list is read as the adapter reads it, and nothing is written beside it."""
    (tmp_path / "office.yaml").write_text(MAPPING, encoding="utf-8")
    rows = "Referral Number,Ready to Refer,Age\nR-1,yes,over 18\nR-2,,over 18\n"
    (tmp_path / "cases.csv").write_text(rows, encoding="utf-8")
    ran = run("mapping", "preview", str(tmp_path / "office.yaml"), str(tmp_path / "cases.csv"), "--json")
    assert len(json.loads(ran.stdout)["records"]) == 1, ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.csv", "office.yaml"]


def test_a_date_of_two_readings_is_asked_once_and_remembered(tmp_path: Path):
    """One question for the column, with its rows; the answer stands in the mapping file, and the rows are read."""
    mapping, records = tmp_path / "office.yaml", tmp_path / "cases.csv"
    mapping.write_text(DATED, encoding="utf-8")
    mapping.chmod(0o640)
    rows = "".join(f"R-{number},yes,0{number}/04/2024,x\n" for number in range(1, 4))
    records.write_text(f"Referral Number,Ready to Refer,Born,Remark\n{rows}", encoding="utf-8")
    words = ("mapping", "preview", str(mapping), str(records))
    shown = json.loads(run(*words, "--json").stdout)
    (asked,) = shown["questions"]
    assert (asked["column"], asked["rows"], asked["example"]) == ("Born", [2, 3, 4], "row 2, column C")
    text = run(*words).stdout
    assert "asked once for a column:" in text and "2-4" in text
    assert [line for line in text.splitlines() if line.startswith("row ")] == []
    assert asked["command"] == "trm mapping dates FILE Born day_first|month_first"
    ran = run("mapping", "dates", str(mapping), "Born", "day_first")
    assert "Born: dates are day_first" in ran.stdout and "start it anew" in ran.stderr
    assert mapping.read_text(encoding="utf-8") == DATED.replace("{from: Born", "{dates: day_first, from: Born")
    assert mapping.stat().st_mode & 0o777 == 0o640
    shown = json.loads(run(*words, "--json").stdout)
    assert shown["questions"] == []
    drafts = [record["draft"]["content"]["person"]["birth_date"] for record in shown["records"]]
    assert drafts == ["2024-04-01", "2024-04-02", "2024-04-03"]
    for file, column in ((mapping, "Remark"), (htcds.MAPPING, "Birthdate")):
        before = file.read_bytes()
        ran = run("mapping", "dates", str(file), column, "day_first")
        assert ran.exit_code == 1 and "it was left as it is" in ran.stderr and file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.csv", "office.yaml"]


def test_a_label_of_a_language_is_previewed(tmp_path: Path):
    """With --language a label of a code is a value of the column; without it, it is none."""
    (tmp_path / "office.yaml").write_text(MAPPING, encoding="utf-8")
    adult = load_labels("fr").code("age_group", "adult").text
    (tmp_path / "record.json").write_text(json.dumps({"Age": adult}), encoding="utf-8")
    words = ("mapping", "preview", str(tmp_path / "office.yaml"), str(tmp_path / "record.json"), "--json")
    assert run(*words).exit_code == 1
    record = json.loads(run(*words, "--language", "fr").stdout)["records"][0]
    assert record["draft"]["content"]["age_group"] == "adult"


def test_both_sides_are_shown(tmp_path: Path):
    """A record with what it becomes, and with --back a message; a fault stands at its line and exits 1."""
    (tmp_path / "office.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "record.json").write_text('{"Age": "very old", "Colour": "red"}', encoding="utf-8")
    ran = run("mapping", "preview", str(tmp_path / "office.yaml"), str(tmp_path / "record.json"))
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert ran.exit_code == 1
    assert ["Age", "very", "old", "content.age_group", "-", "unmapped_code:"] in [line[:6] for line in lines]
    assert ["Colour", "red", "-", "-", "not", "read", "by", "any", "rule"] in lines

    message = {"type": "enquiry.capacity/1", "content": {"age_group": "child", "note": "x"}}
    (tmp_path / "message.json").write_text(json.dumps(message), encoding="utf-8")
    words = ("mapping", "preview", str(tmp_path / "back.yaml"), str(tmp_path / "message.json"), "--back")
    (tmp_path / "back.yaml").write_text(MAPPING.replace(CODES, CODES + BACK) + BOTH, encoding="utf-8")
    (record,) = json.loads(run(*words, "--json").stdout)["records"]
    assert record["fields"] == {"Age": "over 18", "Remark": "x"}
    assert [loss["hint"] for loss in record["losses"]] == ["only for this test"]
    assert ["Age", "over", "18", "content.age_group", "child", "loses:"] in [
        line.split()[:6] for line in run(*words).stdout.splitlines()
    ]
    ran = run("mapping", "preview", str(tmp_path / "office.yaml"), str(tmp_path / "message.json"), "--back")
    assert (ran.exit_code, ran.stdout) == (1, "")


CODES = "    codes: {over 18: adult}\n"
BACK = """\
    back:
      child: {value: over 18, lossy: true, note: only for this test, reviewed: "A. B., 2026-11-27"}
"""
BOTH = """\
direction: both
left_out: [content]
"""


def test_columns_are_compared(tmp_path: Path):
    """A column that the mapping reads and the line list has not is named."""
    (tmp_path / "office.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "cases.csv").write_text("Referral Number,Ready to Refer,Remark,Years\nR-1,yes,x,3\n", encoding="utf-8")
    words = (str(tmp_path / "office.yaml"), "--line-list", str(tmp_path / "cases.csv"))
    ran = run("mapping", "check", *words)
    assert ran.exit_code == 1, ran.stderr
    assert "missing_column" in ran.stdout and "column Years" in ran.stdout and "Referral" not in ran.stdout


def test_kinds_of_adapters_are_listed():
    """What this installation reaches, without a node."""
    assert [item["kind"] for item in json.loads(run("adapter", "list", "--json").stdout)["adapters"]] == [
        "folder",
        "primero",
        "rest",
        "sftp",
        "sheet",
        "sql",
    ]


MAPPING = """\
format: trm-mapping/1
name: office
body_type: enquiry.capacity/1
constants:
  to: AL
  header.sender_unit: focal-point
fields:
  content.age_group:
    from: Age
    type: code
    list: age_group
    codes: {over 18: adult}
  content.note:
    from: Remark
    type: text
"""


DATED = """\
format: trm-mapping/1
name: office
body_type: referral.request/1
fields:
  content.person.birth_date: {from: Born, type: date}  # as the register has it
  content.person.pseudonym: {from: Remark, type: text}
"""


@pytest.mark.parametrize("kind", ["primero", "rest", "sql"])
def test_sample_mappings_of_adapters_have_no_fault(kind: str) -> None:
    """The mapping file that an office copies to begin with passes the check it will be asked to pass."""
    result = run("mapping", "check", str(ROOT / "adapters" / kind / "sample.yaml"))
    assert result.exit_code == 0, result.output
