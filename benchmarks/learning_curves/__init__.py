"""What training says: who gets where sooner, who ends lower, and whether a variance told it."""
