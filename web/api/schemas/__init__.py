"""marshmallow schemas of requests and answers. They check the shape only, not whether the content is true."""
