"""What is decided, by what was observed: pure functions that know no service and no clock."""
