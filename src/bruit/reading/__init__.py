"""What people use: digits from pictures. NumPy, onnxruntime and Pillow; no PyTorch."""
