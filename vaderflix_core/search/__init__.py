"""Search: the library index first, then the requesters, merged into one list of titles."""
