"""The least that a Flask route can do: read JSON and answer with JSON. The floor beside the shop."""

from flask import Flask, Response, jsonify, request


def create_app() -> Flask:
    """Make an application of one route."""
    app = Flask("bare")

    @app.post("/echo")
    def echo() -> tuple[Response, int]:
        return jsonify(request.get_json()), 202

    return app
