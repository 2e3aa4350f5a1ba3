"""Work in the background: what a kill, a fault, a cancel and a second clock do to it, with a work that counts lines."""

from pathlib import Path

import pytest

from shaodao.foundation import jobs, log
from shaodao.foundation.errors import Refused
from shaodao.foundation.models import Job, LogEntry


class Lines:
    """Takes in two lines at a time; each is a row of the log, so that what is taken in twice shows."""

    def __init__(self):
        self.before = lambda job: None
        self.ends = []

    def parts(self, job):
        lines = job.file.open("rt").read().split()
        for start in range(job.done, len(lines), 2):
            self.before(start)
            yield jobs.Part(
                len(lines[start : start + 2]), lambda job, some=lines[start : start + 2]: self.take(job, some)
            )

    def take(self, job, lines):
        for line in lines:
            log.write("line", line)
        job.result = {"n": job.result.get("n", 0) + len(lines)}

    def ended(self, job):
        self.ends.append(job.state)


@pytest.fixture
def lines(monkeypatch, db):
    found = Lines()
    monkeypatch.setitem(jobs._works, "lines", found)
    return found


@pytest.fixture
def job(lines, tmp_path):
    return made(tmp_path)


def made(tmp_path, text="a b c d e", subject="x:1"):
    path = tmp_path / "copy"
    path.write_text(text)
    return jobs.add("lines", subject, path, "lines.txt", {}, len(text.split()), None)


def taken():
    return sorted(LogEntry.objects.filter(action="line").values_list("subject", flat=True))


def test_it_is_worked_off_and_its_file_goes(job, lines):
    assert jobs.work() == 4 and taken() == list("abcde")
    path = job.file.path
    job.refresh_from_db()
    assert (job.state, job.done, job.percent, job.result, lines.ends) == ("done", 5, 100, {"n": 5}, ["done"])
    assert not job.file and not Path(path).exists() and jobs.work() == 0


def test_little_by_little(job):
    rounds = [jobs.work(seconds=0) for _ in range(4)]
    assert rounds == [1, 1, 2, 0] and taken() == list("abcde")


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill -9."""


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_kill_between_and_in_parts_loses_and_doubles_nothing(job, lines, at, monkeypatch):
    real = lines.take

    def die_in_the_middle(job, some):
        log.write("line", some[0])
        raise Killed

    def die(start):
        if start == at:
            monkeypatch.setattr(lines, "take", die_in_the_middle)

    lines.before = die
    with pytest.raises(Killed):
        jobs.work()
    monkeypatch.setattr(lines, "take", real)
    lines.before = lambda start: None
    assert len(taken()) == at
    jobs.work()
    assert taken() == list("abcde") and Job.objects.get().result == {"n": 5}


def test_what_fails_again_and_again_ends(job, lines):
    def fail(start):
        if start == 2:
            raise RuntimeError("a fault of ours")

    lines.before = fail
    rounds = [jobs.work() for _ in range(7)]
    job.refresh_from_db()
    assert job.state == "failed" and "5" in job.fault and taken() == ["a", "b"] and rounds[-1] == 0


def test_cancelled_while_it_runs(job, lines):
    lines.before = lambda start: jobs.cancel(job.pk) if start == 2 else None
    jobs.work()
    job.refresh_from_db()
    assert (job.state, job.done, taken(), lines.ends) == ("cancelled", 2, ["a", "b"], ["cancelled"])
    with pytest.raises(Refused):
        jobs.cancel(job.pk)


def test_two_clocks_at_once_take_each_row_once(job, lines):
    def overtake(start):
        lines.before = lambda start: None
        jobs.work()

    lines.before = overtake
    jobs.work()
    assert taken() == list("abcde") and lines.ends == ["done"]


def test_the_same_file_twice_is_one_job_and_few_may_wait(job, lines, tmp_path):
    assert made(tmp_path).pk == job.pk
    made(tmp_path, "f"), made(tmp_path, "g")
    with pytest.raises(Refused):
        made(tmp_path, "h")
    other = made(tmp_path, "h", "x:2")
    assert jobs.ahead(other) == 3
    jobs.work()
    assert made(tmp_path).pk != job.pk and len(taken()) == 8
