"""What makes the parts one service. Imports everything, is imported by nothing."""
