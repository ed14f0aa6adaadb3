"""Answers with everything it can see of its request; bytes are told as Latin-1."""

from luna_lambda_tools import StandaloneLambdaRequest


def latin(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


async def main(request: StandaloneLambdaRequest) -> dict:
    query = request.query_string
    return {
        "method": request.method,
        "path": request.path,
        "query": query if isinstance(query, str) else query.decode("latin-1"),
        "args": {name: request.args.getlist(name) for name in request.args},
        "headers": [[latin(name), latin(value)] for name, value in request.headers.items()],
        "body": request.body.decode("latin-1"),
        "ip": request.ip,
        "requestId": request.requestId,
    }
