"""The client of LUNA's lambda service."""
