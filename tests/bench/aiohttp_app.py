"""The handlers under aiohttp."""

from aiohttp import web
from handlers import handle


async def main(request):
    return web.Response(body=await handle(await request.read()), content_type="application/json")


app = web.Application()
app.router.add_post("/main", main)
