"""The journal's unit: one cause with what it did."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from lpdesk.domain import commands, events, reports
from lpdesk.domain.values import Instant

Command: TypeAlias = (
    commands.RequestQuote
    | commands.AcceptQuote
    | commands.CancelRfq
    | commands.SetAutoRefresh
    | commands.Halt
    | commands.Resume
    | commands.UnblockLp
    | commands.StartMaker
    | commands.StopMaker
    | commands.SetMaker
    | commands.PlaceOrder
    | commands.CancelOrders
    | commands.KeepAnswer
    | commands.Deposit
    | commands.Withdraw
    | commands.CreateSettlement
    | commands.SettleNow
    | commands.Reconcile
    | commands.CloseBreak
    | commands.AssignBreak
    | commands.ResendWebhook
    | commands.EnableEndpoint
)

Report: TypeAlias = (
    reports.DeskStarted
    | reports.DeskStopped
    | reports.Pulse
    | reports.LpQuoted
    | reports.LpFailed
    | reports.LpWithdrew
    | reports.LpStreamed
    | reports.PoolRead
    | reports.OrderFilled
    | reports.OrderRejected
    | reports.OrderPending
    | reports.OrderLost
    | reports.FillRevised
    | reports.OrderNotSent
    | reports.OrderNotFound
    | reports.QueryFailed
    | reports.ReferenceTicked
    | reports.ReferenceLost
    | reports.TakerOrdered
    | reports.ExecutionsListed
    | reports.ExecutionsUnlisted
    | reports.WebhookDelivered
    | reports.WebhookFailed
)

Cause: TypeAlias = Command | Report

Event: TypeAlias = (
    events.DeskOpened
    | events.DeskClosed
    | events.CommandRefused
    | events.TradingHalted
    | events.TradingResumed
    | events.MarketMoved
    | events.LpHealthChanged
    | events.LpScored
    | events.RfqOpened
    | events.LpAsked
    | events.LpSkipped
    | events.QuoteReceived
    | events.LpMissed
    | events.QuoteLocked
    | events.QuoteUnlocked
    | events.QuoteUncovered
    | events.QuoteFixed
    | events.RoundEnded
    | events.RfqRefreshed
    | events.RfqFellBack
    | events.RfqRerouted
    | events.AutoRefreshSet
    | events.RfqEnded
    | events.TradeOpened
    | events.AcceptRepeated
    | events.HoldPlaced
    | events.HoldResolved
    | events.HoldDrawn
    | events.OrderSent
    | events.LegFilled
    | events.LegRejected
    | events.TradeUnknown
    | events.OrderQueried
    | events.Transferred
    | events.TradeSettled
    | events.TradeFailed
    | events.BreakFound
    | events.BreakClosed
    | events.BreakAssigned
    | events.ExecutionsAsked
    | events.Reconciled
    | events.ReconciliationMissed
    | events.WebhookQueued
    | events.WebhookTried
    | events.WebhookResent
    | events.EndpointDisabled
    | events.EndpointEnabled
    | events.MakerMoved
    | events.MakerSet
    | events.BookChanged
    | events.BookTraded
    | events.OrderEntered
    | events.OrderClosed
    | events.RequestTaken
    | events.AnswerKept
    | events.TradeExecuted
    | events.TradeRejected
    | events.SettlementCreated
    | events.SettlementAttempted
    | events.SettlementSettled
    | events.SettlementFailed
    | events.SettlementRejected
    | events.Deposited
    | events.Withdrawn
)


class Record(Struct, frozen=True):
    """`seq` counts from 1 without a gap; `at` never goes back."""

    seq: int
    at: Instant
    cause: Cause
    events: tuple[Event, ...]
