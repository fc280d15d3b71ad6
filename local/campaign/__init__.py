"""The fault campaign: the real workflow and the real functions in a world of memory, with faults at every boundary."""
