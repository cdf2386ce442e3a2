"""Simulated Radarr and Sonarr: what both do alike. The products' own parts are in their plugins."""
