// Saves that this tab has begun: their record may be missing for a moment.
const begun = new Map<string, number>();
const MOMENT_MS = 30_000;

export function noteBegun(id: string): void {
  begun.set(id, Date.now());
}

export function justBegun(id: string): boolean {
  return Date.now() - (begun.get(id) ?? 0) < MOMENT_MS;
}
