"""What reads the images."""
