"""Cells measured by several processes, by a cluster, or by jobs of which each measures a part."""
