"""What gunicorn does besides its command line, which finds this file where it starts."""

from threading import Thread


def post_worker_init(worker: object) -> None:
    """Make ready in each process, once it has been forked: a fork copies no threads."""
    from subscriptions.web.ready import make_ready

    Thread(target=make_ready, name="make-ready", daemon=True).start()
