"""`LineGrid`: the one widget for panes whose numbers move.

A panel hands over rows of plain text with style names; the grid compares them with what it shows
and draws again only the lines that differ. It is drawn line by line from cached strips, without a
child widget or a Rich table (performance 4: 20 times cheaper than a DataTable).

    grid.show_rows([Row("kepler", ("1", "kepler", Span("99,850.00", "grid--price")))])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from lpdesk.tui.widgets.columns import (
    Cell,
    Column,
    Placed,
    Row,
    Span,
    fit,
    place,
    room_for,
    spans_of,
    text_of,
    titles,
)

__all__ = ["Cell", "Column", "LineGrid", "Row", "Span"]

_WHEEL_LINES: Final = 3


class _Line(NamedTuple):
    """What one line of the widget shows: two equal lines look the same."""

    kind: str
    row: Row | None = None


_HEADER: Final = _Line("header")
_BLANK: Final = _Line("blank")


class LineGrid(Widget, can_focus=True):
    """Rows of fixed columns, with a cursor.

    Style names are component classes of the widget: subclass it, add yours to
    `COMPONENT_CLASSES`, and style them in CSS. A name that is no component class raises KeyError
    when drawn. A row's style is laid under those of its cells, the cursor's over all of them.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--header",
        "grid--cursor",
        "grid--cursor-idle",
        "grid--dim",
        "grid--empty",
    }

    DEFAULT_CSS = """
    LineGrid {
        width: 1fr;
        height: 1fr;
        .grid--header { color: $text-muted; text-style: bold; }
        .grid--cursor { background: $block-cursor-background 40%; text-style: bold; }
        .grid--cursor-idle { background: $foreground 8%; }
        .grid--dim { color: $text-muted; }
        .grid--empty { color: $text-muted; }
        &:nocolor > .grid--cursor { text-style: reverse; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="grid.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="grid.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="grid.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="grid.page-down"),
        Binding("home", "first", "First", show=False, id="grid.first"),
        Binding("end", "last", "Last", show=False, id="grid.last"),
        Binding("enter", "choose", "Open", show=False, id="grid.choose"),
    ]

    ALLOW_SELECT = False

    class _About(Message):
        def __init__(self, grid: LineGrid, key: str) -> None:
            self.grid = grid
            self.key = key
            super().__init__()

        @property
        def control(self) -> LineGrid:
            """The grid that sent the message, for `@on(LineGrid.Chosen, "#blotter")`."""
            return self.grid

    class Selected(_About):
        """The dealer put the cursor on the row with `key`."""

    class Chosen(_About):
        """The dealer pressed Enter, or double-clicked, on the row with `key`."""

    class HeaderClicked(_About):
        """The dealer clicked the header of the column with `key`."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        header: bool = True,
        cursor: bool = True,
        empty: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Columns never change. `empty` is the sentence shown while there are no rows."""
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._header = 1 if header else 0
        self._has_cursor = cursor
        self.empty = empty
        self._all: tuple[Row, ...] = ()
        self._rows: tuple[Row, ...] = ()  # those of `_all` that `_wanted` leaves
        self._wanted = ""
        self._places: tuple[Placed, ...] = ()
        self._lines: list[_Line] = []
        self._strips: list[Strip | None] = []
        self._styles: dict[tuple[str, ...], Style] = {}
        self._top = 0
        self._at = 0
        self._filled: Size | None = None
        self._follow: str | None = None  # the cursor's row; None: the first row, whichever it is

    # What the panel calls

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows, top first. The cursor and a scrolled view stay with their rows."""
        anchor = self._rows[self._top].key if self._top < len(self._rows) else None
        self._all = tuple(rows)
        wanted = self._wanted
        self._rows = tuple(row for row in rows if wanted in text_of(row)) if wanted else self._all
        self._at = self._index_of(self._follow, self._at if self._follow is not None else 0)
        if self._top:
            self._top = self._index_of(anchor, self._top)
        self._sync()

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor, None without rows or without a cursor."""
        return self._rows[self._at].key if self._rows and self._has_cursor else None

    @property
    def keys(self) -> list[str]:
        """The rows that are left when the list is narrowed, by their keys, from the top."""
        return [row.key for row in self._rows]

    @property
    def visible_rows(self) -> tuple[int, int, int]:
        """First row shown, rows shown, rows in all: what a pane's subtitle may say."""
        shown = min(self._page, len(self._rows) - self._top)
        return self._top, max(0, shown), len(self._rows)

    def narrow(self, wanted: str) -> None:
        """Show only rows with this text in a cell, whatever the case; empty shows all."""
        self._wanted = wanted.casefold()
        self.show_rows(self._all)

    def select(self, key: str) -> None:
        """Put the cursor on the row with `key`, if there is one."""
        self._go(self._index_of(key, self._at))

    # Keys and mouse

    def action_move(self, rows: int) -> None:
        """Move the cursor down by `rows`, up when negative."""
        self._go(self._at + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor down by `pages`, up when negative."""
        self._go(self._at + pages * max(1, self._page - 1))

    def action_first(self) -> None:
        """Back to the first row; the cursor then stays on top as rows arrive."""
        self._go(0)
        self._follow = None

    def action_last(self) -> None:
        """To the last row."""
        self._go(len(self._rows) - 1)

    def action_choose(self) -> None:
        """Post `Chosen` for the row under the cursor."""
        if (key := self.cursor_key) is not None:
            self.post_message(self.Chosen(self, key))

    def on_click(self, event: events.Click) -> None:
        """Select the row that was clicked; a double click chooses it."""
        spot = event.get_content_offset(self)
        if spot is None:
            return
        if spot.y < self._header:
            for placed in self._places:
                if placed.x <= spot.x < placed.x + placed.width:
                    self.post_message(self.HeaderClicked(self, placed.column.key))
            return
        index = self._top + spot.y - self._header
        if index < len(self._rows) and self._has_cursor:
            self._go(index)
            if event.chain == 2:
                self.action_choose()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll without moving the cursor."""
        self._scroll(_WHEEL_LINES, event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll without moving the cursor."""
        self._scroll(-_WHEEL_LINES, event)

    def _scroll(self, lines: int, event: events.MouseEvent) -> None:
        self._top += lines
        self._sync()
        event.stop()

    def _go(self, index: int) -> None:
        """Put the cursor on a row, clamped, and bring it into view."""
        if not self._rows or not self._has_cursor:
            return
        self._at = max(0, min(index, len(self._rows) - 1))
        self._follow = self._rows[self._at].key
        self._top = max(min(self._top, self._at), self._at - self._page + 1)
        self._sync()
        self.post_message(self.Selected(self, self._follow))

    def _index_of(self, key: str | None, otherwise: int) -> int:
        """Where the row with `key` is now; if it is gone, the nearest to where it was."""
        if key is not None:
            for index, row in enumerate(self._rows):
                if row.key == key:
                    return index
        return max(0, min(otherwise, len(self._rows) - 1))

    # Drawing

    @property
    def _page(self) -> int:
        """Rows that fit under the header."""
        return max(1, self.content_size.height - self._header)

    def _sync(self) -> None:
        """Compare every line with what is shown, and refresh those that differ."""
        self._top = max(0, min(self._top, len(self._rows) - self._page))
        width, height = self.content_size
        lines = [self._line(y) for y in range(height)]
        if len(lines) != len(self._lines):
            self._lines, self._strips = lines, [None] * height
            self.refresh()
            return
        changed: list[Region] = []
        for y, line in enumerate(lines):
            if line != self._lines[y]:
                self._lines[y], self._strips[y] = line, None
                changed.append(Region(0, y, width, 1))
        if changed:
            self.refresh(*changed)

    def _line(self, y: int) -> _Line:
        if y < self._header:
            return _HEADER
        index = self._top + y - self._header
        if index < len(self._rows):
            on_cursor = self._has_cursor and index == self._at
            kind = "row" if not on_cursor else "cursor" if self.has_focus else "cursor-idle"
            return _Line(kind, self._rows[index])
        return _Line("empty") if index == 0 and self.empty else _BLANK

    def fill(self) -> None:
        """Lay everything out for a new size; called before the first frame of that size is drawn.

        Textual tells a widget of its size after that frame: a start would paint its panes empty.
        """
        self._places = place(self._columns, self.content_size.width)
        self._lines = []
        self._sync()

    def on_resize(self) -> None:
        """Nothing, if it is drawn at this size already."""
        self._fill()

    def on_hide(self) -> None:
        """What comes meanwhile is laid out when it is seen again."""
        self._filled = None

    def _fill(self) -> None:
        if self.content_size != self._filled:
            self._filled = self.content_size
            self.fill()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The cursor shows where keys go."""
        super().watch_has_focus(has_focus)
        self._sync()

    def notify_style_update(self) -> None:
        """Styles changed (theme, focus): no strip is good any more."""
        self._forget_strips()
        super().notify_style_update()

    def _set_dirty(self, *regions: Region) -> None:
        if not regions:
            self._forget_strips()
        super()._set_dirty(*regions)

    def _forget_strips(self) -> None:
        self._styles.clear()
        self._strips = [None] * len(self._lines)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The strips for a part of the widget, from the cache where they have not changed.

        Textual's own way to here looks at every style rule of every line; without border,
        padding or opacity there is nothing for it to add.
        """
        self._fill()
        if self.gutter.totals != (0, 0) or self.opacity != 1:
            return super().render_lines(crop)
        strips = [self.render_line(y) for y in crop.line_range]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """The strip for one line, `content_size.width` cells wide."""
        if y >= len(self._lines):
            return Strip.blank(self.content_size.width, self._style())
        strip = self._strips[y]
        if strip is None:
            strip = self._strips[y] = self._draw(self._lines[y])
        return strip

    def _draw(self, line: _Line) -> Strip:
        width = self.content_size.width
        if line.row is not None:
            under = (line.row.style,) if line.row.style else ()
            over = (f"grid--{line.kind}",) if line.kind.startswith("cursor") else ()
            return self._draw_cells(line.row.cells, under, over)
        if line.kind == "header":
            return self._draw_cells(titles(self._columns, self._places), ("grid--header",), ())
        if line.kind == "empty":
            text = fit(spans_of(self.empty), width, "left", 0)
            return Strip([Segment(t, self._style("grid--empty")) for t, _ in text], width)
        return Strip.blank(width, self._style())

    def _draw_cells(
        self, cells: tuple[Cell, ...], under: tuple[str, ...], over: tuple[str, ...]
    ) -> Strip:
        """Lay the cells into the columns that are shown; missing cells are blank."""
        ground = self._style(*under, *over)
        segments: list[Segment] = []
        x = 0
        for column, number, at, width in self._places:
            spans = spans_of(cells[number] if number < len(cells) else "")
            width = room_for(spans, column, width)
            if at > x:
                segments.append(Segment(" " * (at - x), ground))
            for text, name in fit(spans, width, column.align, column.decimals):
                style = self._style(*under, name, *over) if name else ground
                segments.append(Segment(text, style))
            x = at + width
        rest = self.content_size.width - x
        if rest > 0:
            segments.append(Segment(" " * rest, ground))
        return Strip(segments, x + max(0, rest))

    def _style(self, *names: str) -> Style:
        """The colours of these component classes laid over each other on the widget's own."""
        style = self._styles.get(names)
        if style is None:
            style = self.get_visual_style(*names).rich_style
            if any(self.get_component_styles(name).text_style.reverse for name in names):
                style += Style(reverse=True)  # which Textual leaves out
            style = self._styles[names] = self._filtered(style)
        return style

    def _filtered(self, style: Style) -> Style:
        """The style as NO_COLOR and the like want it: once, not for each line that is drawn."""
        segments = [Segment(" ", style)]
        for line_filter in self.get_line_filters():
            segments = line_filter.apply(segments, self.background_colors[1])
        return segments[0].style or style
