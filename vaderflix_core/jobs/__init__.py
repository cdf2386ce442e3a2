"""Work that must not be lost: the outbox, its runner and the broker that wakes it."""
