"""The handlers as a raw ASGI application: no framework, nothing but the protocol.

GET /facts tells on what it runs, so that nobody compares with a slower variant by mistake.
"""

import asyncio
import json
import sys

from handlers import handle


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    status, answer = 404, b"{}"
    if scope["method"] == "POST" and scope["path"] == "/main":
        status, answer = 200, await handle(body)
    elif scope["path"] == "/facts":
        status, answer = 200, json.dumps(facts(receive)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def facts(receive):
    """The modules of the event loop and of the HTTP parser that serve this request."""
    return {
        "loop": type(asyncio.get_running_loop()).__module__,
        "parser": type(receive.__self__).__module__,
        "python": sys.executable,
    }
