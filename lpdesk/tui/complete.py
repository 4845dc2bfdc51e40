"""What a half-typed line may become: the words of the table, and names of the desk."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.suggester import Suggester

from lpdesk.domain.entry import ORDERS
from lpdesk.tui.actions import ACTIONS, by_word
from lpdesk.views import DeskView

GRAMMAR = "b/s amount [asset] pair [@client] [via LP] [t+N]"
_SIDES = ("buy", "sell")


class Completer(Suggester):
    """Ghost text for the command line; the right arrow takes it."""

    def __init__(self, view: Callable[[], DeskView], themes: Iterable[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._view = view
        self._themes = tuple(themes)

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line, as it may go on."""
        return complete(value, self._view(), self._themes)


def complete(line: str, view: DeskView, themes: Iterable[str] = ()) -> str | None:
    """`line` with its last word completed; None when nothing fits, or more than a word does."""
    words = line.split(" ")
    last = words[-1]
    if not last:
        return None
    found = _fitting(last.lower(), _choices([word.lower() for word in words], view, themes))
    return line + found[len(last) :] if found else None


def _fitting(start: str, choices: Iterable[str]) -> str:
    return next((each for each in choices if each.startswith(start) and each != start), "")


def _choices(words: list[str], view: DeskView, themes: Iterable[str]) -> Iterable[str]:
    """What the last of these words may be."""
    settings, first, before = view.settings, words[0], words[-2] if len(words) > 1 else ""
    if len(words) == 1:
        return (*_SIDES, *(word for each in ACTIONS for word in each.words))
    if first in ("theme", "unblock", "auto", "x", "cancel", "zoom"):
        return {
            "theme": themes,
            "unblock": [lp.name for lp in view.status.lps if lp.state == "blocked"],
            "auto": ("on", "off"),
            "zoom": ("rfq", "race", "ladder", "settlement", "lps"),
        }.get(first, [card.rfq_id.lower() for card in view.rfqs if card.live])
    if first not in ("b", "s", *_SIDES):
        return ()
    if words[-1].startswith("@"):
        return [f"@{client.name}" for client in settings.clients]
    if before == "via":
        return [lp.name for lp in settings.lps]
    pairs = [pair.symbol.lower() for pair in settings.pairs]
    assets = {asset.lower(): None for p in settings.pairs for asset in (p.base, p.quote)}
    return (*pairs, "via", *assets) if len(words) > 2 else ()


def grammar(line: str) -> str:
    """How a line that begins like this goes on; a request, where nothing says otherwise."""
    word = (line.split() or [""])[0].lower()
    word = word if by_word(word) or len(word) < 2 else _fitting(word, ORDERS) or word
    action = by_word(word)
    return GRAMMAR if action is None else f"{word} {action.takes}".rstrip()
