// The days of a month, in whole weeks from Monday to Sunday. Days are local dates, written as YYYY-MM-DD.
export interface Day { date: string; day: number; within: boolean }

const pad = (number: number) => String(number).padStart(2, "0");
export const dateOf = (at: Date) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
export const monthOf = (at: Date) => dateOf(at).slice(0, 7);

/** Whether the text names a month, such as 2026-11. */
export const isMonth = (text: string) => /^[0-9]{4}-(0[1-9]|1[0-2])$/.test(text);

/** The first instant of a month in the reader"s zone. */
export function beginOf(month: string): Date {
  const [year, number] = month.split("-").map(Number) as [number, number];
  return new Date(year, number - 1, 1);
}

/** The most of a range whose runs the API returns. */
const LONGEST_MS = 31 * 86_400_000;

/** A month in ranges that the API takes: 31 days with a night on which clocks are set back are an hour longer. */
export function rangesOf(month: string): { from: string; until: string }[] {
  const [from, until] = [beginOf(month).getTime(), beginOf(shift(month, 1)).getTime()];
  const cut = Math.min(until, from + LONGEST_MS);
  const ranges = cut < until ? [[from, cut], [cut, until]] as const : [[from, until]] as const;
  return ranges.map(([from, until]) => ({ from: new Date(from).toISOString(), until: new Date(until).toISOString() }));
}

/** The month that is `by` months later. */
export function shift(month: string, by: number): string {
  const begin = beginOf(month);
  return monthOf(new Date(begin.getFullYear(), begin.getMonth() + by, 1));
}

export function weeks(month: string): Day[][] {
  const begin = beginOf(month);
  const year = begin.getFullYear();
  const number = begin.getMonth();
  const monday = 1 - ((begin.getDay() + 6) % 7);
  const result: Day[][] = [];
  for (let first = monday; first <= new Date(year, number + 1, 0).getDate(); first += 7) {
    result.push(Array.from({ length: 7 }, (_, at) => {
      const date = new Date(year, number, first + at);
      return { date: dateOf(date), day: date.getDate(), within: date.getMonth() === number };
    }));
  }
  return result;
}

/** Groups what has a time by its local date. */
export function byDate<T>(items: T[], time: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const date = dateOf(new Date(time(item)));
    groups.set(date, [...(groups.get(date) ?? []), item]);
  }
  return groups;
}
