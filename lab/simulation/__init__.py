"""The fault simulation: the real workflow and functions in a world of memory, with faults at every boundary."""
