"""What medicine already knows, as a graph that ranks and explains."""
