"""Settings of the Channels chat, from the environment that bench/programs.py gives it.

BENCH_LAYER names the channel layer: pubsub or default. Everything that would only
slow the reference down (sessions, debug, reconnecting for each query) is left out.
"""

import os
from typing import Any
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
if _database.scheme == "sqlite":
    # What its documentation advises for production: write-ahead log, writers that queue; durable as the service is.
    _options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
    }
    _engine: dict[str, Any] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _database.path,
        "OPTIONS": _options,
    }
else:
    _engine = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "USER": _database.username,
        "NAME": _database.path.lstrip("/"),
        "CONN_MAX_AGE": None,
    }
DATABASES = {"default": _engine}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": _layers[os.environ["BENCH_LAYER"]],
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    }
}
