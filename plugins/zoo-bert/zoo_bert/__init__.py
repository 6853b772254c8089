"""BERT for zoo: text classification, masked language modelling, sentence embeddings."""
