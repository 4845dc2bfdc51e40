"""Configuration: packaged defaults, the user's file, the environment -> one frozen `Config`.

All problems are reported at once; unknown keys are refused, in the environment too.
"""

from lpdesk.config.loading import BadConfig, load, resolve_options
from lpdesk.config.secrets import resolve_secret
from lpdesk.config.tables import Config, LpTable
from lpdesk.config.terms import lp_terms, pairs, settings

__all__ = [
    "BadConfig",
    "Config",
    "LpTable",
    "load",
    "lp_terms",
    "pairs",
    "resolve_options",
    "resolve_secret",
    "settings",
]
