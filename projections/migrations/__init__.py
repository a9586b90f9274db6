"""The migrations; projections/migrate.py runs them."""
