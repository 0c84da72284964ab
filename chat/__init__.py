"""One conversation: its log, its live connections, its record."""
