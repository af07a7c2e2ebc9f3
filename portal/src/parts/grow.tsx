// Shows the beginning of a long list, and more of it when its end comes into view: a page of a thousand rows at once
// would hold the browser up.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { text } from "../text";
import { count } from "../text/format";

/** How many rows are added at once. */
const STEP = 15;
/** How many rows a table has: the browser lays out the last table alone when rows are added to it. */
const CHUNK = 100;
/** How far below the window the end may be when the next rows are added, in pixels. */
const AHEAD = 1200;

/** The first `rows` items in pieces; the same items are in the same piece when more are shown. */
function chunks<T>(items: T[], rows: number): T[][] {
  const shown = items.slice(0, rows);
  return Array.from({ length: Math.ceil(shown.length / CHUNK) }, (_, at) => shown.slice(at * CHUNK, (at + 1) * CHUNK));
}

export function Grow<T>({ items, of, children }: { items: T[]; of: string; children: (items: T[], first: boolean) => ComponentChildren }) {
  const shown = useSignal({ of, rows: 3 * STEP });
  const end = useRef<HTMLDivElement>(null);
  const rows = shown.value.of === of ? shown.value.rows : 3 * STEP;
  const rest = items.length - rows;
  const more = () => { shown.value = { of, rows: rows + STEP }; };
  useEffect(() => {
    if (rest <= 0 || !end.current) return;
    const seen = new IntersectionObserver(([entry]) => { if (entry?.isIntersecting) more(); }, { rootMargin: `${AHEAD}px` });
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [rest > 0, rows, of]);
  return (
    <>
      {chunks(items, rows).map((some, at) => <div class="chunk" key={at}>{children(some, at === 0)}</div>)}
      {rest > 0 && <div class="card-foot" ref={end}><span>{text.list.some(count(rows), count(items.length))}</span><button class="button is-quiet" type="button" onClick={more}>{text.list.more}</button></div>}
    </>
  );
}
