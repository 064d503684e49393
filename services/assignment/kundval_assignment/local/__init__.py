"""The municipality's own ways: its profile, shown as data."""
