"""Stand-in venues on real loopback sockets, speaking the default LP protocol of the design.

Seeded and scriptable: a desk without LPs of its own trades against them, and tests steer them.
"""

from lpdesk.sandbox.book import Execution
from lpdesk.sandbox.exchange import Exchange
from lpdesk.sandbox.exchanges import ExchangeEndpoint, Exchanges, start_exchanges
from lpdesk.sandbox.personality import Mood, Personality, Stage, Verbatim
from lpdesk.sandbox.server import LpEndpoint, Sandbox, run_sandbox, start_sandbox
from lpdesk.sandbox.takers import TakerOrder, Takers, run_takers
from lpdesk.sandbox.venue import Venue

__all__ = [
    "Exchange",
    "ExchangeEndpoint",
    "Exchanges",
    "Execution",
    "LpEndpoint",
    "Mood",
    "Personality",
    "Sandbox",
    "Stage",
    "TakerOrder",
    "Takers",
    "Venue",
    "Verbatim",
    "run_sandbox",
    "run_takers",
    "start_exchanges",
    "start_sandbox",
]
