"""Watching: files, positions and pictures."""
