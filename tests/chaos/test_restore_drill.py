"""The drill of `tests/chaos/restore_drill.py` in a small size, in both directions."""

import tempfile
from pathlib import Path

import pytest

from tests.chaos.acting_drill import acting, report
from tests.chaos.drill import Options
from tests.chaos.restore_drill import STORES, RestoreDrill


@pytest.mark.parametrize("store", STORES)
async def test_nothing_is_lost_doubled_or_sent_twice(store: str) -> None:
    options = Options(journeys=40, seconds=6, workers=1, seed=2, actions=True, restore=store)
    with tempfile.TemporaryDirectory(prefix="perdure-chaos-") as folder:
        async with acting(Path(folder), options) as done:
            drill = RestoreDrill(done, store, Path(folder))
            await drill.run()
            findings, acted = await drill.check()
            report(done, acted, findings)  # shown by pytest when it fails
            assert findings == []
            assert drill.moves
            assert acted.mails
            assert acted.campaigns
