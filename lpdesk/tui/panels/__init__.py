"""The desk's panes, one a file: each says what it sees of a look, and shows that."""
