"""The lists behind numbers that no inbox holds: what became of cases, and the parts of single organisations."""
