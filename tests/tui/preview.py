"""Look at the screens: `python -m tests.tui.preview [STORY] [--size 120x36] [--out F.svg]`.

Stories: working, making, settling, dealt, busy, empty, start, replay, halted, short, expired,
accepted. Without `--out` the app runs in this terminal against a simulated desk in real time.
With `--journal F.db` the story is written down: the README's pictures are `lpdesk picture` of
`working`'s journal.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from lpdesk.domain import commands as cmd
from lpdesk.tui.app import DeskApp
from lpdesk.tui.picture import picture
from tests.cli.days import keep
from tests.tui.markets import active, working
from tests.tui.settling import a_day, dealt
from tests.tui.stories import StoryDesk, Tape, busy


def story(name: str, live: bool) -> StoryDesk:
    """A desk in a certain state."""
    if name == "start":
        return StoryDesk()
    if name == "empty":
        return StoryDesk(live=live).start()
    if name == "replay":
        return Tape(busy())
    if name == "working":
        return working()
    desk = {"making": active, "settling": a_day, "dealt": dealt}.get(name, busy)()
    if name == "halted":
        desk.do(cmd.Halt(why="exchange incident"))
        desk.run(1)
    if name == "short":
        desk.run(4.2)
    if name == "expired":
        desk.run(40)
    if name == "accepted":
        desk.accept(desk.view.rfqs[0].rfq_id)
        desk.run(1)
    if live:
        desk.go_live()
    return desk


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("story", nargs="?", default="busy")
    parser.add_argument("--size", default="120x36")
    parser.add_argument("--theme", default="harbour")
    parser.add_argument("--screen", default="desk")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--journal", type=Path)
    options = parser.parse_args()
    if options.journal is not None:
        keep(options.journal, story(options.story, False).records)
        return
    if options.out is None:
        DeskApp(story(options.story, True), theme=options.theme).run()
        return
    width, height = map(int, options.size.split("x"))
    kind = options.out.suffix[1:]
    shot = picture(
        story(options.story, False),
        screen=options.screen,
        size=(width, height),
        theme=options.theme,
        kind=kind,
    )
    options.out.write_text(asyncio.run(shot))


if __name__ == "__main__":
    main()
