"""People at the door: programs that try to get in, on a real web server. Each is the long form of a test."""
