"""torchvision's segmenters for zoo: a body, and the classifier of pixels that was trained with it."""
