"""Requests: the state machine, routing, submitting, following."""
