"""Reports as a page: one file that needs no network, for people who don't sit at the terminal."""
