"""The http cases, one module an area."""
