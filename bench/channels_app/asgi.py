"""The application that uvicorn serves."""

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

django.setup()

from bench.channels_app.consumers import ChatConsumer  # noqa: E402 - models need django.setup() first

application = ProtocolTypeRouter(
    {"websocket": URLRouter([path("ws/<str:conversation>/<str:author>", ChatConsumer.as_asgi())])}
)
