"""What a results folder holds, and whether it is what was written there."""
