"""What is made of several cells: ratios, crossovers and rankings, with their intervals."""
