"""Guidance: written, found, suggested, shared."""
