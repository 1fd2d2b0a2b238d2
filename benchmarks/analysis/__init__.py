"""A finished run: its tables read and verified, its state, its cells in words."""
