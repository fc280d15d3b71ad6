"""Fenced failover for one pair of servers that share a database and a name."""
