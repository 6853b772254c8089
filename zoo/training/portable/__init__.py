"""Models as files that answer without zoo: one network as ONNX or as a program of torch, with what to do around it."""
