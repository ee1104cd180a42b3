"""The composition root: what the controller's process is made of, and how long each part lives."""

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from audio_library import Store
from controller import guard, keys, problems
from controller.accounts import routes as accounts
from controller.areas import routes as areas
from controller.boards.desk import Desk
from controller.boards.receipts import Receipts
from controller.cap import routes as cap
from controller.cap.listening import Listening
from controller.cap.service import Reception
from controller.clockwork import routes as clockwork
from controller.clockwork.jobs import jobs
from controller.clockwork.service import Clockwork
from controller.clockwork.waker import Waker
from controller.context import Context
from controller.db import migrate
from controller.db.session import Database
from controller.dispatch.publisher import Publisher
from controller.emergency import routes as emergency
from controller.emergency import signals, sound_routes
from controller.emergency.recording import record
from controller.enrolment import routes as enrolment
from controller.enrolment.rules import Tries
from controller.errors import Conflict
from controller.media import routes as media
from controller.media.worker import UploadWorker
from controller.mqtt.broker import EmbeddedBroker
from controller.mqtt.intake import Intake
from controller.mqtt.link import Link
from controller.mqtt.time_signal import TimeSignal
from controller.playback import routes as playback
from controller.programmes import routes as programmes
from controller.settings import Settings
from controller.stations import routes as stations
from controller.timetable import routes as timetable
from controller.web import health, pages
from controller.web.texts import Texts

_GRACE_S = 3


def compose(settings: Settings) -> tuple[Context, Waker]:
    """What every command shares. Brings the database to the newest schema; makes the key if there is none."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    url = settings.resolved_database_url()
    migrate.upgrade(url)
    waker = Waker()
    context = Context(
        settings=settings,
        database=Database(url),
        store=Store(settings.data_dir / "audio_library"),
        texts=Texts(),
        signing_key=keys.load_or_make(settings.data_dir / "keys" / "sound-signing.json"),
        wake=waker.wake,
    )
    return context, waker


def create_app(context: Context, desk: Desk | None = None) -> FastAPI:
    """The pages and the API, without anything that runs by itself. A desk of its own publishes nothing."""
    app = FastAPI(title=context.texts.say("vi", "web.name"), docs_url=None, redoc_url=None)
    app.state.context = context
    app.state.desk = desk or Desk(context, None, record)
    app.state.enrolment_tries = Tries()
    problems.install(app)
    app.add_middleware(guard.Guard)
    daily = (health, accounts, areas, media, programmes, timetable, playback, enrolment, stations, clockwork)
    for part in (*daily, pages, emergency, sound_routes, cap):
        app.include_router(part.router)
    return app


async def serve(settings: Settings) -> None:
    """Everything, until SIGTERM or SIGINT. If one part dies, the rest is stopped and its error raised.

    Raises Invalid for settings that no station could live with, Conflict where a port is taken.
    """
    settings.check()
    listening = _listen(settings)
    context, waker = compose(settings)
    context.two_people.current()
    logging.getLogger(__name__).info("boundaries known of %d areas", len(context.boundaries.known))
    await asyncio.to_thread(signals.ensure, context)
    broker = EmbeddedBroker(settings.broker_host, settings.broker_port)
    if settings.broker == "embedded":
        await broker.start()
    link = Link(settings.broker_host, settings.broker_port, f"controller-{context.process_id}")
    publisher = Publisher(context, link)
    link.greet(lambda _connection: waker.wake("dispatch"))
    desk_link = Link(settings.broker_host, settings.broker_port, f"controller-{context.process_id}-desk")
    desk = Desk(context, desk_link, record)
    intake = Intake(context, link, heed_versions=desk.heed_versions)
    receipts = Receipts(context, link, pending=desk.pending)
    time_signal = TimeSignal(context, link)
    listening_to_cap = Listening(context, link, Reception(context, desk))
    clockwork_ = Clockwork(context, jobs(context, publisher, desk), waker)
    worker = UploadWorker(context, waker)
    # Before anything makes boards: an alert that only the spool knows must stay on them.
    await asyncio.to_thread(desk.load)
    app = create_app(context, desk)
    app.state.link = link
    server = _Server(_http(app))
    parts = (desk, desk_link, link, intake, receipts, clockwork_, worker, listening_to_cap, time_signal)
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(part.run(), name=type(part).__name__) for part in parts]
            if settings.broker == "embedded":
                running.append(group.create_task(broker.run(), name="EmbeddedBroker"))
            await server.serve(sockets=[listening])
            # The desk first: a press that is under way still needs its link, and the broker behind it.
            running[0].cancel()
            await asyncio.wait(running[:1])
            for task in running:
                task.cancel()
    finally:
        context.database.close()


def _listen(settings: Settings) -> socket.socket:
    """Raises Conflict `cli.http_port_taken`."""
    try:
        return socket.create_server((settings.http_host, settings.http_port), backlog=2048)
    except OSError as error:
        port, host = settings.http_port, settings.http_host
        raise Conflict("cli.http_port_taken", port=port, host=host) from error


def _http(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_GRACE_S)


class _Server(uvicorn.Server):
    """Leaves on SIGTERM and SIGINT without raising them again, so that the other parts can end in order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, self.handle_exit, signum, None)
        try:
            yield
        finally:
            for signum in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(signum)
