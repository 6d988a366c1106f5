"""What a person sets: the configuration, its file, and what is wrong with either."""
