"""What Radarr and Sonarr share: one client, one live channel, one reading of queue, history and health (API v3)."""
