"""The whole system on one machine: a local cloud, real hosts, and the scenarios that run on them."""
