"""The library index: what the media sources hold, mirrored and kept up to date."""
