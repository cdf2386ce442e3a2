"""Vader Flix: one self-hosted home for a household's media."""

__version__ = "0.1.0"
