"""What reading a camera costs: ours beside what others do, on the same recordings and machine."""
