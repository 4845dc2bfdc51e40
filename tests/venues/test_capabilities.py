"""What is said of each kind of LP, held against what its adapter has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lpdesk.clock import SystemClock
from lpdesk.domain.capabilities import KINDS
from lpdesk.domain.settings import LP_KINDS
from lpdesk.domain.values import MILLISECOND, SECOND
from lpdesk.sandbox import start_sandbox
from lpdesk.venues.base import VENUES, Endpoint, Lister, Option, Venue, factory
from lpdesk.views import ability
from tests.cli.processes import ROOT
from tests.venues.liar import Reports

TOKENS = (f"BTC={'0x' + 'b7' * 20}:8", f"USDT={'0x' + 'd7' * 20}:6")
OPTIONS: dict[str, dict[str, Option]] = {
    "fix": {"target": "LP"},
    "fix-stream": {"target": "LP"},
    "b2c2-stream": {"levels": ("1",)},
    "cumberland": {"counterparty": "cp", "user": "u"},
    **{kind: {"tokens": TOKENS} for kind in ("zerox", "oneinch", "oneinch-fusion")},
}


def made(kind: str, **options: Option) -> Venue:
    url = f"{'fix' if kind.startswith('fix') else 'http'}://127.0.0.1:1"
    it = Endpoint(name="lp", kind=kind, url=url, symbols=("BTC/USDT",), options=options)
    return factory(kind)(it, Reports(), SystemClock())


@pytest.mark.parametrize("kind", sorted(VENUES))
async def test_only_what_gives_a_list_says_so(kind: str) -> None:
    if kind != "pool":
        assert isinstance(made(kind, **OPTIONS.get(kind, {})), Lister) is KINDS[kind].lists
    assert set(VENUES) == set(LP_KINDS) == set(KINDS) - {"book"}


async def test_options_change_what_an_adapter_says_of_itself() -> None:
    told = getattr(made("b2trader", validity_ms=500), "capabilities")  # noqa: B009
    assert told.validity_ns == 500 * MILLISECOND and not told.verified
    options: dict[str, Option] = {"profile": "galaxy", "sender": "D", "target": "G"}
    told = getattr(made("fix-stream", validity_seconds=Decimal(3), **options), "capabilities")  # noqa: B009
    assert (told.validity_ns, told.rfq, told.verified) == (3 * SECOND, False, False)


async def test_every_stand_in_is_of_a_kind_that_is_known() -> None:
    sandbox = await start_sandbox(7, cast="full")
    assert {lp.kind for lp in sandbox.lps} <= set(KINDS)
    await sandbox.close()


@pytest.mark.parametrize("kind", LP_KINDS)
def test_the_readme_says_of_each_kind_what_is_on_record(kind: str) -> None:
    can, page = KINDS[kind], (ROOT / "README.md").read_text(encoding="utf-8")
    [row] = [
        line for line in page.splitlines() if line.startswith(f"| `{kind}`") and "in base" in line
    ]
    told = ", ".join((can.word.value, *ability.asked(can))), ", ".join(ability.tells(can))
    assert row.endswith(f"| {told[0]} | {told[1]} |") and ("*" in row) is not can.verified
