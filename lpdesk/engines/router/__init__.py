"""The smart order router: the cheapest way to deal a size over many sources. Pure.

`route` gives a plan of legs or says what is missing. Prices are quote units for one base unit,
sizes base units, cash quote units; a buy wants the least cost, a sale the highest
proceeds, fees in.
"""

from lpdesk.engines.router.plan import InsufficientLiquidity, Leg, Plan, route, second_best
from lpdesk.engines.router.sources import Level, Mode, Order, Source

__all__ = [
    "InsufficientLiquidity",
    "Leg",
    "Level",
    "Mode",
    "Order",
    "Plan",
    "Source",
    "route",
    "second_best",
]
