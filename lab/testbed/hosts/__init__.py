"""The hosts of the local testbed: real namespaces, real servers. `Hosts` is the way in."""
