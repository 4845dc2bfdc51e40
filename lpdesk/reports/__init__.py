"""What a journal is asked for by people and pipes: the blotter and other tables."""
