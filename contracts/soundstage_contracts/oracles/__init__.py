"""The suite's own knowledge of what is right: lifecycles, prices, signatures; shared with no implementation."""
