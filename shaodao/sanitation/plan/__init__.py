"""Planning the day: what is to be served, by which vehicle, in which order."""
