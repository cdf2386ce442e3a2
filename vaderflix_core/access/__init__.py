"""Accounts, sessions, keys and permissions."""
