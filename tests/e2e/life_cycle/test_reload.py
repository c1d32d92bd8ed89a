"""SIGHUP: other settings come into force in a service that runs, and nobody notices but by what they are about."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.adapters.metrics_reader import value
from tests.e2e.life_cycle.load import load_on
from tests.e2e.life_cycle.scene import GOOD, Living, asking, client_of_other, living
from tests.e2e.published import publishing
from tests.e2e.running import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

OLD: Final = "a-token-of-before-0123456789"
NEW: Final = "a-token-of-afterwards-0123456789"


def _status(alive: Living, token: str) -> set[int]:
    """What a caller with this token is answered with; each connection may be another worker's."""
    headers = {"Authorization": f"Bearer {token}"}
    url, body = f"{alive.service.url}/v1/validate", {"certificate": GOOD.pem}
    return {httpx.post(url, json=body, headers=headers).status_code for _ in range(16)}


def _have_ended(alive: Living, pids: frozenset[int]) -> bool:
    return not pids & set(alive.children())


def _problem(alive: Living) -> set[float | None]:
    """What is shown of the last reload; each connection may be another worker's."""
    pages = [httpx.get(f"{alive.service.management_url}/metrics").content for _ in range(16)]
    return {value(page, "revet_reload_problem") for page in pages}


def _tokens(*tokens: str) -> str:
    return f"api_tokens = {list(tokens)}\n"


def test_what_changed_is_in_force(tmp_path: Path) -> None:
    """In every worker, when the log says so; the processes are others, and as many as the settings want."""
    with living(tmp_path, f"workers = 1\n{_tokens(OLD)}") as alive:
        before = alive.children()
        assert ({200}, {401}) == (_status(alive, OLD), _status(alive, NEW))
        alive.config.write_text(f"workers = 1\n{_tokens(NEW)}")
        alive.signal(signal.SIGHUP)
        assert ["REVET_API_TOKENS"] == alive.wait_for("reloaded")["changed"]
        until(lambda: not set(before) & set(alive.children()), "the processes of before have ended")
        assert ({401}, {200}) == (_status(alive, OLD), _status(alive, NEW))
        assert (1, 1) == (len(alive.service.children("worker")), len(alive.service.children("prefetcher")))


def test_what_changed_is_told_of_the_settings_before(tmp_path: Path) -> None:
    """Each time against those that were in force, not against those of the start."""
    with living(tmp_path, "grace_s = 60\n") as alive:
        for times, text, changed in ((1, "grace_s = 61\n", ["REVET_GRACE_S"]), (2, "grace_s = 61\n", [])):
            alive.config.write_text(text)
            alive.signal(signal.SIGHUP)
            assert changed == alive.wait_for("reloaded", times)["changed"]


def test_a_refusal_is_shown_by_every_worker(tmp_path: Path) -> None:
    """Until a reload succeeds; a worker that takes the place of a dead one shows it, too."""
    with living(tmp_path, _tokens(OLD), management=True) as alive:
        assert {0.0} == _problem(alive)
        alive.config.write_text("api_tok")
        alive.signal(signal.SIGHUP)
        alive.wait_for("reload_refused")
        assert {1.0} == _problem(alive)
        worker = alive.service.children("worker")[0]
        os.kill(worker, signal.SIGKILL)
        alive.wait_for("child_ready", 4)
        assert {1.0} == _problem(alive)
        alive.config.write_text(_tokens(NEW))
        alive.signal(signal.SIGHUP)
        alive.wait_for("reloaded")
        until(lambda: _problem(alive) == {0.0}, "those of before have ended")


def test_the_number_of_workers_changes(tmp_path: Path) -> None:
    """It is a setting like any other; more, and fewer again."""
    with living(tmp_path, "workers = 1\n") as alive:
        for times, count in ((1, 3), (2, 2)):
            alive.config.write_text(f"workers = {count}\n")
            alive.signal(signal.SIGHUP)
            alive.wait_for("reloaded", times)
            retired = [event["pid"] for event in alive.events("child_retired")]
            until(partial(_have_ended, alive, frozenset(retired)), "those of before have ended")
            assert count == len(alive.service.children("worker"))
        assert "allow" == alive.service.validate(GOOD.pem)["decision"]


def test_counters_go_on_and_do_not_pile_up(tmp_path: Path) -> None:
    """However often: no more files than processes lived at one time, and every verdict is in them once."""
    with living(tmp_path, "workers = 2\n", management=True) as alive:
        for times in range(1, 6):
            assert "allow" == alive.service.validate(GOOD.pem)["decision"]
            alive.config.write_text(f"workers = 2\ngrace_s = {times}\n")
            alive.signal(signal.SIGHUP)
            alive.wait_for("reloaded", times)
            retired = frozenset(event["pid"] for event in alive.events("child_retired"))
            until(partial(_have_ended, alive, retired), "those of before have ended")
        page = httpx.get(f"{alive.service.management_url}/metrics").content
        assert 5 == value(page, "revet_validate_requests_total", decision="allow", code="ok", front="api")
        assert len(list(tmp_path.rglob("counter_*.db"))) <= 2 * 3  # those of before, and those that replace them


def test_wrong_settings_change_nothing(tmp_path: Path) -> None:
    """All that is wrong is in the log, without the value of a secret; nobody is started or ended."""
    with living(tmp_path, _tokens(OLD)) as alive:
        before = alive.children()
        alive.config.write_text(f'{_tokens(NEW)}grace_s = -1\nworkerz = 2\nadmin_tokens = ["short", "{NEW}"]\n')
        alive.signal(signal.SIGHUP)
        problems = alive.wait_for("reload_refused")["problems"]
        assert any("REVET_GRACE_S is -1" in problem for problem in problems)
        assert any("workerz is no setting" in problem for problem in problems)
        assert NEW not in alive.log_file.read_text()
        assert before == alive.children()
        assert ({200}, {401}) == (_status(alive, OLD), _status(alive, NEW))


def test_what_needs_a_restart_is_refused_by_name(tmp_path: Path) -> None:
    """With everything else of that file: half of it in force would be nobody's intention."""
    with living(tmp_path, _tokens(OLD)) as alive:
        alive.config.write_text(f"{_tokens(NEW)}management_port = 1\n")
        alive.signal(signal.SIGHUP)
        told = alive.wait_for("reload_refused")
        assert "REVET_MANAGEMENT_PORT needs a restart" in told["problems"][0]
        assert ["REVET_MANAGEMENT_PORT"] == told["need_restart"]
        assert ({200}, {401}) == (_status(alive, OLD), _status(alive, NEW))


def test_half_a_file_hurts_nobody(tmp_path: Path) -> None:
    """Neither when it is read again, nor when a process dies while somebody edits it."""
    with living(tmp_path, _tokens(OLD)) as alive:
        alive.config.write_text("api_tok")
        alive.signal(signal.SIGHUP)
        assert "not TOML" in alive.wait_for("reload_refused")["problems"][0]
        before = alive.children()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(alive.children()) == len(before), "all are replaced")
        until(alive.service.is_ready, "ready again")
        assert {200} == _status(alive, OLD)
        assert not set(before) & set(alive.children())
        assert alive.service.process.poll() is None


def test_a_file_that_is_gone_hurts_nobody(tmp_path: Path) -> None:
    """A mount that has come off: whoever takes the place of a dead process decides as the others do."""
    with living(tmp_path, _tokens(OLD)) as alive:
        alive.config.unlink()
        worker = alive.service.children("worker")[0]
        os.kill(worker, signal.SIGKILL)
        until(lambda: worker not in alive.service.children("worker"), "it has died")
        until(lambda: len(alive.service.children("worker")) == 2, "it is replaced")
        assert ({200}, {401}) == (_status(alive, OLD), _status(alive, NEW))


@contextmanager
def watching(alive: Living) -> Iterator[list[int]]:
    """Ask for readiness all the while; what came that was not 200."""
    others: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            answer = httpx.get(f"{alive.service.management_url}/readyz", timeout=10)
            if answer.status_code != httpx.codes.OK:
                others.append(answer.status_code)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield others
    finally:
        stop.set()
        thread.join(20)


def test_no_request_is_lost_under_load(tmp_path: Path) -> None:
    """Twice, with kept connections and new ones: all are answered, rightly, and it is ready throughout."""
    with (
        living(tmp_path, management=True, DRAIN_S="0.5") as alive,
        watching(alive) as not_ready,
        load_on(int(alive.service.url.rpartition(":")[2])) as load,
    ):
        for times in (1, 2):
            load.wait_for_more()
            alive.signal(signal.SIGHUP)
            alive.wait_for("reloaded", times)
        load.wait_for_more()
        load.check()
        assert 0 == load.refused
        assert load.last > 0
        assert [] == not_ready
        assert [] == alive.events("child_killed")


def test_what_is_being_fetched_is_fetched_by_the_successor(tmp_path: Path) -> None:
    """A worker waits for a CRL while both it and the prefetcher are replaced: its answer is the right one."""
    with publishing() as published:
        leaf = client_of_other(published)
        published.gate.clear()
        with living(tmp_path, DEADLINE_MS="20000") as alive, asking(alive, leaf) as answer:
            until(lambda: published.asked["/other.crl"] == 1, "the CRL is being fetched")
            alive.signal(signal.SIGHUP)
            alive.wait_for("reloaded")
            until(lambda: published.asked["/other.crl"] == 2, "the successor fetches it")
            published.gate.set()
            assert (200, "allow") == (answer().status_code, answer().json()["decision"])
            assert "close" == answer().headers["connection"]


def test_the_end_during_a_reload(tmp_path: Path) -> None:
    """Both at once, as when a node goes away while somebody reloads: the end wins, and nobody is left."""
    with living(tmp_path) as alive:
        before = alive.children()
        alive.signal(signal.SIGHUP)
        alive.wait_for("reloading")
        alive.signal(signal.SIGTERM)
        assert 0 == alive.service.process.wait(30)
        assert not any(Path(f"/proc/{pid}").exists() for pid in before)
        started = {event["pid"] for event in alive.events("child_started")}
        assert started == {event["pid"] for event in alive.events("child_died")}
