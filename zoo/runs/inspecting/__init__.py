"""Looking at the labels of data: which of them are most probably wrong."""
