"""A mapping file that is changed while its node runs: nothing is judged by the one and settled under the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.kit.contract import a_notice
from adapters.kit.kind import find
from gateway.ports import Adapter, NoticeKind


@pytest.mark.parametrize("name", ["rest", "primero", "sheet"])
async def test_a_refused_record_comes_again_when_the_node_reads_the_file(name: str, tmp_path: Path) -> None:
    """The node goes by the file of its start, and so does the adapter; the check says that it was changed since."""
    kind, mapping = find(name), tmp_path / "office.yaml"
    assert kind.stand_in is not None
    (tmp_path / "system").mkdir()
    async with kind.stand_in(tmp_path / "system") as new:
        bench = new()
        given = dict(bench.settings() or {})
        included = kind.settings.model_validate(given).mapping_files()
        mapping.write_bytes(included[-1].read_bytes())

        def started() -> Adapter:
            return kind.make(kind.settings.model_validate({**given, "mapping": str(mapping)}))

        bench.offer("one")
        adapter = started()
        (record,) = await adapter.pull()
        await adapter.settle(record, a_notice(record.ref, NoticeKind.REFUSED))
        mapping.write_bytes(mapping.read_bytes() + b"# mended\n")
        assert await adapter.pull() == []
        assert [told.rule for told in await adapter.check()] == ["mapping_changed"]
        assert [again.ref for again in await started().pull()] == [record.ref]
