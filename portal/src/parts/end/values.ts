// What the form of an end holds, what is wrong with it, and what it asks of the API.
import type { Schemas } from "../../api/client";
import { text } from "../../text";
import { isTemplateName } from "../names";

export type End = Schemas["End"];
/** What of an end says when something happens, and what. */
export type EndAhead = Pick<End, "at" | "then" | "last_save" | "warn_minutes">;

/** The minutes of each unit. */
const UNITS = { minutes: 1, hours: 60, days: 1440, weeks: 10_080 };
const MINUTE_MS = 60_000;
/** The API refuses what ends later than in a year. */
const LONGEST_MS = 366 * UNITS.days * MINUTE_MS;
const WARNING_MINUTES = 15;

export interface EndValues {
  /** Without an end; for a time, from now or from the end so far; or until a time. */
  when: "never" | "for" | "until";
  amount: string;
  unit: keyof typeof UNITS;
  /** A date and time in the reader's zone, as the field of one has it. */
  until: string;
  then: Schemas["Then"];
  lastSave: string;
  warnMinutes: string;
}

/** The form as it opens. `known` is the end so far, if it lies ahead. */
export function endValues(now: Date, known?: End): EndValues {
  return {
    when: "for",
    amount: known ? "2" : "4",
    unit: "hours",
    until: localOf(known ? new Date(known.at) : new Date(now.getTime() + UNITS.days * MINUTE_MS)),
    then: known?.then ?? "stop",
    lastSave: known?.last_save ?? "",
    warnMinutes: String(known?.warn_minutes ?? WARNING_MINUTES),
  };
}

/** Whether an end lies ahead, so that time can be added to it. */
export const isAhead = (end: End, now: Date) => end.state === "ahead" && new Date(end.at) > now;

/** When it ends; an invalid date if the form does not say. */
function endsAt(values: EndValues, now: Date, known?: End): Date {
  if (values.when === "for") {
    const from = known ? new Date(known.at) : now;
    return new Date(from.getTime() + minutesOf(values) * MINUTE_MS);
  }
  // The field has no seconds: an end that was left alone keeps its own.
  if (known && localOf(new Date(known.at)) === values.until) return new Date(known.at);
  return new Date(values.until);
}

function minutesOf({ amount, unit }: EndValues): number {
  return /^\d+$/.test(amount.trim()) ? Number(amount) * UNITS[unit] : Number.NaN;
}

export interface EndErrors {
  time?: string;
  lastSave?: string;
}

export function endErrors(values: EndValues, now: Date, known?: End): EndErrors {
  if (values.when === "never") return {};
  const words = text.ends;
  const left = endsAt(values, now, known).getTime() - now.getTime();
  const lastSave = values.lastSave.trim();
  return {
    time: values.when === "for" && Number.isNaN(left) ? words.badAmount : left >= MINUTE_MS && left <= LONGEST_MS ? undefined : words.outside,
    lastSave: lastSave && !isTemplateName(lastSave) ? text.scheduleForm.badName : undefined,
  };
}

/** What the API is asked for; the form has no errors. A time that is added counts from the end so far. */
export function endRequest(values: EndValues, now: Date, known?: End): Schemas["EndRequest"] {
  const when = values.when === "for" && !known ? { for_minutes: minutesOf(values) } : { at: endsAt(values, now, known).toISOString() };
  return { ...when, then: values.then, last_save: values.lastSave.trim() || null, warn_minutes: Number(values.warnMinutes) };
}

/** The end that the API will make of it. */
export function endPreview(values: EndValues, now: Date, known?: End): EndAhead {
  return { at: endsAt(values, now, known).toISOString(), then: values.then, last_save: values.lastSave.trim(), warn_minutes: Number(values.warnMinutes) };
}

/** As the field of a date and time has it. */
function localOf(at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
