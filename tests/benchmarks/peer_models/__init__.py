"""The fitted pipelines as models of other servers, and what their environment holds."""
