"""`lpdesk` that tries again within the second: `python -m tests.webhooks.hasty …`."""

from __future__ import annotations

from lpdesk.__main__ import main
from lpdesk.domain.values import MILLISECOND
from lpdesk.webhooks import endpoint

endpoint.DELAYS_NS = tuple(50 * (number + 1) * MILLISECOND for number in range(400))
endpoint.MAX_RETRY_AFTER_NS = 300 * MILLISECOND

if __name__ == "__main__":
    main()
