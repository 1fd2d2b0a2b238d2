"""A finished run: its tables read and verified, its cells in words."""
