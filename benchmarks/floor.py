"""The service with one endpoint more: it parses a question and returns the envelope of the first one asked.

What it costs is what HTTP, key check, parsing and JSON cost: `ask` cannot be faster here. benchmarks.answering
starts it; the settings are those of `hopfact serve`.
"""

from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Request, Response

from app.answering import Question
from app.api.bodies import AskBody
from app.dependencies import Asker, Service, body_of, reply
from app.main import create_app
from app.settings import Settings, load_settings
from app.telemetry import configure_logging


def create_floor(settings: Settings) -> FastAPI:
    """The application with POST /v1/kbs/{kb}/floor."""
    app = create_app(settings)
    envelopes: dict[str, dict[str, Any]] = {}

    @app.post("/v1/kbs/{kb}/floor")
    async def floor(
        request: Request, kb: str, _: Asker, service: Service, body: Annotated[AskBody, Depends(body_of(AskBody))]
    ) -> Response:
        if kb not in envelopes:
            envelopes[kb] = (await service.batcher.ask((kb, None), [Question(body.question)]))[0]
        return reply({**envelopes[kb], "question": body.question, "request_id": request.state.request_id})

    return app


def main() -> None:
    """Serves on the port of the settings."""
    settings = load_settings()
    configure_logging(settings)
    uvicorn.run(
        create_floor(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
    )


if __name__ == "__main__":
    main()
