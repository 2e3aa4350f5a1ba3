"""Inspections by eye: chance chooses where, a card says what is looked at, results stand beside what tracks prove."""
