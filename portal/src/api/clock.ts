// The server's clock. Times in answers are compared with it: this machine's clock may be wrong, and the embedded cloud's
// runs faster.
let ahead = 0;

/** Notes the date of an answer. */
export function heard(date: string | null): void {
  const at = date ? Date.parse(date) : Number.NaN;
  if (!Number.isNaN(at)) ahead = at - Date.now();
}

export function serverNow(): Date {
  return new Date(Date.now() + ahead);
}
