"""A stand-in for the Session Manager plugin, called as the plugin is: the response of StartSession is in the variable
that the first argument names."""

import contextlib
import json
import os
import socket
import sys
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

CHUNK = 1 << 16


def main():
    variable, _, action, _, request, _ = sys.argv[1:]
    assert action == "StartSession", action
    response, request = json.loads(os.environ[variable]), json.loads(request)
    if request["DocumentName"] != "AWS-StartPortForwardingSession":
        carry(response, lambda: os.read(0, CHUNK), lambda data: write(1, data))
        return
    (port,) = request["Parameters"]["localPortNumber"]
    with socket.create_server(("127.0.0.1", int(port))) as server:
        while True:
            here, _ = server.accept()
            threading.Thread(target=tunnel, args=(response, here), daemon=True).start()


def tunnel(response, here):
    with here:
        carry(response, lambda: here.recv(CHUNK), here.sendall)
        # The other thread still reads from it.
        with contextlib.suppress(OSError):
            here.shutdown(socket.SHUT_RDWR)


def write(file, data):
    while data:
        data = data[os.write(file, data) :]


def carry(response, read, write):
    with connect(response["StreamUrl"], max_size=None, proxy=None) as joined:
        joined.send(json.dumps({"TokenValue": response["TokenValue"]}))

        def there():
            with contextlib.suppress(ConnectionClosed, OSError):
                while data := read():
                    joined.send(data)

        threading.Thread(target=there, daemon=True).start()
        with contextlib.suppress(ConnectionClosed, BrokenPipeError):
            for frame in joined:
                write(frame)


if __name__ == "__main__":
    main()
