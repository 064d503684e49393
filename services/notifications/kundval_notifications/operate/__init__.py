"""What operations see of messages: what waits, what failed, how many and how quick, and the proof of each."""
