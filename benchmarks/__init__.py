"""Speed and memory, as ratios in one run: make bench. Nothing here is a test."""
