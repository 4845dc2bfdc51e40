"""Where the peers of a benchmark live: in a venv of their own, which `--peers VENV` names.

So the desk's environment stays its own. Make it of the same Python: `python3 -m venv VENV &&
VENV/bin/pip install PACKAGE…`.
"""

from __future__ import annotations

import argparse
import site
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parses the command line, and makes the packages in `--peers VENV` importable."""
    parser.add_argument("--peers", type=Path, help="a venv of the same Python with the peers")
    options = parser.parse_args()
    if options.peers:
        for packages in options.peers.glob("lib/*/site-packages"):
            site.addsitedir(str(packages))
    return options
