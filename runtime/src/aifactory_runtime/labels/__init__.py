"""What came true: labels of predictions, recorded with who said so, and joined to what was predicted."""
