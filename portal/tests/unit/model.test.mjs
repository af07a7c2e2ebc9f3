// The timeline that is read from a save's record.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { timeline } = await load("src/parts/signal/model.ts");
const at = (seconds) => new Date(Date.UTC(2026, 10, 28, 22, 37, 29) + seconds * 1000).toISOString();

/** A save that stops its instance, as it is recorded. */
function saved(changes = {}) {
  const moments = [["PlanSave", 0], ["StopInstance", 5], ["AwaitStopped", 8], ["CreateImage", 30], ["AwaitSnapshots", 32], ["RestartInstance", 37], ["AwaitRunning", 40], ["AwaitImage", 56], ["CopyImage", 153], ["AwaitCopy", 155], ["RegisterTemplate", 336], ["CompleteSave", 343]];
  return {
    state: "succeeded", step: "CompleteSave", started_at: at(0), ended_at: at(346),
    moments: moments.map(([step, seconds]) => ({ step, at: at(seconds) })),
    stop_requested_at: at(5), stopped_at: at(30), image_requested_at: at(31), captured_at: at(34), snapshots_at: at(37),
    start_requested_at: at(37), running_at: at(56), downtime_s: 51,
    plan: { expected_downtime_s: 60, instance: { original_state: "running" }, request: { how: "stop" } },
    request: { copy_to: ["eu-west-1"], how: "stop" },
    ...changes,
  };
}

/** The same save, seen before its end. */
function until(seconds, changes = {}) {
  const whole = saved();
  const known = (name) => (whole[name] && whole[name] <= at(seconds) ? whole[name] : null);
  const times = Object.fromEntries(["stop_requested_at", "stopped_at", "image_requested_at", "captured_at", "snapshots_at", "start_requested_at", "running_at", "ended_at"].map((name) => [name, known(name)]));
  return { ...whole, ...times, state: "running", downtime_s: null, moments: whole.moments.filter((one) => one.at <= at(seconds)), ...changes };
}

test("the downtime is what the record says, and EC2's share of it is measured by EC2", () => {
  const { down, length, over } = timeline(saved(), new Date(at(9999)));
  assert.deepEqual([over, length], [true, 346]);
  assert.deepEqual([down.from, down.to, down.open], [5, 56, false]);
  assert.equal(down.to - down.from, saved().downtime_s);
  // Stopping 25, snapshots 3 by EC2's clock, starting 19; the rest is Prism's.
  assert.deepEqual([down.floor, down.own], [47, 4]);
  assert.deepEqual(down.phases, [{ phase: "stopping", from: 5, to: 30 }, { phase: "snapshots", from: 30, to: 37 }, { phase: "starting", from: 37, to: 56 }]);
});

test("states that are one step for people are one step, and each ends where the next begins", () => {
  const { steps } = timeline(saved(), new Date(at(400)));
  assert.deepEqual(steps.map(({ name }) => name), ["PlanSave", "StopInstance", "CreateImage", "AwaitSnapshots", "RestartInstance", "AwaitImage", "CopyImage", "RegisterTemplate", "CompleteSave"]);
  steps.slice(1).forEach((step, index) => assert.equal(step.from, steps[index].to));
  assert.deepEqual(steps.filter(({ down }) => down).map(({ name }) => name), ["StopInstance", "CreateImage", "AwaitSnapshots", "RestartInstance"]);
});

test("a save in progress shows what is expected, and no figure for what is not", () => {
  const { down, now, length, over, steps } = timeline(until(20), new Date(at(20)));
  assert.equal(over, false);
  assert.deepEqual([down.from, down.to, down.open, down.expected], [5, 20, true, 65]);
  assert.ok(length > 65);
  assert.equal(now, 20);
  assert.equal(down.floor, undefined);
  assert.equal(steps.find(({ state }) => state === "now").name, "StopInstance");
  const ahead = steps.filter(({ state }) => state === "ahead");
  assert.deepEqual(ahead.map(({ name }) => name), ["CreateImage", "AwaitSnapshots", "RestartInstance", "AwaitImage", "CopyImage", "RegisterTemplate", "CompleteSave"]);
  assert.ok(ahead.every(({ from, to }) => from === undefined && to === undefined));
});

test("a downtime longer than expected stays open to now", () => {
  const { down } = timeline(until(20), new Date(at(500)));
  assert.deepEqual([down.to, down.expected], [500, 500]);
});

test("a rollback has no steps ahead, and its last one is not done", () => {
  const moments = [...until(20).moments, { step: "RestoreInstance", at: at(25) }];
  assert.equal(timeline(until(20, { moments }), new Date(at(30))).steps.at(-1).state, "now");
  const failed = timeline(saved({ state: "failed", moments }), new Date(at(400)));
  assert.equal(failed.steps.at(-1).state, "failed");
});

test("a stopped instance is not taken down, and a rebooted one is down until its snapshots are seen", () => {
  const stopped = saved({ stop_requested_at: null, stopped_at: null, start_requested_at: null, running_at: null, downtime_s: null });
  assert.equal(timeline(stopped, new Date(at(400))).down, undefined);
  const plan = { expected_downtime_s: 60, instance: { original_state: "running" }, request: { how: "reboot" } };
  const rebooted = saved({ plan, stop_requested_at: null, stopped_at: null, start_requested_at: null });
  const { down } = timeline(rebooted, new Date(at(400)));
  assert.deepEqual([down.from, down.to, down.floor], [31, 37, undefined]);
  assert.deepEqual(down.phases.map(({ phase }) => phase), ["rebooting"]);
});

test("a clock behind the record's does not turn time around", () => {
  const { now, steps } = timeline(until(60), new Date(at(-100)));
  assert.equal(now, 56);
  assert.ok(steps.every(({ from, to }) => from === undefined || to >= from));
});
