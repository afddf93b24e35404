"""Says how well a model answers, on labelled pictures, and calibrates its answers by them."""
