"""Health: checks on a schedule, incidents, the state of every instance."""
