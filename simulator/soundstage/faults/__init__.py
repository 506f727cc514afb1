"""Faults bend the world at named places; one small file each. Without one, everything is consistent."""
