"""The handler of lambda/lambda_main.py as a raw ASGI application: no framework, nothing but the protocol."""

import json


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError(f"unexpected scope {scope['type']}")
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["method"] != "POST" or scope["path"] != "/main":
        status, answer = 404, b"{}"
    else:
        status = 200
        answer = json.dumps({"image_count": len(json.loads(body)["images"])}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
