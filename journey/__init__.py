"""What a journey is: pure functions over events, rules and instants. No I/O, no clock, no random."""
