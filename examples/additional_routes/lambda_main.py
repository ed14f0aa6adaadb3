"""Routes beside /main: a list of notes that can be added to, read and cleared."""

from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest

ID_PATTERN = r"[a-z0-9]{4}"

NOTES = {}


class NoteHandler(LambdaUserHandler):
    """One note."""

    route: str = f"/notes/<noteId:{ID_PATTERN}>"

    async def put(self, noteId):
        """Write a note."""
        created = noteId not in NOTES
        NOTES[noteId] = self.request.body.decode()
        return self.sendResponse(201 if created else 200, json={"note": noteId})

    async def get(self, noteId):
        """Read a note."""
        if noteId not in NOTES:
            return self.error(404, f"there is no note {noteId}")
        return self.sendResponse(200, body=NOTES[noteId], headers={"Content-Type": "text/plain; charset=utf-8"})

    async def head(self, noteId):
        """Whether there is such a note."""
        return self.sendResponse(200 if noteId in NOTES else 404)

    async def delete(self, noteId):
        """Remove a note."""
        NOTES.pop(noteId, None)
        return self.sendResponse(204)


class NotesHandler(LambdaUserHandler):
    """All notes."""

    route: str = "/notes"

    async def get(self):
        """The ids of all notes."""
        return self.sendResponse(200, json={"notes": sorted(NOTES)})


ROUTES_TO_ADD = [NoteHandler, NotesHandler]


async def main(request: StandaloneLambdaRequest) -> dict:
    """How many notes there are."""
    return {"count": len(NOTES)}
