"""The service: the atlas, a documented API and a page that checks a logger file; on this machine only, or by token."""
