"""The staff's pages, by word: the desk and its lists, the case, what is done on it, the report."""
