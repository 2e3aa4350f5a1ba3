"""Litter bins on a day: what crews' phones say they did, and what of the promise that makes."""
