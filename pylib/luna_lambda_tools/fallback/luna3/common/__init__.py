"""What all clients have in common."""
