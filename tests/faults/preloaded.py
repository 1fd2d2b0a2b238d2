"""What a process of the fault suite has imported before it is forked: all that commands import."""
