// The launches for a class: each begins at its interval, waits for its turn, and fails alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { launchAll } = await load("src/pages/project/launching.ts");
const INTERVAL = 500;

/** Launches for members, and notes what was told and how long the pauses were. */
async function run(users, launch, stopped = () => false) {
  const told = [];
  const pauses = [];
  await launchAll(users.map((user) => ({ user, name: `env-${user}`, launch: "launch" })), INTERVAL, {
    launch,
    stopped: () => stopped(told),
    tell: (user, { state }) => told.push(`${user} ${state}`),
    sleep: (ms) => {
      pauses.push(ms);
      return new Promise(setImmediate);
    },
  });
  return { told, pauses };
}

const refusal = (more = {}) => Object.assign(new Error("no"), more);

test("each launch begins at the interval, and one that fails keeps none of the others", async () => {
  const { told, pauses } = await run(["ada", "ben", "chen"], async ({ user }) => {
    if (user === "ben") throw refusal();
    return `i-${user}`;
  });
  assert.deepEqual(told, ["ada asked", "ada done", "ben asked", "ben failed", "chen asked", "chen done"]);
  assert.deepEqual(pauses, [INTERVAL, INTERVAL]);
});

test("a launch whose turn comes later is requested again after the time that the server says", async () => {
  let asked = 0;
  const { told, pauses } = await run(["ada"], async () => {
    asked += 1;
    if (asked < 3) throw refusal({ retryAfterS: 7 });
    return "i-1";
  });
  assert.deepEqual(told, ["ada asked", "ada done"]);
  assert.deepEqual(pauses, [7000, 7000]);
});

test("a launch that never gets a turn fails in the end", async () => {
  let asked = 0;
  const { told } = await run(["ada"], async () => {
    asked += 1;
    throw refusal({ retryAfterS: 1 });
  });
  assert.deepEqual(told, ["ada asked", "ada failed"]);
  assert.equal(asked, 61);
});

test("after a stop nothing is requested, and what was requested is waited for", async () => {
  let finish;
  const launch = ({ user }) => (user === "ada" ? new Promise((done) => { finish = done; }) : Promise.resolve("i-2"));
  const { told } = await run(["ada", "ben", "chen"], launch, (told) => {
    if (!told.includes("ben done")) return false;
    finish("i-1");
    return true;
  });
  assert.deepEqual(told, ["ada asked", "ben asked", "ben done", "ada done"]);
});

test("no more than four are open at once", async () => {
  let open = 0;
  let most = 0;
  const users = Array.from({ length: 12 }, (_, at) => `u${at}`);
  const { told } = await run(users, async () => {
    open += 1;
    most = Math.max(most, open);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    open -= 1;
    return "i";
  });
  assert.equal(most, 4);
  assert.equal(told.filter((one) => one.endsWith("done")).length, users.length);
});
