"""TF-IDF and logistic regression for zoo."""
