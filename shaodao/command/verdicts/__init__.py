"""What is said of the work afterwards: ratings, rebounds, looks back, circulars, answered letters."""
