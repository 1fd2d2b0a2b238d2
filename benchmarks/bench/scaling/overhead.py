"""What one order costs a real dask cluster, by orders that do nothing."""

import time
from collections.abc import Callable

ORDERS = 400
BYTES = 20_000
"""Of an order and of its answer: about those of a small group."""


def overhead(workers: int = 2) -> float:
    """Seconds of an order on the side that sends it, workers of the loopback interface waiting."""
    from distributed import Client, LocalCluster, as_completed

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        places = list(client.nthreads())
        function = nothing()
        payload = bytes(BYTES)
        client.run(function, payload)

        def send(number: int) -> object:
            place = [places[number % workers]]
            return client.submit(function, payload, key=f"nothing-{number}", workers=place)

        begun = time.perf_counter()
        for number in range(0, ORDERS, workers):
            sent = [send(number + each) for each in range(workers)]
            for future in as_completed(sent):
                future.result()
        return (time.perf_counter() - begun) / ORDERS


def nothing() -> Callable[[bytes], bytes]:
    """What gives back what it is given. Made in here, it travels whole."""
    return lambda payload: payload
