"""View models in words: what the house says about a request, a title, a service. Pure functions, no services."""
