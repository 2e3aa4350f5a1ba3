"""Arc routing: which vehicle serves which street in which order and direction."""
