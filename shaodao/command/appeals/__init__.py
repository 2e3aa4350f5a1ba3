"""What departments contest after closing, and what came of it."""
