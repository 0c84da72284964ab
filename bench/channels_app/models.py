"""The one table of the Channels chat."""

from django.db import models


class Message(models.Model):
    client_id = models.UUIDField()
    conversation = models.CharField(max_length=40)
    author = models.CharField(max_length=20)
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "channels_app"
        constraints = (models.UniqueConstraint(fields=["conversation", "author", "client_id"], name="message_once"),)
