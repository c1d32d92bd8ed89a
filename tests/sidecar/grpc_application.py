"""A gRPC server in outline: HTTP/2 without TLS; records each request, answers with its messages and a status."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from tests.sidecar.application import Arrived


class GrpcApplication:
    """What has arrived, and where to send more."""

    def __init__(self, port: int) -> None:
        """Nothing has arrived."""
        self.url = f"grpc://127.0.0.1:{port}"
        self.arrived: list[Arrived] = []


@contextlib.contextmanager
def running_grpc_application() -> Iterator[GrpcApplication]:
    """Run it until the block is left."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        application = GrpcApplication(listener.getsockname()[1])

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=_serve, args=(connection, application), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield application
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # closing does not wake up an accept that waits
            thread.join()


def _serve(connection: socket.socket, application: GrpcApplication) -> None:
    connection.settimeout(30)
    http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    http.initiate_connection()
    heads: dict[int, list[tuple[str, str]]] = {}
    bodies: dict[int, bytes] = {}
    with connection, contextlib.suppress(OSError):
        connection.sendall(http.data_to_send())
        while octets := connection.recv(65536):
            for event in http.receive_data(octets):
                match event:
                    case RequestReceived():
                        heads[event.stream_id] = [(str(name), str(value)) for name, value in event.headers]
                        bodies[event.stream_id] = b""
                    case DataReceived():
                        http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                        bodies[event.stream_id] += event.data
                    case StreamEnded():
                        stream = event.stream_id
                        head = dict(heads[stream])
                        line = f"{head[':method']} {head[':path']} HTTP/2"
                        application.arrived.append(Arrived(line, tuple(heads[stream]), bodies[stream]))
                        http.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
                        http.send_data(stream, bodies[stream])
                        http.send_headers(stream, [("grpc-status", "0")], end_stream=True)
                    case _:
                        pass
            connection.sendall(http.data_to_send())
