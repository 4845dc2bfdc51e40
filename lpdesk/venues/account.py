"""An account on a chain: transactions signed by somebody else, sent once, followed by their hash.

Which transaction an order is, with its number (nonce) and its bytes, is on the disk before it
leaves. The chain takes each number once, so nothing is dealt twice; what became of it is read from
the chain alone: mined, failed, or its number used by another.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Final

import msgspec

from lpdesk.clock import Clock
from lpdesk.domain.events import OrderQueried, OrderSent
from lpdesk.domain.keccak import keccak256
from lpdesk.domain.reasons import Reason
from lpdesk.domain.record import Report
from lpdesk.domain.reports import (
    OrderLost,
    OrderNotFound,
    OrderNotSent,
    OrderPending,
    OrderRejected,
    QueryFailed,
)
from lpdesk.domain.wire import Malformed
from lpdesk.venues.base import Endpoint
from lpdesk.venues.chain import QUERY_S, Refused, Rpc
from lpdesk.venues.line import NoAnswer
from lpdesk.venues.notes import Notes
from lpdesk.venues.receipts import Noted, amount, outcome
from lpdesk.venues.swap_terms import Terms, Transaction

Trouble = (NoAnswer, Malformed, Refused)

VOID_GAS: Final = 21_000
"""What an empty transaction takes."""

_RAW: Final = re.compile(r"0x([0-9a-fA-F]{2}){1,65536}", re.ASCII)

_SURE: Final = re.compile(
    "insufficient funds|underpriced|intrinsic gas|exceeds block gas|invalid sender|fee cap", re.I
)
"""How a node says that it did not take a transaction, and gave it to nobody. Anything else is an
outcome that is not known: "nonce too low" is also said of one that was mined meanwhile."""


class Account:
    """The configured taker. Leads to exactly one report for each call, and never raises."""

    def __init__(self, endpoint: Endpoint, terms: Terms, clock: Clock) -> None:
        """Raises ValueError for addresses, or a file beside the journal, that can never work."""
        beside = endpoint.beside
        self._notes = Notes(beside and beside.with_name(f"{beside.name}.{endpoint.name}.swaps"))
        self._terms = terms
        self._clock = clock
        self._node = Rpc(replace(endpoint, url=terms.node), clock)
        self._signer = Rpc(replace(endpoint, url=terms.signer), clock)
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        await self._node.close()
        await self._signer.close()

    # ---- sending

    async def send(self, order: OrderSent, transaction: Transaction) -> Report:
        """Sign, note down, send: one after the other, for each takes the chain's next number."""
        lp, order_id = order.lp, order.order_id
        async with self._turn:
            if self._notes.get(order_id):
                reason, text = Reason.OUTCOME_UNKNOWN, "was signed before"
                return OrderLost(lp=lp, order_id=order_id, reason=reason, text=text)
            try:
                noted = await self._signed(order, transaction)
            except Trouble as trouble:
                reason = getattr(trouble, "reason", Reason.LP_ERROR)
                text = f"not signed: {trouble.text}"
                return OrderNotSent(lp=lp, order_id=order_id, reason=reason, text=text)
            except OSError as error:
                reason, text = Reason.LP_ERROR, f"notes cannot be written: {error.strerror}"
                return OrderNotSent(lp=lp, order_id=order_id, reason=reason, text=text)
            return await self._sent(order, noted)

    async def _signed(self, order: OrderSent, transaction: Transaction) -> Noted:
        """The order's transaction, durable. Raises Trouble or OSError; nothing has left then."""
        if amount(await self._ask("eth_chainId")) != self._terms.chain:
            raise Malformed("the node is of another chain")
        nonce = amount(await self._ask("eth_getTransactionCount", self._terms.taker, "pending"))
        raw = await self._sign(transaction, nonce)
        noted = Noted(
            hash="0x" + (await asyncio.to_thread(keccak256, bytes.fromhex(raw[2:]))).hex(),
            raw=raw,
            nonce=nonce,
            gas_price=transaction.gas_price,
            at=self._clock.now(),
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
        )
        await self._note(order.order_id, noted)
        return noted

    async def _sign(self, transaction: Transaction, nonce: int) -> str:
        """The bytes to send, in hex: as they are, or as `raw` beside the transaction."""
        what = {
            "from": self._terms.taker,
            "to": transaction.to,
            "data": transaction.data,
            "value": "0x0",
            "gas": hex(transaction.gas),
            "gasPrice": hex(transaction.gas_price),
            "nonce": hex(nonce),
            "chainId": hex(self._terms.chain),
        }
        signed = await self._signer.call("eth_signTransaction", [what], patience_s=QUERY_S)
        raw = signed.get("raw") if isinstance(signed, dict) else signed
        if not isinstance(raw, str) or not _RAW.fullmatch(raw):
            raise Malformed("the signer gave no transaction")
        return raw.lower()

    async def _sent(self, order: OrderSent, noted: Noted) -> Report:
        lp, order_id = order.lp, order.order_id
        try:
            said = await self._node.call(
                "eth_sendRawTransaction", [noted.raw], patience_s=QUERY_S, send_by=order.send_by
            )
        except NoAnswer as trouble:
            report = OrderNotSent if trouble.unsent else OrderLost
            return report(lp=lp, order_id=order_id, reason=trouble.reason, text=trouble.text)
        except Refused as refused:
            if _SURE.search(refused.text):
                reason, text = Reason.DECLINED, refused.text
                return OrderRejected(lp=lp, order_id=order_id, reason=reason, text=text)
            reason = Reason.OUTCOME_UNKNOWN
            return OrderLost(lp=lp, order_id=order_id, reason=reason, text=refused.text)
        except Malformed as trouble:
            reason = Reason.MALFORMED
            return OrderLost(lp=lp, order_id=order_id, reason=reason, text=trouble.text)
        if said != noted.hash:
            reason, text = Reason.MALFORMED, "the node names another transaction"
            return OrderLost(lp=lp, order_id=order_id, reason=reason, text=text)
        return OrderPending(lp=lp, order_id=order_id)

    # ---- what became of it

    async def status(self, query: OrderQueried) -> Report:
        """What the chain knows. An order that was never noted was never signed."""
        lp, order_id = query.lp, query.order_id
        known = self._notes.get(order_id)
        if not known:
            return OrderNotFound(lp=lp, order_id=order_id)
        try:
            return await self._evidence(query, msgspec.json.decode(known, type=Noted))
        except NoAnswer as trouble:
            return QueryFailed(lp=lp, order_id=order_id, reason=trouble.reason, text=trouble.text)
        except (Malformed, Refused) as trouble:
            return QueryFailed(lp=lp, order_id=order_id, reason=Reason.MALFORMED, text=trouble.text)
        except msgspec.MsgspecError:
            text = "its note cannot be read"
            return QueryFailed(lp=lp, order_id=order_id, reason=Reason.OTHER, text=text)

    async def _evidence(self, query: OrderQueried, noted: Noted) -> Report:
        lp, order_id, terms = query.lp, query.order_id, self._terms
        pending = OrderPending(lp=lp, order_id=order_id)
        receipt = await self._ask("eth_getTransactionReceipt", noted.hash)
        settled = amount(await self._ask("eth_blockNumber")) - terms.confirmations + 1
        if receipt is None:
            if await self._ask("eth_getTransactionByHash", noted.hash) is not None:
                return pending
            if settled < 0 or await self._numbers(settled) <= noted.nonce:
                await self._void(order_id, noted)
                return pending
            receipt = await self._ask("eth_getTransactionReceipt", noted.hash)
        if receipt is None:
            text = "its number was used by another transaction"
            return OrderRejected(lp=lp, order_id=order_id, reason=Reason.WITHDRAWN, text=text)
        done, block = outcome(query, receipt, noted, terms)
        return done if block <= settled else pending

    async def _numbers(self, block: int) -> int:
        """How many numbers of the account were used up to that block."""
        return amount(await self._ask("eth_getTransactionCount", self._terms.taker, hex(block)))

    async def _void(self, order_id: str, noted: Noted) -> None:
        """Use the number up by an empty transaction to ourselves, if that is configured and time.

        Then either this one is mined or the order's, and the chain says which.
        """
        terms, key = self._terms, f"void {order_id}"
        if not terms.void_after_ns or self._clock.now() < noted.at + terms.void_after_ns:
            return
        raw = self._notes.get(key)
        if not raw:
            asked = amount(await self._ask("eth_gasPrice"))
            price = max(asked, noted.gas_price * 9 // 8 + 1)
            if price * VOID_GAS > terms.max_fee:
                raise Malformed("voiding its number would cost more than max_network_fee")
            raw = await self._sign(Transaction(terms.taker, "0x", VOID_GAS, price), noted.nonce)
            await asyncio.to_thread(self._notes.write, key, raw)
        await self._ask("eth_sendRawTransaction", raw)

    async def _ask(self, method: str, *params: str) -> object:
        """Raises Trouble."""
        return await self._node.call(method, list(params), patience_s=QUERY_S)

    async def _note(self, order_id: str, noted: Noted) -> None:
        await asyncio.to_thread(self._notes.write, order_id, msgspec.json.encode(noted).decode())
