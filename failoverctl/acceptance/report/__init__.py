"""A scenario's run: what was observed, how the journal judges it, its figures and its page."""
