"""What reporters said after closing: responded, resolved, satisfied; by unit, and each answer."""
