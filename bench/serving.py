"""How the reference programs are served: the server of the service, with the same options and none of its bounds."""

from __future__ import annotations

import uvicorn
from starlette.applications import Starlette


def serve(app: Starlette, port: int) -> None:
    uvicorn.run(
        app,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="warning",
        access_log=False,
    )
