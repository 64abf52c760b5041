from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from subscriptions.management.inbox import Folder, smtp_server, web_server


class Command(BaseCommand):
    help = "Run a catch-all inbox: SMTP in, .eml files and a web page out. For trying things."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="where the .eml files are kept")
        parser.add_argument("--smtp-port", type=int, default=1025)
        parser.add_argument("--http-port", type=int, default=1080)

    def handle(self, *, folder: Path, smtp_port: int, http_port: int, **options: Any) -> None:
        kept = Folder(folder)
        web = web_server(kept, http_port)
        smtp = smtp_server(kept, smtp_port)
        smtp.start()
        try:
            web.serve_forever()
        except KeyboardInterrupt:
            self.stdout.write("")
        finally:
            smtp.stop()
