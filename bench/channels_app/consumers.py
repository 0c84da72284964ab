"""One socket of the Channels chat: store by the ORM, acknowledge, send to the group."""

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from bench.channels_app.models import Message


class ChatConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        route = self.scope["url_route"]["kwargs"]
        self.conversation, self.author = route["conversation"], route["author"]
        self.group = f"conversation_{self.conversation}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept(next(iter(self.scope["subprotocols"]), None))

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content: dict[str, str]) -> None:
        message = await self.store(content["id"], content["text"])
        await self.send_json(
            {"type": "ack", "conversation": self.conversation, "id": content["id"], "at": message.at.isoformat()}
        )
        await self.channel_layer.group_send(
            self.group,
            {
                "type": "chat.event",
                "from": self.channel_name,
                "id": content["id"],
                "author": self.author,
                "text": message.text,
                "at": message.at.isoformat(),
            },
        )

    async def chat_event(self, event: dict[str, str]) -> None:
        if event["from"] == self.channel_name:
            return
        await self.send_json(
            {
                "type": "event",
                "conversation": self.conversation,
                "id": event["id"],
                "author": event["author"],
                "text": event["text"],
                "at": event["at"],
            }
        )

    @database_sync_to_async
    def store(self, client_id: str, text: str) -> Message:
        message: Message = Message.objects.create(
            client_id=client_id, conversation=self.conversation, author=self.author, text=text
        )
        return message
