"""ResNet for zoo: image classification, self-supervised pretraining, image embeddings."""
