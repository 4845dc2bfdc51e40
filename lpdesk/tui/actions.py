"""The one table of what a dealer can do.

It feeds the keys, the words of the command line, the footer, the palette, F1 help and
`lpdesk keys`. What spends money has a function key or a word, never a single printable key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from textual.binding import Binding

from lpdesk.domain.entry import ORDERS
from lpdesk.domain.money_entry import MONEY_WORDS
from lpdesk.tui.look import Look, time_left
from lpdesk.tui.questions import cannot_gather

Blocked = Callable[[Look], str]
"""Why an action does not work now, as a few words; empty when it does."""


class Action(NamedTuple):
    """One thing to do. `handler` is the desk screen's method `do_<handler>(words)`.

    `words` start a line of the command line, `takes` says what may follow them. An action with a
    `label` stands in the footer while it works, and with `shows_why` also while it does not.
    `only` is where it exists: "" everywhere, or "desk" or "replay".
    """

    id: str
    keys: tuple[str, ...]
    words: tuple[str, ...]
    help: str
    handler: str
    label: str = ""
    takes: str = ""
    args: str = ""
    blocked: Blocked = lambda look: ""
    shows_why: bool = False
    only: str = ""
    first: bool = False
    """Its key is taken before the focused widget sees it, as function keys always are."""

    typed_on_line: bool = False
    """Its key is an ordinary character on the command line."""

    def when(self, look: Look) -> bool:
        """Whether it works now."""
        return not why_not(self, look)


def why_not(action: Action, look: Look) -> str:
    """Why an action does not work now; empty when it does."""
    if action.only == "replay" and not look.replay:
        return "only in a replay"
    if action.only == "desk":
        if look.replay:
            return "this is a replay"
        if not look.can_command:
            return "this screen is read-only"
        if look.starting:
            return "the desk is starting"
    return action.blocked(look)


def _no_accept(look: Look) -> str:
    if look.page:
        return "the RFQ is not on the screen"
    card = look.card
    if card is None:
        return "no RFQ"
    if look.dealing:
        return "dealing"
    if not card.live:
        return str(card.end)
    if look.view.status.halted:
        return "halted"
    if card.api:
        return f"{card.client} deals on it, over the API"
    if card.quote is None:
        return "no price yet"
    return "" if time_left(card, look.now) else "price expired"


def _not_live(look: Look) -> str:
    card = look.card
    if card is None:
        return "no RFQ"
    return "" if card.live else str(card.end)


def _no_figures(look: Look) -> str:
    return "" if look.card is not None and look.card.quote is not None else "no price"


def _one_live(look: Look) -> str:
    if look.page:
        return "the RFQ is not on the screen"
    others = [card for card in look.view.rfqs if card.live and card.rfq_id != look.focus]
    return "" if others else "no other live RFQ"


def _no_maker(look: Look) -> str:
    return "" if look.view.makers else "no maker is configured"


def _never(look: Look) -> str:
    return ""


def _no_trades_page(look: Look) -> str:
    return "" if look.page == "settlements" else "type `settlements` first"


def _looks_only(look: Look) -> str:
    if look.can_command and not look.replay:
        return _no_trades_page(look)
    return "this screen only looks"


def _no_try(look: Look) -> str:
    row = look.view.settlement(look.on("S-")) if look.on("S-") else None
    if row is None:
        return _looks_only(look) or "put the cursor on a settlement"
    return _looks_only(look) or ("" if row.open else f"{row.settlement_id} is {row.state}")


def _no_mark(look: Look) -> str:
    row = look.view.trade(look.on("T-")) if look.on("T-") else None
    return _looks_only(look) or (cannot_gather(row) if row else "put the cursor on a trade")


def _no_gather(look: Look) -> str:
    return _looks_only(look) or ("" if look.marked else "mark trades with Space first")


def _no_resend(look: Look) -> str:
    name, _, endpoint = look.on("msg_").partition(" ")
    hooks = [h for h in look.view.webhooks if h.event_id == name and endpoint in ("", h.endpoint)]
    if not hooks:
        return _looks_only(look) or "put the cursor on a webhook"
    waits = all(hook.state == "queued" for hook in hooks)
    return _looks_only(look) or (f"{name} is being sent already" if waits else "")


def _no_break(look: Look) -> str:
    name = look.on("B-")
    if not name:
        return _looks_only(look) or "put the cursor on a break"
    still = any(row.break_id == name for row in look.view.breaks.open)
    return _looks_only(look) or ("" if still else f"{name} is closed")


def _halted(look: Look) -> str:
    return "halted already" if look.view.status.halted else ""


def _not_halted(look: Look) -> str:
    return "" if look.view.status.halted else "not halted"


def _nothing_asked(look: Look) -> str:
    return "" if look.asked else "nothing is asked"


def _nothing_to_copy(look: Look) -> str:
    if look.page:
        return _no_trades_page(look)
    card = look.card
    return "" if card is not None and time_left(card, look.now) else "no price"


def _at_line(look: Look) -> str:
    return "" if look.in_pane else "already there"


def _no_blocked_lp(look: Look) -> str:
    blocked = any(lp.state == "blocked" for lp in look.view.status.lps)
    return "" if blocked else "no LP is blocked"


ACTIONS: Final[tuple[Action, ...]] = (
    Action("accept", ("f9",), ("p", "accept"), "Deal at the price on the screen.", "accept",
           label="accept", blocked=_no_accept, shows_why=True, only="desk"),
    Action("accept-crossed", (), ("p!",), "Deal although the market is crossed.", "accept",
           args="crossed", blocked=_no_accept, only="desk"),
    Action("confirm", (), ("yes",), "Deal what was asked back: a large one, or far from the "
           "market.", "confirm", label="deal", blocked=_nothing_asked, only="desk"),
    Action("cancel", ("f8",), ("x", "cancel"), "End the RFQ in focus without dealing.", "cancel",
           label="cancel", takes="[RFQ]", blocked=_not_live, only="desk"),
    Action("why", (), ("why",), "Where the price in focus comes from, figure by figure.", "why",
           blocked=_no_figures),
    Action("next", ("tab",), ("next",), "Put the next live RFQ in focus.", "next",
           label="next RFQ", args="1", blocked=_one_live, first=True),
    Action("previous", ("shift+tab",), ("previous",), "Put the live RFQ before it in focus.",
           "next", args="-1", blocked=_one_live, first=True),
    Action("auto", (), ("auto",), "Ask afresh by itself when the price expires, or not.", "auto",
           takes="on|off", blocked=_not_live, only="desk"),
    Action("play", ("p", "space"), ("play", "pause"), "Play, or pause.", "play",
           label="play/pause", only="replay"),
    Action("step", ("right_square_bracket",), ("step",), "One record on.", "step", label="step",
           takes="[N]", args="1", only="replay"),
    Action("step-back", ("left_square_bracket",), ("back",), "One record back.", "step",
           takes="[N]", args="-1", only="replay"),
    Action("marker", ("right_curly_bracket",), ("marker",), "On to the next marker: a lock, "
           "a deal, a reject, trouble.", "marker", label="marker", args="1", only="replay"),
    Action("marker-back", ("left_curly_bracket",), (), "Back to the marker before.", "marker",
           args="-1", only="replay"),
    Action("speed", ("S",), ("speed",), "Play faster: 1, 2, 5, 10, 60 times, or as said.",
           "speed", label="speed", takes="[X]", only="replay"),
    Action("go", (), ("go",), "Go to a record, or to a time of that day.", "go",
           takes="SEQ|HH:MM:SS", only="replay"),
    Action("pane-rfq", ("f2",), ("rfq",), "The RFQ in focus.", "pane", args="rfq"),
    Action("pane-race", ("f3",), ("race",), "The LP race.", "pane", args="race"),
    Action("pane-ladder", ("f4",), ("ladder",), "The ladder.", "pane", takes="[PAIR]",
           args="ladder"),
    Action("pane-settlement", ("f5",), ("settlement",), "The settlement blotter.", "pane",
           args="settlement"),
    Action("pane-lps", ("f6",), ("lps",), "The LPs and their state.", "pane", args="lps"),
    Action("maker", ("f10",), ("maker",), "The maker's page: plot, P&L, parameters, and back.",
           "maker", label="maker", takes="[PAIR]", blocked=_no_maker),
    Action("settlements", ("ctrl+t",), ("settlements", "trades"), "Trades, settlements, needs "
           "and breaks, what is behind each, and back.", "page", takes="[T-1|S-1]",
           args="settlements", first=True),
    Action("log", ("ctrl+g",), ("log", "toast"), "What the desk said, by number, and back.",
           "page", takes="[NUMBER]", args="log", first=True),
    Action("try", ("t",), (), "The settlement under the cursor is tried now; asks first.", "row",
           label="try now", args="S-|settle {}", blocked=_no_try, typed_on_line=True),
    Action("resend", ("r",), (), "The webhook under the cursor goes out again; asks first.", "row",
           label="resend", args="msg_|webhook resend {}", blocked=_no_resend, typed_on_line=True),
    Action("own", ("o",), (), "Somebody looks after the break under the cursor: begins the line.",
           "row", label="owner", args="B-|break {} owner ", blocked=_no_break, typed_on_line=True),
    Action("close", ("c",), (), "The break under the cursor is explained: begins the line.", "row",
           label="close", args="B-|break {} close ", blocked=_no_break, typed_on_line=True),
    Action("gather", ("g",), ("gather",), "The marked trades make a settlement; asks first.",
           "gather", label="gather", blocked=_no_gather, typed_on_line=True),
    Action("mark-row", ("space",), (), "Mark a trade that waits to be settled, or not.", "mark",
           label="mark", blocked=_no_mark, only="desk", typed_on_line=True),
    Action("mark", (), ("mark",), "The same, by name.", "mark", takes="T-1 …",
           blocked=_looks_only),
    Action("states", ("f",), ("states",), "The list in all states, open, settled, failed, and "
           "so on.", "states", label="states", takes="[STATES]", blocked=_no_trades_page,
           typed_on_line=True),
    Action("export", ("e",), ("export",), "What the list has on show as CSV and JSON, beside "
           "the journal.", "export", label="export", blocked=_no_trades_page, typed_on_line=True),
    Action("lp-table", ("f7",), ("scorecard",), "All LPs: state, next probe, recent races.",
           "lp_table"),
    Action("zoom", ("z",), ("zoom",), "The pane with the keys fills the screen, and back.",
           "zoom", takes="[PANE]"),
    Action("sort", (), ("sort",), "Sort the list by a column; again turns it round.", "sort",
           takes="COLUMN"),
    Action("copy", ("ctrl+y",), ("copy",), "The client's price as a line of chat, or the list on "
           "show, to the clipboard and a file.", "copy", blocked=_nothing_to_copy),
    Action("line", ("colon",), (), "The keys go to the command line.", "line",
           label="line", blocked=_at_line, first=True, typed_on_line=True),
    Action("filter", ("slash",), (), "Narrow the list with the keys; Esc shows all.", "filter",
           first=True, typed_on_line=True),
    Action("jump", ("ctrl+o",), (), "Every pane shows a letter that leads to it.", "jump",
           first=True),
    Action("back", ("escape",), (), "One level back; never cancels anything.", "back"),
    Action("redraw", ("ctrl+l",), (), "Draw the screen anew, after others wrote on it.", "redraw",
           first=True),
    Action("palette", ("ctrl+p",), (), "Every action by name.", "palette", label="palette"),
    Action("about", ("question_mark",), (), "What the pane with the keys shows.", "about",
           first=True, typed_on_line=True),
    Action("help", ("f1",), ("help", "?"), "This page.", "help", label="help"),
    Action("theme", (), ("theme",), "Other colours; without a name it lists them.", "theme",
           takes="[NAME]"),
    Action("unblock", (), ("unblock",), "Let an LP quote again after its break was looked at.",
           "unblock", takes="LP", blocked=_no_blocked_lp, only="desk"),
    *(
        Action(f"order-{word}", (), (word,), form.help, "word", takes=form.takes, args=word,
               blocked=_no_maker if form.market else _never, only="desk")
        for word, form in ORDERS.items()
    ),
    *(
        Action(f"money-{word}", (), (word,), form.help, "word", takes=form.takes, args=word,
               only="desk")
        for word, form in MONEY_WORDS.items()
    ),
    Action("halt", ("f12",), ("halt",), "Send nothing out any more, until resumed.", "halt",
           label="halt", takes="[why]", blocked=_halted, only="desk"),
    Action("resume", (), ("resume",), "End the halt.", "resume", label="trading",
           blocked=_not_halted, only="desk"),
    Action("quit", ("ctrl+q",), ("q", "quit"), "Leave; asks while requests are live.", "quit",
           first=True),
)  # fmt: skip

PANES: Final = "F2-F6 panes"
"""The five pane keys as the footer names them."""

_SHOWN: Final = {
    "tab": "Tab", "shift+tab": "Shift+Tab", "escape": "Esc", "colon": ":", "space": "Space",
    "slash": "/", "question_mark": "?",
    "left_square_bracket": "[", "right_square_bracket": "]",
    "left_curly_bracket": "{", "right_curly_bracket": "}",
}  # fmt: skip


def shown_key(key: str) -> str:
    """A key as people write it: F9, Tab, ^P."""
    if key in _SHOWN:
        return _SHOWN[key]
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+').upper()}"
    return key.upper() if key[0] == "f" and key[1:].isdigit() else key


def action(id: str) -> Action:
    """The action with that id. Raises KeyError."""
    return _BY_ID[id]


_BY_ID: Final = {each.id: each for each in ACTIONS}
_BY_WORD: Final = {word: each for each in ACTIONS for word in each.words}


def by_word(word: str) -> Action | None:
    """The action that a line starting with `word` means; None for a request or a mistake."""
    return _BY_WORD.get(word.lower())


_LEADS: Final = {"pane", "maker", "page", "lp_table"}


def bindings() -> list[Binding]:
    """The keys of all actions, with their ids, so that a keymap can change them."""
    return [_binding(each, "act") for each in ACTIONS if each.keys]


def over_pages(*but: str) -> list[Binding]:
    """The keys that lead from a page that covers the desk elsewhere, without its own."""
    return [_binding(a, "app.act") for a in ACTIONS if a.handler in _LEADS and a.id not in but]


def always(id: str) -> Binding:
    """A key that works whatever covers the desk."""
    return _binding(_BY_ID[id], "act")


def _binding(each: Action, does: str) -> Binding:
    return Binding(",".join(each.keys), f"{does}('{each.id}')", each.label or each.help,
                   id=each.id, show=False, priority=_taken_first(each))  # fmt: skip


def _taken_first(each: Action) -> bool:
    """Whether a key acts at once, so that what is typed right after it goes where it leads."""
    return each.first or any(key[0] == "f" and key[1:].isdigit() for key in each.keys)


def check_keymap(keymap: Mapping[str, str]) -> None:
    """Raises ValueError for an id that no action has, for a key that could not be typed any more,
    or would deal when it is, and for a key that two actions would share."""
    for id, keys in keymap.items():
        if id not in _BY_ID:
            raise ValueError(f"keymap: there is no action {id!r}; `lpdesk keys` lists them")
        single = [key for key in keys.split(",") if len(key.strip()) == 1]
        if single and (_BY_ID[id].only == "desk" or _taken_first(_BY_ID[id])):
            raise ValueError(f"keymap: {id} cannot be on the printable key {single[0]!r}")
    _check_clashes(keymap)


def _check_clashes(keymap: Mapping[str, str]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for each in ACTIONS:
        keys = keymap[each.id].split(",") if each.id in keymap else each.keys
        for mode in (each.only,) if each.only else ("desk", "replay"):
            for key in filter(None, map(str.strip, keys)):
                other = taken.setdefault((mode, key), each.id)
                if other != each.id:
                    raise ValueError(f"keymap: {other} and {each.id} cannot share the key {key!r}")


def reach(each: Action, keymap: Mapping[str, str] | None = None) -> str:
    """How to get at an action in the footer: its first key, or else its first word."""
    keys = (keymap or {}).get(each.id, "").split(",") if keymap and each.id in keymap else each.keys
    return shown_key(keys[0]) if keys and keys[0] else each.words[0]


def key_table(actions: Iterable[Action] = ACTIONS) -> list[tuple[str, str, str]]:
    """Keys, words and description of every action: F1 help and `lpdesk keys`."""
    return [
        (
            " ".join(shown_key(key) for key in each.keys),
            " ".join(filter(None, [", ".join(each.words), each.takes if each.words else ""])),
            each.help,
        )
        for each in actions
    ]


def key_lines() -> list[str]:
    """`lpdesk keys`: the table as plain lines, with the ids that `[keymap]` uses."""
    table = [(each.id, *row) for each, row in zip(ACTIONS, key_table(), strict=True)]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    return [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]])
        for row in table
    ]
