"""The dashboard: application, routes and static files."""
