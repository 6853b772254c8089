"""Writes trainings to a tracker: MLflow, TensorBoard or Weights & Biases."""
