"""The handlers as a raw ASGI application: no framework, nothing but the protocol."""

from handlers import handle


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError(f"unexpected scope {scope['type']}")
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    status, answer = 404, b"{}"
    if scope["method"] == "POST" and scope["path"] == "/main":
        status, answer = 200, await handle(body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
