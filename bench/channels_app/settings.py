"""Settings of the Channels chat, from the environment that bench/programs.py gives it.

BENCH_LAYER names the channel layer: pubsub or default. Everything that would only
slow the reference down (sessions, debug, reconnecting for each query) is left out.
"""

import os
from urllib.parse import urlsplit

_database = urlsplit(os.environ["DATABASE_URL"])
_layers = {
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "default": "channels_redis.core.RedisChannelLayer",
}

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["bench.channels_app"]
MIDDLEWARE: list[str] = []
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "USER": _database.username,
        "NAME": _database.path.lstrip("/"),
        "CONN_MAX_AGE": None,
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": _layers[os.environ["BENCH_LAYER"]],
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    }
}
