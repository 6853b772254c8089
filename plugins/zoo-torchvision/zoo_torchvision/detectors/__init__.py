"""torchvision's detectors for zoo: whole networks with heads of their own."""
