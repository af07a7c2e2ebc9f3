// Months of the calendar, and what people choose for the times of a schedule.
process.env.TZ = "Europe/Berlin";
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { weeks, shift, isMonth, byDate, beginOf, rangesOf } = await load("src/pages/schedules/month.ts");
const { choice, expression, rate } = await load("src/pages/schedules/cadence.ts");

test("a month is whole weeks from Monday to Sunday", () => {
  const november = weeks("2026-11");
  assert.equal(november.length, 6);
  assert.deepEqual(november[0].map(({ day }) => day), [26, 27, 28, 29, 30, 31, 1]);
  assert.deepEqual(november[5].map(({ date }) => date), ["2026-11-30", "2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04", "2026-12-05", "2026-12-06"]);
  assert.equal(november.flat().filter(({ within }) => within).length, 30);
  // A February that begins on a Monday needs four weeks.
  assert.equal(weeks("2027-02").length, 4);
});

test("each month from 2026 to 2035 has each of its days once", () => {
  for (let month = "2026-01"; month < "2036-01"; month = shift(month, 1)) {
    const days = weeks(month).flat().filter(({ within }) => within).map(({ day }) => day);
    assert.deepEqual(days, days.map((_, at) => at + 1), month);
    assert.ok(days.length >= 28 && days.length <= 31, month);
  }
});

test("months follow one another over the end of a year", () => {
  assert.equal(shift("2026-12", 1), "2027-01");
  assert.equal(shift("2026-01", -1), "2025-12");
  assert.ok(isMonth("2026-11"));
  for (const text of ["2026-13", "2026-00", "2026-1", "<b>", ""]) assert.ok(!isMonth(text), text);
});

test("a run belongs to the day of the reader's zone", () => {
  const groups = byDate([{ at: "2026-11-29T23:30:00Z" }], ({ at }) => at);
  assert.deepEqual([...groups.keys()], ["2026-11-30"]);
  assert.equal(beginOf("2026-11").toISOString(), "2026-10-31T23:00:00.000Z");
});

test("a month is read whole, in ranges of at most 31 days, also when clocks are set back", () => {
  for (const [month, count] of [["2026-10", 2], ["2026-11", 1], ["2026-12", 1]]) {
    const ranges = rangesOf(month);
    assert.equal(ranges.length, count, month);
    assert.equal(ranges[0].from, beginOf(month).toISOString());
    assert.equal(ranges.at(-1).until, beginOf(shift(month, 1)).toISOString());
    ranges.slice(1).forEach(({ from }, at) => assert.equal(from, ranges[at].until));
    assert.ok(ranges.every(({ from, until }) => Date.parse(until) - Date.parse(from) <= 31 * 86_400_000), month);
  }
});

test("a choice and its expression say the same", () => {
  const cases = [
    [{ kind: "daily", time: "03:00" }, "cron(0 3 ? * * *)"],
    [{ kind: "weekly", time: "22:05", days: ["MON", "WED"] }, "cron(5 22 ? * MON,WED *)"],
  ];
  for (const [chosen, text] of cases) {
    assert.equal(expression(chosen), text);
    assert.deepEqual(choice(text), chosen);
  }
  assert.deepEqual(choice("cron(0 3 ? * MON-FRI *)"), { kind: "weekly", time: "03:00", days: ["MON", "TUE", "WED", "THU", "FRI"] });
  assert.deepEqual(choice("cron(30 7 * * ? *)"), { kind: "daily", time: "07:30" });
});

test("an expression that is none of the choices stays as it is", () => {
  for (const text of ["rate(12 hours)", "cron(0 3 ? * FRI-MON *)", "cron(0 3 ? * 2#1 *)", "cron(0 8,20 ? * * *)", "cron(0 3 1 * ? *)", "cron(99 3 ? * * *)"]) {
    assert.deepEqual(choice(text), { kind: "other", expression: text });
    assert.equal(expression(choice(text)), text);
  }
});

test("a rate is a number and a unit", () => {
  assert.deepEqual(rate("rate(1 day)"), { number: 1, unit: "day" });
  assert.deepEqual(rate("rate(12 hours)"), { number: 12, unit: "hour" });
  assert.equal(rate("cron(0 3 ? * * *)"), null);
});
