"""The hosts of the local stage: real namespaces, real servers. `Hosts` is the way in."""
