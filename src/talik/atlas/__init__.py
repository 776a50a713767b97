"""The atlas: a results folder as one page with maps, a panel for each site, and every table, that needs no network."""
