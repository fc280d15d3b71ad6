"""Adapters: one external service each, no business logic."""
