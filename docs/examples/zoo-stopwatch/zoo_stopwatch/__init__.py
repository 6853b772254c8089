"""Notes how long trainings take."""
