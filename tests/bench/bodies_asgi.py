"""lambda_bodies/lambda_main.py as a raw ASGI application: no framework, nothing but the protocol."""

import json

from asgi_app import app as json_app

ANSWERS: dict[int, bytes] = {}


async def app(scope, receive, send):
    if scope["type"] == "lifespan" or scope["path"] == "/facts":
        return await json_app(scope, receive, send)
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"] == "/main":
        answer, kind = json.dumps({"length": len(body)}).encode(), b"application/json"
    else:
        count = int(scope["path"].rsplit("/", 1)[1])
        if count not in ANSWERS:
            ANSWERS[count] = b"x" * count
        answer, kind = ANSWERS[count], b"application/octet-stream"
    headers = [(b"content-type", kind), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
