"""How fast it is: measured on the testbed, by simulation, and from the template; see build/benchmarks.json."""
