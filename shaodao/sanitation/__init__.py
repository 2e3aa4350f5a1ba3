"""Sanitation, an observer: what is to be cleaned, when and by whom; what was really done, from evidence; what was missed."""
