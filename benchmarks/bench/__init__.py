"""The suite itself, measured: its speed, its peers, its intervals."""
