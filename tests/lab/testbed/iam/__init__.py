"""What roles may do, what they do, and what must not be seen of it."""
