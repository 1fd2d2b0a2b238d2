"""What goes into a paper: a table, numbers by name, the papers to cite, a sentence on methods."""
