"""How fast it is: measured on the stage, by simulation, and from the template; written to build/benchmarks.json."""
