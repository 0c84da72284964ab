"""The data key of each conversation, unwrapped once and kept while it is used.

An event's place is its conversation, number and author: a row that is moved or renumbered does not open.
"""

from collections import OrderedDict

from core.crypto import DataKey, KeyRing
from core.errors import NotFound

MOST_KEPT = 20_000


class ConversationKeys:
    """Keys by conversation id, the least used forgotten first."""

    def __init__(self, keyring: KeyRing) -> None:
        self._keyring = keyring
        self._kept: OrderedDict[int, tuple[bytes, DataKey]] = OrderedDict()

    def make(self) -> tuple[DataKey, bytes]:
        return self._keyring.new_data_key()

    def get(self, conversation_id: int, wrapped: bytes | None) -> DataKey:
        """The key, by what the row holds now: a destroyed key (None) opens nothing, whatever was kept."""
        if wrapped is None:
            self._kept.pop(conversation_id, None)
            raise NotFound
        known = self._kept.get(conversation_id)
        if known is not None and known[0] == wrapped:
            self._kept.move_to_end(conversation_id)
            return known[1]
        key = self._keyring.unwrap(wrapped)
        self._kept[conversation_id] = (wrapped, key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return key


def place(conversation_id: int, seq: int, author: str) -> bytes:
    return b"%d|%d|%b" % (conversation_id, seq, author.encode())


def place_of(conversation_id: int, what: str) -> bytes:
    """For what is not an event: a nickname, a draft, a summary."""
    return b"%d|%b" % (conversation_id, what.encode())
