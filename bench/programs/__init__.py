"""The two sides of each measurement, ours and the peers', each a process: see `bench.child`."""
