"""What all routes share: services, errors, JSON, paging, OpenAPI, headers."""
