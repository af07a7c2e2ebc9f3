// What people choose for a schedule, and the expression that the API knows it by.
export const WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"] as const;
export type Weekday = (typeof WEEKDAYS)[number];
export type Choice =
  | { kind: "daily"; time: string }
  | { kind: "weekly"; time: string; days: Weekday[] }
  | { kind: "other"; expression: string };

const DAILY = /^cron\(([0-9]{1,2}) ([0-9]{1,2}) (?:\? \* \*|\* \* \?) \*\)$/;
const WEEKLY = /^cron\(([0-9]{1,2}) ([0-9]{1,2}) \? \* ([A-Z]{3}(?:[-,][A-Z]{3})*) \*\)$/;

export function expression(choice: Choice): string {
  if (choice.kind === "other") return choice.expression.trim();
  const [hour, minute] = choice.time.split(":").map(Number);
  const days = choice.kind === "daily" ? "*" : choice.days.join(",");
  return `cron(${minute} ${hour} ? * ${days} *)`;
}

/** The choice that an expression stands for; one that is none of ours stays as it is. */
export function choice(text: string): Choice {
  const other: Choice = { kind: "other", expression: text };
  const found = DAILY.exec(text) ?? WEEKLY.exec(text);
  if (!found) return other;
  const [minute, hour] = [Number(found[1]), Number(found[2])];
  if (minute > 59 || hour > 23) return other;
  const time = `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
  if (found[3] === undefined) return { kind: "daily", time };
  const days = weekdays(found[3]);
  return days ? { kind: "weekly", time, days } : other;
}

/** The days of `MON-WED,FRI`; null for what cannot be shown as a set of days, such as FRI-MON. */
function weekdays(list: string): Weekday[] | null {
  const days = new Set<Weekday>();
  for (const part of list.split(",")) {
    const [from, to] = part.split("-").map((day) => WEEKDAYS.indexOf(day as Weekday)) as [number, number?];
    const until = to ?? from;
    if (from < 0 || until < from) return null;
    for (let day = from; day <= until; day += 1) days.add(WEEKDAYS[day]!);
  }
  return WEEKDAYS.filter((day) => days.has(day));
}

/** The number and the unit of `rate(12 hours)`. */
export function rate(text: string): { number: number; unit: "minute" | "hour" | "day" } | null {
  const found = /^rate\(([0-9]+) (minute|hour|day)s?\)$/.exec(text);
  return found ? { number: Number(found[1]), unit: found[2] as "minute" | "hour" | "day" } : null;
}
