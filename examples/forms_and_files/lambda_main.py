"""Forms, and files that come with them."""

import hashlib

from luna_lambda_tools import StandaloneLambdaRequest


async def main(request: StandaloneLambdaRequest) -> dict:
    """Tell what the form holds."""
    return {
        "author": request.form.get("author"),
        "tags": request.form.getlist("tag", []),
        "files": [
            {
                "name": file.name,  # as the client says it: not a path to write to
                "type": file.type,
                "size": len(file.body),
                "sha256": hashlib.sha256(file.body).hexdigest()[:8],
            }
            for file in request.files.getlist("document", [])
        ],
    }
