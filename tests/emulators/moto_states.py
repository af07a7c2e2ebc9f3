"""moto's interpreter of the States Language, on a time that costs nothing.

    moto_states.py PORT        with PRISM_FUNCTIONS_URL in the environment

What moto leaves out is put in, and nothing that decides a path is touched:

- executions are really run, and JSONata is evaluated by `jsonata-python`; values reach an expression
  as JSON, where moto leaves the quotes of a string as they are;
- functions are invoked at PRISM_FUNCTIONS_URL, by the protocol of Lambda. An answer with the header
  `x-prism-takes` is held back for that many seconds;
- waits, pauses before a retry and time limits pass on a clock of each execution, which jumps to the
  next of them once all branches wait, and tells how far at PRISM_FUNCTIONS_URL/clock. What answers
  there lives in the same time.
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

# The limit that stands for none.
NO_LIMIT_S = 99_999_999


class Sleeper:
    """A branch that waits for an instant, or for something that happens before."""

    def __init__(self, at, env=None):
        self.at = at
        self.env = env
        self.thread = threading.current_thread()
        self.abandoned = False
        self.woken = threading.Event()


class Clock:
    """The time of one execution.

    A branch is busy or sleeps. Once all sleep, time jumps to the first instant that somebody waits
    for: a sleeper's, or a limit's. A limit that is reached gives up what sleeps on its behalf, in
    threads that its own thread has started.
    """

    every = set()

    def __init__(self):
        self.now = 0.0
        self.lock = threading.RLock()
        self.branches = 1
        self.sleepers = []
        self.limits = []
        # Threads that are about to wait with a limit, which is known once they do.
        self.expected = 0
        self.every.add(self)

    def sleep(self, seconds, env=None):
        """Sleeps as a branch; with an environment, until that one is stopped."""
        if seconds <= 0:
            return
        sleeper = Sleeper(self.now + seconds, env)
        with self.lock:
            self.sleepers.append(sleeper)
            self.turn()
        sleeper.woken.wait()
        if sleeper.abandoned:
            # Nobody waits for this thread any more; moto would let it write to the history.
            raise SystemExit

    def add_branches(self, number):
        """Branches begin, or with a negative number end."""
        with self.lock:
            self.branches += number
            self.turn()

    def turn(self):
        """Lets time jump if nobody is busy."""
        while self.sleepers and len(self.sleepers) >= self.branches and not self.expected:
            # Of one instant, an answer comes before the limit on it.
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
    """The clock of the execution that this thread works for."""
    return threading.current_thread().prism_clock


class Limit:
    """An instant at which a wait for an event is given up."""

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
    """An event, as `threading` has it, whose wait has its limit in the execution's time."""

    # Whether what was begun on behalf of the one who waits ends with the wait.
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
    # A program that has timed out writes its last event itself.
    gives_up = False


class AnswerEvent(LimitedEvent):
    """The wait for the answer to a task token: it is the branch itself that sleeps."""

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
    """A thread whose `join` has its limit in the execution's time."""

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
    """What moto's modules see as `threading` where they wait with a limit."""

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

    # Each item of a Map is a branch from the beginning, and its parent is none while it awaits them.
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
    """A change of an environment after which those who wait in it are woken if it has ended."""

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
    """A client of Lambda for PRISM_FUNCTIONS_URL. One is enough: making it takes longer than a call."""

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
    # Each execution parses its definition anew, which takes longer than running it.
    parse = functools.lru_cache(AmazonStateLanguageParser.parse)
    AmazonStateLanguageParser.parse = staticmethod(parse)
    functions_client = Functions()
    lambda_eval_utils.boto_client_for = lambda **_: functions_client
    keep_time()
    main(["-H", "127.0.0.1", "-p", port])


if __name__ == "__main__":
    run(sys.argv[1])
