"""The downloads of all downloaders, joined to requests."""
