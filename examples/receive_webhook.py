"""A receiver of webhooks: proves each delivery, acts on each id once, answers at once.

TIDEGATE_WEBHOOK_OPS=... python examples/receive_webhook.py 8700
"""

import os
import sys

from aiohttp import web

import tidegate

SEEN = web.AppKey("seen", set[str])  # a real one keeps them where they outlive the process


async def take(request: web.Request) -> web.Response:
    """Answer one delivery."""
    try:
        told = tidegate.verify_webhook(os.environ["TIDEGATE_WEBHOOK_OPS"], request.headers, await request.read())
    except tidegate.WebhookRefusedError as error:
        return web.Response(status=400, text=str(error))
    if told["id"] not in request.app[SEEN]:
        request.app[SEEN].add(told["id"])
        print(told["at"], told["event"], told["sentence"], flush=True)
    return web.Response(status=204)


def application() -> web.Application:
    """Return the receiver."""
    made = web.Application()
    made[SEEN] = set()
    made.router.add_post("/", take)
    return made


if __name__ == "__main__":
    web.run_app(application(), host="127.0.0.1", port=int(sys.argv[1]), print=None)
