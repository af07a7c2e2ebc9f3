// The list of saves: a page of older ones that fails, and new saves that move those that are shown.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const nothing = () => {};
const element = () => ({ nodeType: 1, childNodes: [], firstChild: null });
Object.assign(globalThis, {
  addEventListener: nothing,
  // An open channel would keep the test from ending.
  BroadcastChannel: EventTarget,
  location: new URL("https://prism.test"),
  document: { hidden: false, addEventListener: nothing, removeEventListener: nothing },
  window: { addEventListener: nothing, removeEventListener: nothing },
});
const { h, render, useSaves } = await load("tests/unit/saves.js");

/** The numbers of all saves, newest first, of which a page has two. */
let saves;
/** What keeps older saves from being read: a failure, or a promise. */
let older;
/** What the list was last. */
let list;
let shown;

globalThis.fetch = async (request) => {
  const { searchParams } = new URL(request.url);
  const cursor = searchParams.get("cursor");
  if (cursor && (await older) === "fails") return Response.json({ code: "Throttled", detail: "no" }, { status: 503 });
  const left = saves.filter((save) => !cursor || save < Number(cursor));
  const page = left.slice(0, 2);
  const fits = (save) => !searchParams.has("template") || searchParams.get("template") === `t-${save}`;
  return Response.json({ items: page.filter(fits).map((save) => ({ save_id: `save-${save}` })), cursor: left.length > 2 ? String(page.at(-1)) : null });
};

/** Shows the saves that a filter leaves. */
function open(filter) {
  shown = element();
  render(h(() => {
    list = useSaves(filter);
    return null;
  }), shown);
}

/** Waits until the list has these saves, and is as `more` says. */
async function has(ids, more = () => true) {
  const found = () => list.found.map((save) => Number(save.save_id.slice(5)));
  for (let tries = 0; tries < 300 && !(String(found()) === String(ids) && more(list)); tries += 1) await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(found(), ids);
  assert.ok(more(list), JSON.stringify(list));
}

beforeEach(() => {
  older = undefined;
});
afterEach(() => render(null, shown));

test("a new save leaves the older ones where they are, and none is shown twice", async () => {
  saves = [7, 6, 5, 4, 3, 2, 1];
  open({});
  for (const shown of [2, 4, 6]) {
    await has(saves.slice(0, shown), ({ more }) => more);
    list.more();
  }
  await has(saves, ({ more }) => !more);
  let arrive;
  older = new Promise((done) => { arrive = done; });
  saves = [8, ...saves];
  await has(saves, ({ reading }) => reading);
  arrive();
  await has(saves, ({ reading }) => !reading);
});

test("a first page without a save that fits is read on, also after a failure", async () => {
  saves = [3, 2, 1];
  older = "fails";
  open({ template: "t-1" });
  await has([], ({ more }) => more);
  list.more();
  await has([], ({ problem, more }) => problem && more);
  older = undefined;
  list.more();
  await has([1], ({ problem, more }) => !problem && !more);
});
