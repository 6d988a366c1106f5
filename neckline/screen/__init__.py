"""What a person reads: the live picture, lines of log, and the words of both."""
