"""Hands, not heads: each module talks to one thing outside and decides nothing."""
