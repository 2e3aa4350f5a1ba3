"""People: who may sign in, which posts they hold, and the link over which they choose their password."""
