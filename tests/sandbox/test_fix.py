"""A stand-in over FIX keeps the acceptor's rules, whoever its client is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lpdesk.sandbox import Mood, Sandbox, start_sandbox
from tests.venues.fix.peer import Heard, framed, utc

DEADLINE_S = 3.0


class Client:
    """One connection that says what a test wants, under numbers of its choosing."""

    def __init__(
        self, sandbox: Sandbox, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        [self.lp] = sandbox.lps
        self.reader, self.writer = reader, writer
        self.number = 1
        self._buffer = b""

    def says(self, kind: str, body: str = "", *, number: int | None = None, **more: str) -> None:
        if number is None:
            number, self.number = self.number, self.number + 1
        header = {"t49": "DESK", "t56": "PLANCK", "t34": str(number), "t52": utc()} | more
        fields = "".join(f"{tag[1:]}={value}|" for tag, value in header.items())
        self.writer.write(framed(f"35={kind}|{fields}{body}"))

    def logs_on(self, body: str = "", secret: str = "", **more: str) -> None:
        proof = f"553={self.lp.key}|554={secret or self.lp.secret}|"
        self.says("A", f"98=0|108=30|{body}{proof}", **more)

    async def hears(self, kind: str) -> Heard:
        async with asyncio.timeout(DEADLINE_S):
            while b"\x0110=" not in self._buffer or not self._buffer.endswith(b"\x01"):
                data = await self.reader.read(4_096)
                assert data, "the connection is closed"
                self._buffer += data
        end = self._buffer.index(b"\x0110=") + 8
        message, self._buffer = Heard(self._buffer[:end]), self._buffer[end:]
        assert message.kind == kind, message
        return message

    async def is_left(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            assert await self.reader.read(4_096) == b""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    it = await start_sandbox(7, cast="full", only=["planck"])
    it.venue("planck").become(latency_ms=(0, 0, 0), hold_ms=0)
    yield it
    await it.close()


@asynccontextmanager
async def client(sandbox: Sandbox, number: int = 1) -> AsyncIterator[Client]:
    port = int(sandbox.lps[0].url.rpartition(":")[2])
    it = Client(sandbox, *await asyncio.open_connection("127.0.0.1", port))
    it.number = number
    yield it
    it.writer.close()


async def deals(it: Client, order_id: str = "O-1") -> None:
    it.says("R", f"131={order_id}|146=1|55=BTC/USDT|54=1|38=1|")
    quote = await it.hears("S")
    it.says("D", f"11={order_id}|117={quote['117']}|55=BTC/USDT|54=1|38=1|40=D|44={quote['133']}|")


async def test_only_a_logon_opens_a_session(sandbox: Sandbox) -> None:
    async with client(sandbox) as it:
        it.says("0")
        await it.is_left()
    async with client(sandbox) as it:
        it.logs_on(t56="OTHER")
        await it.is_left()
    async with client(sandbox) as it:
        it.logs_on(secret="wrong")
        assert (await it.hears("5"))["58"] == "unknown user or wrong password"
        await it.is_left()


async def test_a_second_connection_of_a_live_session_is_refused(sandbox: Sandbox) -> None:
    async with client(sandbox) as first, client(sandbox, 2) as second:
        first.logs_on()
        await first.hears("A")
        second.logs_on()
        await second.is_left()
        first.says("1", "112=still here|")
        assert (await first.hears("0"))["112"] == "still here"


async def test_too_low_is_said_and_141_begins_anew(sandbox: Sandbox) -> None:
    async with client(sandbox) as it:
        it.logs_on()
        await it.hears("A")
        it.says("0", number=1)
        assert (await it.hears("5"))["58"] == "MsgSeqNum too low, expecting 2 but received 1"
    async with client(sandbox) as it:
        it.logs_on("141=Y|")
        answer = await it.hears("A")
        assert (answer["34"], answer["141"]) == ("1", "Y")


async def test_a_gap_is_asked_for_and_filled(sandbox: Sandbox) -> None:
    async with client(sandbox) as it:
        it.logs_on()
        await it.hears("A")
        it.says("1", "112=later|", number=4)
        assert (await it.hears("2"))["7"] == "2"
        it.says("4", "123=Y|36=4|", number=2, t43="Y", t122=utc())
        it.says("1", "112=later|", number=4, t43="Y", t122=utc())
        assert (await it.hears("0"))["112"] == "later"


async def test_what_was_lost_is_sent_again_and_prices_are_not(sandbox: Sandbox) -> None:
    sandbox.venue("planck").script(Mood.RESET_AFTER_FILL)
    async with client(sandbox) as it:
        it.logs_on()
        await it.hears("A")
        await deals(it)
        with pytest.raises((AssertionError, ConnectionError)):
            await it.hears("8")
    async with client(sandbox, it.number) as it:
        it.logs_on()
        assert (await it.hears("A"))["34"] == "4"
        it.says("2", "7=1|16=0|")
        first = await it.hears("4")  # the Logon and the quote of then
        assert (first["34"], first["36"], first["123"]) == ("1", "3", "Y")
        again = await it.hears("8")
        assert (again["34"], again["43"], again["150"], again["11"]) == ("3", "Y", "F", "O-1")
        assert (await it.hears("4"))["36"] == "5"


async def test_one_order_id_is_one_order(sandbox: Sandbox) -> None:
    """A PossResend is told what became of it; the same id on something new is refused (103=6)."""
    async with client(sandbox) as it:
        it.logs_on()
        await it.hears("A")
        await deals(it)
        fill = await it.hears("8")
        order = "11=O-1|117=?|55=BTC/USDT|54=1|38=1|40=D|44=1|"
        it.says("D", order, t97="Y")
        known = await it.hears("8")
        assert (known["150"], known["39"], known["14"]) == ("I", "2", fill["14"])
        it.says("D", order)
        assert (await it.hears("8"))["103"] == "6"
    assert len(await sandbox.venue("planck").executions()) == 1


async def test_a_late_order_and_an_unknown_one(sandbox: Sandbox) -> None:
    sandbox.venue("planck").become(validity_ms=0)
    async with client(sandbox) as it:
        it.logs_on()
        await it.hears("A")
        await deals(it)
        late = await it.hears("8")
        assert (late["150"], late["103"], late["58"]) == ("8", "4", "QUOTE_EXPIRED")
        it.says("H", "11=nobody|55=BTC/USDT|54=1|790=q|")
        unknown = await it.hears("8")
        assert (unknown["150"], unknown["39"], unknown["103"], unknown["790"]) == (
            "I", "8", "5", "q",
        )  # fmt: skip
        it.says("BE", "923=1|")
        assert (await it.hears("j"))["380"] == "3"
