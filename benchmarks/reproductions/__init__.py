"""Papers beside ours: their figures and numbers, of a run that repeats one."""
