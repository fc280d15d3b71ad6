"""The watchdog over a day: the function as deployed, in processes that die, on a cloud that is late, lossy and busy."""
