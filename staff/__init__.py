"""Accounts, sign-in, sessions and roles of the people who work here."""
