"""Result files that cannot be had as promised."""
