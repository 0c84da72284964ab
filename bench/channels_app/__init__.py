"""Reference program: a chat as one would write it with Django Channels 4 and its ORM."""
