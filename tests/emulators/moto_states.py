"""moto's interpreter of the Amazon States Language, with virtual time.

    moto_states.py PORT        with PRISM_FUNCTIONS_URL in the environment

This adds what moto lacks, and changes nothing that decides a path:

- executions are really run, and JSONata is evaluated by `jsonata-python`. Values are passed to an expression as
  JSON, whereas moto does not escape the quotes in a string;
- functions are invoked at PRISM_FUNCTIONS_URL, with Lambda's protocol. A response with the header `x-prism-takes`
  is delayed for that many seconds;
- waits, pauses before a retry and time limits use a clock of each execution. Once all branches wait, it jumps to
  the next of these times, and reports the step to PRISM_FUNCTIONS_URL/clock, so that the server there has the
  same time.
"""

import functools
import http.client
import json
import logging
import os
import sys
import threading
import urllib.parse

import boto3
from botocore.config import Config
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from moto.core.config import default_user_config
from moto.server import main
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import job
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

FUNCTIONS_URL = os.environ["PRISM_FUNCTIONS_URL"]

# The value that means no limit.
NO_LIMIT_S = 99_999_999


class Sleeper:
    """A branch that waits for a time, or for an event before it."""

    def __init__(self, at, env=None):
        self.at = at
        self.env = env
        self.thread = threading.current_thread()
        self.abandoned = False
        self.woken = threading.Event()


class Clock:
    """The clock of one execution.

    A branch is busy or sleeping. Once all are sleeping, time jumps to the first time that a sleeper or a limit
    waits for. When a limit is reached, it cancels the sleepers that its own thread has started.
    """

    every = set()

    def __init__(self):
        self.now = 0.0
        self.lock = threading.RLock()
        self.branches = 1
        self.sleepers = []
        self.limits = []
        # Threads that are about to wait with a limit that is not known yet.
        self.expected = 0
        self.every.add(self)

    def sleep(self, seconds, env=None):
        """Sleeps as a branch; with an environment, at most until that is stopped."""
        if seconds <= 0:
            return
        sleeper = Sleeper(self.now + seconds, env)
        with self.lock:
            self.sleepers.append(sleeper)
            self.turn()
        sleeper.woken.wait()
        if sleeper.abandoned:
            # Nothing waits for this thread any more, and moto would let it write to the history.
            raise SystemExit

    def add_branches(self, number):
        """Adds branches, or removes them if the number is negative."""
        with self.lock:
            self.branches += number
            self.turn()

    def turn(self):
        """Lets time jump if no branch is busy."""
        while self.sleepers and len(self.sleepers) >= self.branches and not self.expected:
            # At the same time, a response comes before its limit.
            first = min(self.sleepers, key=lambda sleeper: sleeper.at)
            limit = min(self.limits, key=lambda limit: limit.at, default=None)
            if limit is not None and limit.at < first.at:
                self.jump(limit.at)
                self.limits.remove(limit)
                limit.reach()
                if limit.gives_up:
                    self.give_up(limit.thread)
                return
            self.jump(first.at)
            self.sleepers.remove(first)
            first.woken.set()

    def jump(self, at):
        post("/clock", {"seconds": at - self.now})
        self.now = at

    def give_up(self, thread):
        for sleeper in [s for s in self.sleepers if descends(s.thread, thread)]:
            self.sleepers.remove(sleeper)
            sleeper.abandoned = True
            sleeper.woken.set()

    def wake(self, which):
        with self.lock:
            for sleeper in [s for s in self.sleepers if which(s)]:
                self.sleepers.remove(sleeper)
                sleeper.woken.set()

    def end(self):
        self.every.discard(self)
        self.wake(lambda sleeper: True)


def descends(thread, ancestor):
    while thread is not None:
        if thread is ancestor:
            return True
        thread = getattr(thread, "prism_parent", None)
    return False


def clock():
    """The clock of this thread's execution."""
    return threading.current_thread().prism_clock


class Limit:
    """A time at which a wait for an event ends."""

    def __init__(self, at, event, gives_up):
        self.at = at
        self.event = event
        self.gives_up = gives_up
        self.thread = threading.current_thread()
        self.reached = False

    def reach(self):
        self.reached = True
        self.event.set()


class LimitedEvent:
    """A `threading.Event` whose time limit is on the execution's clock."""

    # Whether the threads that the waiting thread started end with the wait.
    gives_up = True

    def __init__(self):
        self.event = threading.Event()
        with clock().lock:
            clock().expected += 1

    def set(self):
        self.event.set()

    def is_set(self):
        return self.event.is_set()

    def wait(self, timeout=None):
        time_of = clock()
        limit = None
        with time_of.lock:
            if timeout is not None and timeout < NO_LIMIT_S:
                limit = Limit(time_of.now + timeout, self.event, self.gives_up)
                time_of.limits.append(limit)
            time_of.expected -= 1
            time_of.turn()
        self.event.wait()
        if limit is None:
            return True
        with time_of.lock:
            if limit in time_of.limits:
                time_of.limits.remove(limit)
        return not limit.reached


class ProgramEvent(LimitedEvent):
    # An execution that has timed out writes its last event itself.
    gives_up = False


class AnswerEvent(LimitedEvent):
    """The wait for the result of a task token, in which the branch itself sleeps."""

    def __init__(self):
        self.event = threading.Event()

    def wait(self, timeout=None):
        if self.event.is_set():
            return True
        time_of = clock()
        sleeper = Sleeper(time_of.now + (NO_LIMIT_S if timeout is None else timeout))
        self.sleeper, self.time_of = sleeper, time_of
        with time_of.lock:
            time_of.sleepers.append(sleeper)
            time_of.turn()
        sleeper.woken.wait()
        if sleeper.abandoned:
            raise SystemExit
        return self.event.is_set()

    def set(self):
        super().set()
        sleeper = getattr(self, "sleeper", None)
        if sleeper is not None:
            self.time_of.wake(lambda other: other is sleeper)


class LimitedThread(threading.Thread):
    """A thread whose `join` has its time limit on the execution's clock."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.ended = ProgramEvent()

    def run(self):
        try:
            super().run()
        finally:
            self.ended.set()

    def join(self, timeout=None):
        if self.ended.wait(timeout):
            super().join()


class Threading:
    """Replaces `threading` in the modules of moto that wait with a limit."""

    def __init__(self, event=LimitedEvent, thread=threading.Thread):
        self.Event = event
        self.Thread = thread
        self.Lock = threading.Lock


def keep_time():
    start = threading.Thread.start

    def start_in_time(thread):
        parent = threading.current_thread()
        thread.prism_parent = parent
        thread.prism_clock = getattr(parent, "prism_clock", None)
        start(thread)

    threading.Thread.start = start_in_time

    execute = ExecutionWorker._execution_logic

    def execute_in_time(worker):
        time_of = threading.current_thread().prism_clock = Clock()
        try:
            execute(worker)
        finally:
            time_of.end()

    ExecutionWorker._execution_logic = execute_in_time

    WaitFunction._wait_interval = lambda _self, env, wait_seconds: clock().sleep(wait_seconds, env)
    retrier_decl.time = type("Time", (), {"sleep": staticmethod(lambda seconds: clock().sleep(seconds))})
    execute_state.threading = Threading()
    program.threading = Threading(thread=LimitedThread)
    callback.Event = AnswerEvent

    for name in ("set_stop", "set_timed_out", "set_error", "set_ended"):
        setattr(Environment, name, waking(getattr(Environment, name)))

    # Each item of a Map counts as a branch from the beginning. Its parent does not count while it waits for them.
    make, close, wait = job.JobPool.__init__, job.JobPool.close_job, job.JobPool.await_jobs

    def make_pool(pool, job_program, job_inputs):
        make(pool, job_program, job_inputs)
        clock().add_branches(len(job_inputs))

    def close_job(pool, closed):
        clock().add_branches(-1)
        close(pool, closed)

    def await_jobs(pool):
        clock().add_branches(-1)
        wait(pool)
        clock().add_branches(1)

    job.JobPool.__init__, job.JobPool.close_job, job.JobPool.await_jobs = make_pool, close_job, await_jobs


def waking(change):
    """A change of an environment that wakes its sleepers if the environment has ended."""

    def changed(env, *arguments, **settings):
        change(env, *arguments, **settings)
        for time_of in list(Clock.every):
            time_of.wake(lambda sleeper: sleeper.env is not None and not sleeper.env.is_running())

    return changed


def post(path, body):
    url = urllib.parse.urlsplit(FUNCTIONS_URL)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {answer.read()!r}")
        answer.read()
    finally:
        connection.close()


class Functions:
    """A Lambda client for PRISM_FUNCTIONS_URL, shared because creating one takes longer than a call."""

    def __init__(self):
        self.client = boto3.client(
            "lambda",
            region_name="us-east-1",
            endpoint_url=FUNCTIONS_URL,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                parameter_validation=False,
                read_timeout=60,
                retries={"total_max_attempts": 1},
                max_pool_connections=50,
            ),
        )

    def invoke(self, **parameters):
        answer = self.client.invoke(**parameters)
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        clock().sleep(float(headers.get("x-prism-takes", "0")))
        return answer


def evaluate(expression):
    try:
        return Jsonata(expression).evaluate(None)
    except JException as error:
        raise jsonata.JSONataException(str(getattr(error, "error", "UNKNOWN")), str(error)) from error


def declare(bindings):
    return "".join(f"{name}:={json.dumps(value, default=str)};" for name, value in bindings.items())


def run(port):
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    jsonata._eval_jsonata = evaluate
    states.encode_jsonata_variable_declarations = declare
    variable_store.encode_jsonata_variable_declarations = declare
    # Each execution parses its definition again, which takes longer than running it.
    parse = functools.lru_cache(AmazonStateLanguageParser.parse)
    AmazonStateLanguageParser.parse = staticmethod(parse)
    functions_client = Functions()
    lambda_eval_utils.boto_client_for = lambda **_: functions_client
    keep_time()
    main(["-H", "127.0.0.1", "-p", port])


if __name__ == "__main__":
    run(sys.argv[1])
