// Figures and times in words. Spaces between a number and its unit do not break.
import { en } from "./en";

const NB = "\u00a0";
const { unit } = en;

/** The reader's own time zone, which the pages name. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What is no time is shown as it is: a page with one wrong word is better than none. */
function written(format: Intl.DateTimeFormat, at: string | number | Date): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : format.format(date);
}

const clock = new Intl.DateTimeFormat(en.dateLocale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const clockShort = new Intl.DateTimeFormat(en.dateLocale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(en.dateLocale, { weekday: "short", day: "numeric", month: "short" });
const dayYear = new Intl.DateTimeFormat(en.dateLocale, { day: "numeric", month: "short", year: "numeric" });
const month = new Intl.DateTimeFormat(en.dateLocale, { month: "long" });

/** 51 s, 1 min 02 s, 2 h 05 min, 4 days. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}${NB}${unit.s}`;
  if (whole < 3600) return `${Math.floor(whole / 60)}${NB}${unit.min}${NB}${two(whole % 60)}${NB}${unit.s}`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}${NB}${unit.h}${NB}${two(Math.floor((whole % 3600) / 60))}${NB}${unit.min}`;
  return en.days(Math.floor(whole / 86_400));
}

/** 20 s, 1 min, 3 h: for what is not known exactly. */
export function about(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < 55) return `${Math.max(5, Math.round(whole / 5) * 5)}${NB}${unit.s}`;
  if (whole < 5400) return `${Math.max(1, Math.round(whole / 60))}${NB}${unit.min}`;
  if (whole < 86_400) return `${Math.round(whole / 3600)}${NB}${unit.h}`;
  return en.days(Math.round(whole / 86_400));
}

/** $0.42; fractions of a cent as they are, because prices an hour have them. */
export function money(usd: number): string {
  const digits = usd !== 0 && Math.abs(usd) < 0.01 ? 4 : 2;
  return usd.toLocaleString(en.locale, { style: "currency", currency: "USD", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function bytes(count: number): string {
  const gib = count / 2 ** 30;
  const digits = gib >= 10 ? 0 : 1;
  if (gib >= 0.1) return `${gib.toLocaleString(en.locale, { maximumFractionDigits: digits })}${NB}${unit.gib}`;
  return `${(count / 2 ** 20).toLocaleString(en.locale, { maximumFractionDigits: 0 })}${NB}${unit.mib}`;
}

export function gib(count: number): string {
  return `${count.toLocaleString(en.locale)}${NB}${unit.gib}`;
}

export function percent(of100: number): string {
  return en.percent(Math.round(of100));
}

export function count(value: number): string {
  return value.toLocaleString(en.locale);
}

/** 22:37:29 */
export function time(at: string | number | Date): string {
  return written(clock, at);
}

/** 22:37 today, Tue 24 Nov in the last and next months, 24 Nov 2025 otherwise. */
export function when(at: string | Date, now = new Date()): string {
  const date = new Date(at);
  if (date.toDateString() === now.toDateString()) return written(clockShort, at);
  return dated(at, now);
}

/** Tue 24 Nov, 22:37 */
export function moment(at: string | Date, now = new Date()): string {
  return Number.isNaN(new Date(at).getTime()) ? String(at) : en.dayAndTime(dated(at, now), written(clockShort, at));
}

export function dated(at: string | Date, now = new Date()): string {
  const date = new Date(at);
  const near = Math.abs(date.getTime() - now.getTime()) < 300 * 86_400_000;
  return en.day(written(near ? day : dayYear, at));
}

const utc = new Intl.DateTimeFormat(en.dateLocale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** 1 Jan 2027: for days that are said in UTC, whoever reads them. */
export function dayUtc(at: string): string {
  return written(utc, at);
}

export function monthOf(at: string | Date): string {
  return written(month, at);
}

/** Seconds from one time to another; ends later than now are cut. */
export function between(from: string, to: string | Date): number {
  return Math.max(0, (new Date(to).getTime() - new Date(from).getTime()) / 1000);
}

const yearMonth = new Intl.DateTimeFormat(en.dateLocale, { month: "long", year: "numeric" });

/** November 2026 */
export function monthYear(at: string | Date): string {
  return written(yearMonth, at);
}

/** 22:37 */
export function clockOf(at: string | Date): string {
  return written(clockShort, at);
}
