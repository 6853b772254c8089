"""Any architecture that transformers knows, for zoo."""
