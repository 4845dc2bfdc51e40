"""An endpoint that answers as scripted, over a real socket, and what its owner checks of a call."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime

from standardwebhooks import Webhook

from lpdesk.domain.owed import Owed
from lpdesk.webhooks.endpoint import Endpoint
from tests.venues.liar import Heard, Said, answer

SECRET = "whsec_" + b64encode(b"a secret of twenty-four b").decode()
OLD_SECRET = "whsec_" + b64encode(b"the secret of last season").decode()

OK = answer(status=204)
BROKEN = answer("oops", status=500)
GONE = answer(status=410)
HANGS = Said(then="hang")
CUTS = Said(b"HTTP/1.1 200 OK\r\nContent-Le", then="reset")


def endpoint(url: str, name: str = "acme", **more: object) -> Endpoint:
    settings = {"secrets": (SECRET,), "allow_private": True} | more
    return Endpoint(name=name, url=f"{url}/hooks?team=1", **settings)


def owed(number: int = 1, name: str = "acme", **more: int) -> Owed:
    payload = json.dumps({"type": "trade_settlement.create", "data": {"n": number}})
    return Owed(
        event_id=f"msg_x_{number:06d}", number=number, endpoint=name, payload=payload, **more
    )


def is_signed(heard: Heard, secret: str = SECRET) -> bool:
    """Whether one of the signatures is the library's own over this very call, whenever it was."""
    at = datetime.fromtimestamp(int(heard.headers["webhook-timestamp"]), UTC)
    mine = Webhook(secret).sign(heard.headers["webhook-id"], at, heard.body.decode())
    return mine in heard.headers["webhook-signature"].split(" ")


def ids(heard: list[Heard]) -> list[str]:
    return [each.headers["webhook-id"] for each in heard]
